"""Every kind of photo that ``docs/formats.md`` has a row for: how one is made, what must be found again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from remend.models.imaging.files import read_picture, write_picture
from remend.models.imaging.picture import Picture
from tests.helpers.picture_files import NARROW
from tests.helpers.picture_files import WIDE as DEEP
from tests.helpers.profiles import cmyk_profile
from tests.helpers.tiff_files import Layout, linked, tiff_file
from tests.models.imaging import test_apart, test_colours, test_odd_pixels, test_texts

Check = Callable[[Path, Path], bool]


def colours(width: int = 24, height: int = 16, depth: int = 8) -> NDArray[Any]:
    ramp = np.linspace(0.1, 0.9, width * height * 3).reshape(height, width, 3)
    return (ramp * (2**depth - 1)).astype(np.uint16 if depth == 16 else np.uint8)


def save_picture(path: Path, rgb: NDArray[Any], alpha: NDArray[Any] | None = None) -> None:
    write_picture(Picture(rgb, alpha), path)


def save_image(image: Image.Image, **how: Any) -> Callable[[Path], None]:
    return lambda path: image.save(path, **how)


def save_damaged(path: Path) -> None:
    """A JPEG with an end, but without the pixels before it."""
    PHOTO.save(path, quality=95)
    whole = path.read_bytes()
    path.write_bytes(whole[:-60] + whole[-2:])


def doubled(source: Path, made: Path) -> bool:
    width, height = read_picture(source).size
    return read_picture(made).size == (2 * width, 2 * height)


def same_depth(source: Path, made: Path) -> bool:
    return doubled(source, made) and read_picture(made).bit_depth == read_picture(source).bit_depth


def grey(source: Path, made: Path) -> bool:
    rgb = read_picture(made).rgb.astype(int)
    return same_depth(source, made) and (np.ptp(rgb, axis=2) == 0).all()


def grey_and_deep(source: Path, made: Path) -> bool:
    return grey(source, made) and same_depth(source, made)


def transparent(source: Path, made: Path) -> bool:
    alpha = read_picture(made).alpha
    return doubled(source, made) and alpha is not None and alpha[0, 0] == 0 and alpha[-1, -1] > 0


def same(read: Callable[[Picture], Any]) -> Check:
    def check(source: Path, made: Path) -> bool:
        before = read(read_picture(source))
        return before is not None and read(read_picture(made)) == before

    return check


def upright(source: Path, made: Path) -> bool:
    with Image.open(made) as image:
        return image.size == (32, 48) and image.getexif().get(0x0112, 1) == 1


def described(_: Path, made: Path) -> bool:
    with Image.open(made) as image:
        return image.getexif().get(0x010E) == "A scene"


EXIF = Image.Exif()
EXIF[0x010E] = "A scene"
TURNED = Image.Exif()
TURNED[0x0112] = 6
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>A scene</a></x:xmpmeta>'
HALF = np.tile((np.arange(24) >= 12).astype(np.uint8) * 255, (16, 1))
PHOTO = Image.fromarray(colours())
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def wide_profile() -> bytes:
    """The sRGB profile with its red primary moved outwards (ICC.1:2022, 7.3 and 10.31)."""
    profile = bytearray(PROFILE)
    entry = profile.index(b"rXYZ", 128)
    offset = int.from_bytes(profile[entry + 4 : entry + 8], "big") + 8
    red = int.from_bytes(profile[offset : offset + 4], "big")
    profile[offset : offset + 4] = (red * 6 // 5).to_bytes(4, "big")
    return bytes(profile)


WIDE = wide_profile()


def png_with_xmp(path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP)
    PHOTO.save(path, pnginfo=text)


def save_readable_only(path: Path) -> None:
    PHOTO.save(path)
    path.chmod(0o444)


def save_bytes(content: bytes) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        path.write_bytes(content)

    return save


def plain_tiff_file(samples: NDArray[Any], photometric: int, bits: int, **layout: Any) -> bytes:
    return tiff_file(samples, photometric, Layout(bits, **layout))


def extended(source: Path, made: Path) -> bool:
    """Both parts of a long packet, in two segments or joined."""
    meta = read_picture(made).meta
    whole = (meta.xmp or b"") + (meta.xmp_extension or b"")
    return b'xmp:Rating="5"' in whole and b"<a:long>xxx" in whole


def without_promise(source: Path, made: Path) -> bool:
    """Never whole: what the packet promised is gone."""
    packet = read_picture(made).meta.xmp or b""
    assert b"GainMap" not in packet and b"MicroVideo=" not in packet
    return False


def heic(path: Path) -> None:
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))


@dataclass(frozen=True)
class Kind:
    """A kind of photo: how it is called, how one is made, and what of it must be found again."""

    name: str
    suffix: str
    make: Callable[[Path], None]
    check: Check = doubled
    stem: str = "photo"


WITH_THUMBNAIL = linked(
    plain_tiff_file(NARROW[:2, :3, :3], 2, 8, tags={254: (4, [1])}),
    plain_tiff_file(NARROW[..., :3], 2, 8),
)
TWO = [Image.fromarray(colours()), Image.fromarray(255 - colours())]
KINDS = [
    Kind("8 bits a colour", ".png", save_image(PHOTO), same_depth),
    Kind("16 bits a colour", ".png", lambda p: save_picture(p, colours(depth=16)), same_depth),
    Kind("16 bits a colour, from TIFF", ".tif",
         lambda p: save_picture(p, colours(depth=16)), same_depth),
    Kind("grey, 8 bits", ".png", save_image(PHOTO.convert("L")), grey),
    Kind("grey, 16 bits", ".png",
         save_image(Image.fromarray(colours(depth=16)[..., 0])), grey_and_deep),
    Kind("black and white, 1 bit", ".png", save_image(PHOTO.convert("1")), grey),
    Kind("transparency", ".png", lambda p: save_picture(p, colours(), HALF), transparent),
    Kind("transparency, 16 bits", ".png",
         lambda p: save_picture(p, colours(depth=16), HALF.astype(np.uint16) * 257), transparent),
    Kind("grey with transparency", ".png",
         save_image(Image.merge("LA", (PHOTO.convert("L"), Image.fromarray(HALF)))), transparent),
    Kind("palette", ".png", save_image(PHOTO.quantize(16)), doubled),
    Kind("palette with a transparent colour", ".gif",
         save_image(Image.fromarray(HALF // 255).convert("P"), transparency=0), transparent),
    Kind("CMYK", ".jpg", save_image(PHOTO.convert("CMYK")), doubled),
    Kind("CMYK with its profile", ".jpg",
         save_image(PHOTO.convert("CMYK"), icc_profile=cmyk_profile()), doubled),
    Kind("profile of a wide gamut", ".png", save_image(PHOTO, icc_profile=WIDE),
         same(lambda p: p.meta.icc_profile)),
    Kind("EXIF", ".jpg", save_image(PHOTO, exif=EXIF), described),
    Kind("XMP", ".png", png_with_xmp, same(lambda p: p.meta.xmp)),
    Kind("dpi", ".jpg", save_image(PHOTO, dpi=(300, 300)), same(lambda p: p.meta.dpi)),
    Kind("orientation in EXIF", ".jpg", save_image(PHOTO, exif=TURNED), upright),
    Kind("orientation in XMP alone (it turns nothing)", ".webp",
         save_image(PHOTO, lossless=True, xmp=b"<a tiff:Orientation='6'/>"), doubled),
    Kind("XMP of more than 64 KiB", ".jpg", save_bytes(test_texts.extended_jpeg()[0]), extended),
    Kind("IPTC", ".jpg", save_bytes(test_texts.IPTC_FILES["JPEG"]), same(lambda p: p.meta.iptc)),
    Kind("a comment", ".jpg", save_image(PHOTO, comment=b"scanned 1998"),
         same(lambda p: p.meta.texts)),
    Kind("texts of a PNG", ".png",
         save_bytes(test_texts.png_with(Author="Ada", parameters="steps 20")),
         same(lambda p: p.meta.texts)),
    Kind("IPTC in a PNG (Raw profile type)", ".png",
         save_bytes(test_texts.IPTC_FILES["PNG"]), same(lambda p: p.meta.iptc)),
    Kind("gAMA and cHRM", ".png", save_bytes(test_colours.PHOTOS["gamma and wide primaries"][1]),
         same(lambda p: p.meta.icc_profile)),
    Kind("gAMA, grey", ".png", save_bytes(test_colours.PHOTOS["gamma 1, grey"][1]),
         lambda _, made: read_picture(made).meta.icc_profile is not None),
    Kind("cICP of a wide gamut", ".png", save_bytes(test_colours.PHOTOS["cICP 12/13"][1]),
         same(lambda p: p.meta.icc_profile)),
    Kind("high dynamic range (PQ)", ".png", save_bytes(test_colours.PHOTOS["cICP PQ, 16 bits"][1]),
         same(lambda p: p.meta.hdr)),
    Kind("nclx of a wide gamut", ".avif", save_bytes(test_colours.PHOTOS["nclx 12/13"][1]),
         same(lambda p: p.meta.icc_profile)),
    Kind("profile in a BMP", ".bmp", save_bytes(test_colours.PHOTOS["BMP with a profile"][1]),
         same(lambda p: p.meta.icc_profile)),
    Kind("profile in a GIF", ".gif", save_bytes(test_colours.gif(WIDE)),
         same(lambda p: p.meta.icc_profile)),
    Kind("gain map", ".jpg", save_bytes(test_texts.GAIN_MAP_FILE), without_promise),
    Kind("motion video", ".jpg", save_bytes(test_texts.MOTION_FILE), without_promise),
    Kind("further pictures (MPO)", ".mpo",
         save_image(PHOTO.copy(), save_all=True, append_images=[PHOTO.copy()]), lambda *_: False),
    Kind("infrared in a TIFF", ".tif",
         save_bytes(plain_tiff_file(DEEP, 2, 16, tags={338: (3, [0])})), lambda *_: False),
    Kind("animated GIF", ".gif", save_image(TWO[0], save_all=True, append_images=TWO[1:])),
    Kind("animated WebP", ".webp", save_image(TWO[0], save_all=True, append_images=TWO[1:])),
    Kind("TIFF of several pages", ".tif", save_image(TWO[0], save_all=True, append_images=TWO[1:])),
    Kind("1 x 1 pixel", ".png", lambda p: save_picture(p, colours(1, 1))),
    Kind("1 pixel wide", ".png", lambda p: save_picture(p, colours(1, 40))),
    Kind("BMP", ".bmp", save_image(PHOTO)),
    Kind("AVIF", ".avif", save_image(PHOTO)),
    Kind("lossless JPEG", ".jpg", save_bytes(test_apart.lossless_jpeg(16, 16)), grey),
    Kind("BMP in RLE4", ".bmp", save_bytes(test_odd_pixels.rle4_bmp())),
    Kind("16 bits in planes", ".tif", save_bytes(plain_tiff_file(DEEP[..., :3], 2, 16, planes=True)),
         same_depth),
    Kind("16-bit CMYK in planes", ".tif", save_bytes(plain_tiff_file(DEEP, 5, 16, planes=True))),
    Kind("alpha multiplied into the colours", ".tif",
         save_bytes(plain_tiff_file(NARROW, 2, 8, tags={338: (3, [1])})),
         lambda _, made: read_picture(made).alpha is not None),
    Kind("grey with transparency, 16 bits", ".tif",
         save_bytes(plain_tiff_file(DEEP[..., :2], 1, 16, tags={338: (3, [2])})),
         lambda source, made: grey_and_deep(source, made) and read_picture(made).alpha is not None),
    Kind("a thumbnail before the photo", ".tif",
         save_bytes(WITH_THUMBNAIL)),
    Kind("HEIC without its extra", ".heic", heic),
    Kind("12 bits a colour", ".jpg",
         save_bytes(b"\xff\xd8\xff\xc1\0\x0b\x0c\0\x10\0\x10\1\1\x11\0")),
    Kind("signed samples", ".tif",
         save_bytes(plain_tiff_file(DEEP[..., :1], 1, 16, tags={339: (3, [2])}))),
    Kind("16-bit Lab", ".tif", save_bytes(plain_tiff_file(DEEP[..., :3], 8, 16))),
    Kind("32 bits a sample", ".tif", save_image(Image.fromarray(np.ones((16, 24), np.float32)))),
    Kind("a damaged file that decodes all the same", ".jpg", save_damaged, doubled),
    Kind("a name that is not ASCII", ".png", save_image(PHOTO), doubled, "Düne – 砂丘 🏜"),
    Kind("a name of 200 letters", ".png", save_image(PHOTO), doubled, "n" * 200),
    Kind("a file that may only be read", ".png",
         save_readable_only),
]  # fmt: skip
