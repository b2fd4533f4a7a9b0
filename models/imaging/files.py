"""Picture files in and out: the only interface by which the rest of Remend reads and writes pictures.

Reading gives an upright ``Picture`` whose pixels are the file's own (8 or 16 bits, in the file's
own RGB profile); writing keeps what the format can hold and says what it cannot. How it is done
is in ``header``, ``decode``, ``encode`` and ``metadata``. Nothing here chooses names for outputs.
"""

import io
import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from remend.models.errors import OptionError, RequestError
from remend.models.imaging.apart import read_apart
from remend.models.imaging.decode import decode
from remend.models.imaging.encode import SUFFIX_FORMATS, encode
from remend.models.imaging.frame import is_plain, opens_in_python
from remend.models.imaging.header import Header, Source, header_of, open_picture, worded_errors
from remend.models.imaging.picture import Picture
from remend.models.storage.atomic import write_atomic
from remend.models.storage.remote import AnyPath, RemotePath

PICTURE_SUFFIXES = frozenset(
    {
        *SUFFIX_FORMATS, ".bmp", ".dib", ".gif", ".avif", ".avifs", ".heic", ".heif", ".hif", ".mpo",
        ".apng",
    }
)  # fmt: skip
"""File name suffixes, in small letters, of the pictures that are read."""


class PhotoFile:
    """A picture file that is opened once: its header at once, its pixels when they are asked for.

    While it is open it holds a file handle, or what was given as bytes or stream. Behind a URL it holds
    what the header took, mostly 1 MiB; ``read`` fetches the rest in one request. ``close`` lets go of
    that; ``header`` stays, and ``read`` then opens a path again. ``read`` closes when it is done.

    Plain files (``models.imaging.frame``) are decoded in this process, all others in one beside it, whose
    crash is an ``InputError``.

    Args:
        source: As for ``open_photo``.
        max_megapixels: As for ``open_photo``.
    """

    header: Header

    def __init__(self, source: Source, max_megapixels: float | None = None) -> None:
        self._name = str(source) if isinstance(source, AnyPath) else "The picture"
        self._max_megapixels = max_megapixels
        with worded_errors(self._name):
            # Both decoders want to seek, which a pipe cannot; uploads are in memory anyway.
            self._source = source if isinstance(source, bytes | AnyPath) else source.read()
            self._stream: BinaryIO | None = self._open()
        try:
            self.header = self._read_header()
        except BaseException:
            self.close()
            raise

    def _open(self) -> BinaryIO:
        source = self._source
        return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")

    def _read_header(self) -> Header:
        with worded_errors(self._name):
            stream = self._stream = self._stream or self._open()
            if not opens_in_python(stream):
                return read_apart("header", self._whole(), self._name, self._max_megapixels)
        with open_picture(stream, self._name, self._max_megapixels) as opened:
            return header_of(opened.image)

    def read(self) -> Picture:
        """Decode the picture, upright; errors as for ``read_picture``. Closes the file."""
        try:
            with worded_errors(self._name):
                stream = self._stream = self._stream or self._open()
                if not is_plain(stream):
                    return read_apart("picture", self._whole(), self._name, self._max_megapixels)
                if isinstance(self._source, RemotePath):
                    # Decoders go back and forth in a file; behind a URL each step back is a request.
                    stream = io.BytesIO(_content(stream))
            # The header is parsed again, from what is open: Pillow keeps what it answered about a PNG
            # before it decoded it, and that may be less than there is.
            with open_picture(stream, self._name, self._max_megapixels) as opened:
                return decode(opened)
        finally:
            self.close()

    def _whole(self) -> Path | bytes:
        """What another process can read: a path on this machine, or the bytes."""
        if isinstance(self._source, RemotePath):
            self._stream = io.BytesIO(_content(self._stream or self._open()))
            return self._stream.getvalue()
        return self._source

    def close(self) -> None:
        """Let go of the file; the header stays."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _content(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read()


def is_picture_name(path: AnyPath) -> bool:
    """Tell by its name whether a file found in a folder is meant to be a picture."""
    # "._photo.jpg" is what macOS leaves on foreign disks beside photo.jpg: no picture.
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith("._")


def open_photo(source: Source, *, max_megapixels: float | None = None) -> PhotoFile:
    """Open a picture file and read its header; decode it later from what is already open.

    ``with open_photo(path) as photo: photo.header ...; photo.read()`` opens and fetches the file once.
    Without ``with``, ``photo.read()`` or ``photo.close()`` closes it.

    Args:
        source: A path, a file's bytes, or a binary stream (read from where it stands to its end).
        max_megapixels: Larger pictures are refused before their pixels are decoded; None = 400.

    Raises:
        InputError: There is no such file, it is no picture, it is too large, or its header is damaged.
    """
    return PhotoFile(source, max_megapixels)


def read_picture(source: Source, *, max_megapixels: float | None = None) -> Picture:
    """Read a picture.

    Args:
        source: As for ``open_photo``.
        max_megapixels: As for ``open_photo``.

    Returns:
        The picture, upright. RGB pixels are as in the file; CMYK and Lab became sRGB; what was
        converted or dropped is said in ``meta.notes``.

    Raises:
        InputError: There is no such file, it is no picture, it is damaged, or it is too large.
    """
    with open_photo(source, max_megapixels=max_megapixels) as photo:
        return photo.read()


def read_size(path: AnyPath) -> tuple[int, int]:
    """Read the width and height that ``read_picture`` would give; see ``Header.size``.

    Raises:
        InputError: As ``open_photo``.
    """
    return read_header(path).size


def read_header(path: AnyPath) -> Header:
    """Read what the header says of the picture that ``read_picture`` would give.

    Raises:
        InputError: As ``open_photo``.
    """
    with open_photo(path) as photo:
        return photo.header


def encode_picture(
    picture: Picture, file_format: str, *, quality: int = 95, keep_metadata: bool = True
) -> tuple[bytes, tuple[str, ...]]:
    """Encode a picture as a file's bytes.

    Args:
        picture: Of any size and depth.
        file_format: ``jpg``, ``png``, ``webp`` or ``tiff`` (``jpeg`` and ``tif`` are accepted too).
        quality: For JPEG and WebP, 1 to 100; a WebP of quality 100 is lossless, as PNG and TIFF
            always are.
        keep_metadata: False leaves out EXIF, XMP, IPTC, texts and dpi. The colour profile stays in any
            case: it is what the pixels mean.

    Returns:
        The bytes, and sentences about what the format could not hold.

    Raises:
        RequestError: Unknown format.
        OptionError: The quality is out of range.
        InputError: The format cannot hold a picture of this size.
    """
    known = SUFFIX_FORMATS.get(f".{file_format.lower()}")
    if known is None:
        raise RequestError(
            f"The format {file_format!r} is not written; choose jpg, png, webp or tiff."
        )
    if not 1 <= quality <= 100:
        raise OptionError("quality", quality, "is out of range", "1 to 100")
    return encode(picture, known, quality, keep_metadata)


def write_picture(
    picture: Picture,
    path: AnyPath,
    *,
    file_format: str | None = None,
    quality: int = 95,
    keep_metadata: bool = True,
) -> tuple[str, ...]:
    """Write a picture to a file, which is at any moment wholly the old or wholly the new one.

    Args:
        picture: Of any size and depth.
        path: In a folder that exists. An existing file is replaced: callers refuse to write over an
            input (``same_file``).
        file_format: As for ``encode_picture``; None = by the path's suffix.
        quality: As for ``encode_picture``.
        keep_metadata: As for ``encode_picture``.

    Returns:
        Sentences about what the format could not hold.

    Raises:
        RequestError: Unknown format, or a folder that is missing or may not be written.
        InputError: The format cannot hold a picture of this size, or the disk is full or fails.
    """
    data, notes = encode_picture(
        picture,
        file_format or path.suffix.removeprefix("."),
        quality=quality,
        keep_metadata=keep_metadata,
    )
    write_atomic(data, path)
    return notes


def same_file(one: AnyPath, other: AnyPath) -> bool:
    """Tell whether two paths lead to one file (through links too), or would if it existed."""
    if isinstance(one, RemotePath) or isinstance(other, RemotePath):
        return str(one) == str(other)
    try:
        return one.samefile(other)
    except OSError:
        return os.path.normcase(one.resolve()) == os.path.normcase(other.resolve())
