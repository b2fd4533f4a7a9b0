"""What becomes of every kind of photo in every format: each is enlarged, and the file is looked at again.

``docs/formats.md`` is made from what is seen here: ``REMEND_WRITE_FORMATS=1`` writes it anew. A property
that is neither kept nor spoken of fails a test.
"""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin, features

from remend.app.batch.plan import Job
from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.batch.upscale_work import UpscaleWork
from remend.app.engine.model_pool import ModelPool
from remend.models.device import choose_placement
from remend.models.errors import InputError
from remend.models.imaging.files import read_picture, write_picture
from remend.models.imaging.picture import Picture
from remend.models.progress import NO_PROGRESS
from tests.helpers.paths import ROOT
from tests.helpers.profiles import cmyk_profile

PAGE = ROOT / "docs" / "formats.md"
AGAIN = "REMEND_WRITE_FORMATS=1 python -m pytest tests/models/imaging/test_formats.py"
FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "TIFF": ".tiff"}

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
    Kind("animated GIF", ".gif", save_image(TWO[0], save_all=True, append_images=TWO[1:])),
    Kind("animated WebP", ".webp", save_image(TWO[0], save_all=True, append_images=TWO[1:])),
    Kind("TIFF of several pages", ".tif", save_image(TWO[0], save_all=True, append_images=TWO[1:])),
    Kind("1 x 1 pixel", ".png", lambda p: save_picture(p, colours(1, 1))),
    Kind("1 pixel wide", ".png", lambda p: save_picture(p, colours(1, 40))),
    Kind("BMP", ".bmp", save_image(PHOTO)),
    Kind("AVIF", ".avif", save_image(PHOTO)),
    Kind("HEIC without its extra", ".heic", heic),
    Kind("32 bits a sample", ".tif", save_image(Image.fromarray(np.ones((16, 24), np.float32)))),
    Kind("a damaged file that decodes all the same", ".jpg", save_damaged, doubled),
    Kind("a name that is not ASCII", ".png", save_image(PHOTO), doubled, "Düne – 砂丘 🏜"),
    Kind("a name of 200 letters", ".png", save_image(PHOTO), doubled, "n" * 200),
    Kind("a file that may only be read", ".png",
         save_readable_only),
]  # fmt: skip


@pytest.fixture(scope="module")
def work(tiny_models: Path) -> UpscaleWork:
    pool = ModelPool([choose_placement("cpu", "fp32")])
    return UpscaleWork(pool, UpscaleRequest(TargetSize(scale=2)))


def see(kind: Kind, file_format: str, folder: Path, work: UpscaleWork) -> tuple[str, str]:
    """What becomes of a kind of photo: ``kept``, ``said`` or ``refused``, and the sentence."""
    source = folder / f"{kind.stem}{kind.suffix}"
    if not source.exists():
        kind.make(source)
    made = folder / "out" / f"{kind.stem}{FORMATS[file_format]}"
    before = source.read_bytes()
    try:
        notes = work.perform(Job(source, made), NO_PROGRESS)
    except InputError as error:
        assert not made.exists()
        return "refused", str(error).replace(str(source), "The photo")
    assert source.read_bytes() == before
    if kind.check(source, made):
        return ("said" if notes else "kept"), " ".join(notes)
    assert notes, f"{kind.name} was lost in {file_format} without a word"
    return "said", " ".join(notes)


def rows(work: UpscaleWork, folder: Path) -> Iterator[tuple[Kind, list[tuple[str, str]]]]:
    for number, kind in enumerate(KINDS):
        place = folder / str(number)
        place.mkdir()
        yield kind, [see(kind, name, place, work) for name in FORMATS]


def write_page(work: UpscaleWork, folder: Path) -> str:
    """The table as Markdown, with every sentence that was said as a numbered note."""
    page = io.StringIO()
    page.write(
        "# Formats\n\n"
        "What becomes of each kind of photo when it is enlarged and written in each format. Every cell\n"
        "is a file that a test wrote and read again; the page is made anew by\n"
        f"`{AGAIN}`.\n\n"
        "*kept*: all of it is in the output. A number: the sentence below is said, on the terminal, in\n"
        "`--json` and in the record of a batch. *refused*: it is a failed input, with that sentence.\n\n"
    )
    page.write(f"| a photo with | {' | '.join(FORMATS)} |\n| --- |{' --- |' * len(FORMATS)}\n")
    sentences: dict[str, int] = {}
    for kind, cells in rows(work, folder):
        words = []
        for state, sentence in cells:
            number = sentences.setdefault(sentence, len(sentences) + 1) if sentence else 0
            words.append(
                {"kept": "kept", "said": f"{number}", "refused": f"refused, {number}"}[state]
            )
        page.write(f"| {kind.name} | {' | '.join(words)} |\n")
    page.write("\n")
    for sentence, number in sentences.items():
        page.write(f"{number}. {sentence}\n")
    page.write(
        "\nHEIC is read with the extra `heic` (`pip install 'remend[heic]'`). Filling reads and writes\n"
        "by the same code; its lossless outputs are the photo's own bits outside the mask.\n"
    )
    return page.getvalue()


needs_avif = pytest.mark.skipif(
    not features.check("avif"), reason="this Pillow was built without AVIF"
)


@needs_avif
def test_the_page_says_what_is_seen(work: UpscaleWork, tmp_path: Path):
    import importlib.util

    if importlib.util.find_spec("pillow_heif"):
        pytest.skip("the page is made without the extra heic")
    page = write_page(work, tmp_path)
    if os.environ.get("REMEND_WRITE_FORMATS") == "1":
        PAGE.write_text(page, "utf-8")
    assert page == PAGE.read_text("utf-8"), f"make it anew: {AGAIN}"


def test_a_loss_without_a_word_is_found(work: UpscaleWork, tmp_path: Path):
    lossy = Kind("nothing", ".png", save_image(PHOTO), lambda *_: False)
    with pytest.raises(AssertionError, match="without a word"):
        see(lossy, "PNG", tmp_path, work)
