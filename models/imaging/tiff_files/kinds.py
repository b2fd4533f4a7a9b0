"""What a TIFF file is by its tags: which page is the photo, what its samples mean, what is not read.

Nothing here reads pixels. Numbers and names of tags are those of TIFF 6.0 and its supplements.
"""

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, cast

from PIL import TiffImagePlugin

from remend.models.imaging.frame import is_tiff

SUBFILE, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES = 254, 258, 259, 262, 277
PLANES, PREDICTOR, EXTRA_SAMPLES, SAMPLE_FORMAT = 284, 317, 338, 339
SUBSAMPLING = 530
SUB_DIRECTORIES, DNG_VERSION, FILL_ORDER = 330, 50_706, 266
GREYS, RGB, CMYK, YCBCR = (0, 1), 2, 5, 6
COLOURS = {0: 1, 1: 1, RGB: 3, CMYK: 4, YCBCR: 3}
"""Samples to a pixel, without further ones, of the colours whose samples can be read one by one."""

_RAW_COLOURS = (32_803, 34_892)  # a filter over the sensor; linear raw
_LAB = (8, 9, 10)
_UNREAD_COMPRESSIONS = {
    34_661: "JBIG", 34_712: "JPEG 2000", 33_003: "JPEG 2000", 33_005: "JPEG 2000", 50_001: "WebP",
    50_002: "JPEG XL", 52_546: "JPEG XL", 32_809: "ThunderScan", 32_766: "NeXT",
    34_676: "SGI's LogLuv", 34_677: "SGI's LogLuv",
}  # fmt: skip
_READ_COMPRESSIONS = frozenset(TiffImagePlugin.COMPRESSION_INFO) - {50_001}
_FORMATS = {2: "signed {}-bit samples", 3: "{}-bit floating-point samples"}


def _more_modes() -> None:
    """Teach Pillow to open, though not to decode, grey and colours with any further samples."""
    known = cast("dict[Any, Any]", getattr(TiffImagePlugin, "OPEN_INFO"))  # noqa: B009 - it has no type
    for prefix in (b"II", b"MM"):
        for photometric, colours in COLOURS.items() - {(YCBCR, 3)}:
            for bits in (8, 16):
                for extra in ((), (0,), (1,), (2,), (0, 0), (1, 0), (2, 0), (0, 2), (0, 1)):
                    alpha = bool(extra) and extra[0] > 0
                    mode = {1: "L", 3: "RGB", 4: "CMYK"}[colours]
                    if colours < 4:
                        mode += "A" * alpha
                    if mode == "L" and bits == 16:
                        mode = "I;16" if prefix == b"II" else "I;16B"
                    key = (prefix, photometric, (1,), 1, (bits,) * (colours + len(extra)), extra)
                    known.setdefault(key, (mode, mode + "X" * 6))


_more_modes()


def first_tags(stream: BinaryIO) -> Mapping[int, Any] | None:
    """Read the tags of the first page of what Pillow may refuse to open; None = it is no TIFF, or damaged."""
    stream.seek(0)
    head = stream.read(8)
    if not is_tiff(head):
        return None
    try:
        if head[2:4] in (b"+\0", b"\0+"):  # BigTIFF
            head += stream.read(8)
        tags = TiffImagePlugin.ImageFileDirectory_v2(head)
        stream.seek(tags.next)
        tags.load(stream)
        return dict(tags)
    except Exception:  # whatever a damaged directory makes Pillow raise
        return None


def find_photo(image: TiffImagePlugin.TiffImageFile) -> bool:
    """Go to the first page that is no reduced copy of another; False = there is none that can be opened."""
    try:
        while image.tag_v2.get(SUBFILE, 0) & 1:
            image.seek(image.tell() + 1)
    except Exception:  # the last page; or whatever one of a raw file makes Pillow raise
        return False
    return True


def count_photos(image: TiffImagePlugin.TiffImageFile) -> int:
    """How many pages are no reduced copies of others; the page where it stands is the same afterwards."""
    here, photos = image.tell(), 0
    for page in range(image.n_frames):
        try:
            image.seek(page)
        except Exception:  # a page that Pillow cannot open is one all the same
            photos += 1
            continue
        photos += not image.tag_v2.get(SUBFILE, 0) & 1
    image.seek(here)
    return photos


def _all_of(value: Any) -> tuple[Any, ...]:
    """A tag's values, of which Pillow gives one alone where there is one."""
    return tuple(cast("Sequence[Any]", value)) if isinstance(value, (tuple, list)) else (value,)


def bits_of(tags: Mapping[int, Any]) -> tuple[int, ...]:
    """Bits to each sample of a pixel."""
    bits = _all_of(tags.get(BITS, (1,)))
    count = tags.get(SAMPLES, 1)
    return bits * count if len(bits) == 1 and isinstance(count, int) and 0 < count < 32 else bits


def extra_samples(tags: Mapping[int, Any]) -> tuple[int, ...]:
    """What each sample beyond the colours is: 0 unspecified, 1 associated and 2 unassociated alpha."""
    extra = _all_of(tags.get(EXTRA_SAMPLES, ()))
    return extra + (0,) * (
        len(bits_of(tags)) - COLOURS.get(tags.get(PHOTOMETRIC, 0), 0) - len(extra)
    )


def alpha_of(tags: Mapping[int, Any]) -> int:
    """The kind of transparency: 0 none, 1 multiplied into the colours, 2 by itself."""
    extra = extra_samples(tags)
    if tags.get(PHOTOMETRIC, 0) not in (*GREYS, RGB) or not extra:
        return 0
    return {1: 1, 2: 2, 999: 2}.get(extra[0], 0)  # 999: CorelDraw 10


def unread_samples(tags: Mapping[int, Any]) -> int:
    """How many samples of a pixel are neither colours nor transparency."""
    if tags.get(PHOTOMETRIC, 0) not in COLOURS:
        return 0
    return len(extra_samples(tags)) - (alpha_of(tags) > 0)


def has_plain_samples(tags: Mapping[int, Any]) -> bool:
    """Whether the samples can be read one by one, where Pillow cuts them short or mixes them up."""
    bits, photometric = bits_of(tags), tags.get(PHOTOMETRIC, 0)
    planes = len(bits) > 1 and tags.get(PLANES, 1) == 2
    if photometric not in COLOURS or tags.get(COMPRESSION, 1) in (2, 3, 4, 6, 7):
        return False
    if photometric == YCBCR:
        return planes or tags.get(COMPRESSION, 1) == 1  # the rest is libtiff's
    without_tag = photometric == RGB and len(bits) > 3 and EXTRA_SAMPLES not in tags
    return 16 in bits or planes or (photometric in GREYS and len(bits) > 1) or without_tag


def what_is_unread(tags: Mapping[int, Any]) -> str | None:
    """What the page holds that is not read, as the end of a sentence; None = nothing is known of that."""
    bits, compression = bits_of(tags), tags.get(COMPRESSION, 1)
    photometric, formats = tags.get(PHOTOMETRIC, 0), tags.get(SAMPLE_FORMAT, (1,))
    sample = _FORMATS.get(_all_of(formats)[0])
    most = max(bits, default=0)
    if compression not in _READ_COMPRESSIONS:
        name = _UNREAD_COMPRESSIONS.get(compression, f"method {compression}")
        return f"is compressed with {name}"
    if sample:
        what = sample.format(most)
    elif most not in (1, 2, 4, 8, 16) or len(set(bits)) > 1:
        what = f"{' and '.join(map(str, sorted(set(bits))))}-bit samples"
    elif photometric in _LAB and (most > 8 or photometric > 8):
        what = f"{most}-bit Lab colours"
    elif photometric == YCBCR and has_plain_samples(tags) and tags.get(SUBSAMPLING) != (1, 1):
        what = "subsampled YCbCr colours without compression, or in planes"
    elif photometric not in (*COLOURS, 3, 8):
        what = f"colours of kind {photometric}"
    else:
        return None
    return f"holds {what}"


def is_raw(tags: Mapping[int, Any]) -> bool:
    """Whether the page is that of a camera's raw file."""
    if tags.get(SUBFILE, 0) & 1 and (DNG_VERSION in tags or SUB_DIRECTORIES in tags):
        return True
    return tags.get(PHOTOMETRIC) in _RAW_COLOURS
