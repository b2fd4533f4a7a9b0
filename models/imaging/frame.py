"""What kind of decoder a file will meet, from its first bytes alone and without any decoder.

Plain files are nearly all photos: baseline and progressive JPEG and PNG of 8 bits. Their decoders are those
of every browser. Everything else is decoded in a process of its own (``models.imaging.apart``).
"""

from typing import BinaryIO, NamedTuple

_PNG = b"\x89PNG\r\n\x1a\n"
_PLAIN_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended and progressive, with Huffman codes
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_OTHER_SEGMENTS = frozenset({0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})  # before the frame


def is_tiff(head: bytes) -> bool:
    """Whether a file begins as a TIFF or BigTIFF does."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class JpegFrame(NamedTuple):
    """The frame header of a JPEG (T.81, B.2.2): its marker, bits a sample, and number of colours."""

    marker: int
    precision: int
    components: int

    @property
    def is_plain(self) -> bool:
        """Whether it is coded in the way of nearly all JPEGs, in 8 bits."""
        return self.marker in _PLAIN_FRAMES and self.precision == 8


def jpeg_frame(stream: BinaryIO) -> JpegFrame | None:
    """Find the frame header; None = there is none where one must be.

    Args:
        stream: The file; its position moves.
    """
    stream.seek(0)
    if stream.read(2) != b"\xff\xd8":
        return None
    while (head := stream.read(2))[:1] == b"\xff" and len(head) == 2:
        marker = head[1]
        if marker == 0xFF:  # a fill byte
            stream.seek(-1, 1)
            continue
        length = int.from_bytes(stream.read(2))
        if marker in _FRAMES:
            content = stream.read(6)
            return JpegFrame(marker, content[0], content[5]) if len(content) == 6 else None
        if marker not in _OTHER_SEGMENTS or length < 2:
            return None
        stream.seek(length - 2, 1)
    return None


def is_plain(stream: BinaryIO) -> bool:
    """Whether a file is a grey or colour JPEG, or a PNG, of the usual kinds.

    Args:
        stream: The file; its position moves.
    """
    stream.seek(0)
    head = stream.read(25)
    if head.startswith(_PNG):
        return len(head) == 25 and head[24] <= 8  # bits a sample (W3C PNG, 11.2.2)
    frame = jpeg_frame(stream)
    return frame is not None and frame.is_plain and frame.components in (1, 3)


def opens_in_python(stream: BinaryIO) -> bool:
    """Whether Pillow reads the header of such a file without a library of C.

    Args:
        stream: The file; its position moves.
    """
    stream.seek(0)
    head = stream.read(12)
    return head[:4] != b"RIFF" and head[4:8] != b"ftyp"  # WebP; AVIF and HEIC
