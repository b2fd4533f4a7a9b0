"""Masks in files: their levels, what a colour or transparency means, and what is refused."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from remend.models.errors import InputError, OptionNote, RequestError
from remend.models.imaging.files import read_picture
from remend.models.imaging.mask_file import interpret_mask, read_mask
from remend.models.imaging.picture import Mask, Picture
from tests.helpers.picture_files import encoded

LEVELS = np.array([[0, 15, 16, 100, 200, 255]], np.uint8).repeat(16, 0).repeat(16, 1)
MARKED = np.where(LEVELS >= 16, np.uint8(255), np.uint8(0))
HOLE = np.zeros((80, 96), bool)
HOLE[20:36, 30:54] = True
RANDOM = np.random.default_rng(5)
SMALL = Image.fromarray(RANDOM.integers(0, 256, (8, 9, 3), dtype=np.uint8))
PHOTO = np.asarray(SMALL.resize((96, 80), Image.Resampling.BICUBIC))


def png(pixels: np.ndarray) -> bytes:
    return encoded(Image.fromarray(pixels), "PNG")


def rgba(rgb: np.ndarray | tuple[int, int, int], shown: np.ndarray) -> np.ndarray:
    """A picture that is opaque where it is shown, else transparent."""
    pixels = np.zeros((*shown.shape, 4), np.uint8)
    pixels[..., :3] = rgb
    pixels[..., 3] = shown * np.uint8(255)
    return pixels


def read(pixels: np.ndarray, photo: np.ndarray | None = None, **how: bool) -> Mask:
    def give() -> Picture:
        assert photo is not None
        return Picture(photo.copy())

    return read_mask(png(pixels), photo=None if photo is None else give, **how)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_lossless_mask_marks_from_16_on(file_format: str, mode: str):
    data = encoded(Image.fromarray(LEVELS).convert(mode), file_format)

    assert np.array_equal(read_mask(data).values, MARKED)
    assert np.array_equal(read_mask(data, soft=True).values, LEVELS)
    assert np.array_equal(read_mask(data, soft=True, invert=True).values, 255 - LEVELS)
    rims = np.where(LEVELS <= 239, 255, 0)  # a soft rim is filled whichever side of it is meant
    assert np.array_equal(read_mask(data, invert=True).values, rims)


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "AVIF"])
def test_a_lossy_mask_marks_from_64_on(file_format: str):
    mask = read_mask(encoded(Image.fromarray(LEVELS).convert("RGB"), file_format, quality=90))

    assert mask.values[8, 8::16].tolist() == [0, 0, 0, 255, 255, 255]
    assert set(np.unique(mask.values)) == {0, 255}


def test_a_lossless_webp_marks_as_other_lossless_files(tmp_path: Path):
    data = encoded(Image.fromarray(LEVELS).convert("RGB"), "WEBP", lossless=True)
    (tmp_path / "mask.webp").write_bytes(data)
    for source in (data, tmp_path / "mask.webp"):
        assert np.array_equal(read_mask(source).values, MARKED)


def test_masks_of_one_bit_of_16_bits_and_with_a_palette():
    truth = LEVELS > 99
    wide = LEVELS.astype(np.uint16) * 257
    assert np.array_equal(read(truth).values, truth * 255)
    assert np.array_equal(read(wide, soft=True).values, LEVELS)
    assert np.array_equal(read(wide).values, MARKED)
    palette = Image.fromarray(truth.astype(np.uint8), "P")
    palette.putpalette([0, 0, 0, 255, 255, 255])
    for file_format in ("PNG", "GIF"):
        assert np.array_equal(read_mask(encoded(palette, file_format)).values, truth * 255)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("most", [1, 2, 7])
def test_label_maps_of_small_numbers_mark_all_but_0(most: int, dtype: type):
    labels = HOLE * np.arange(1, most + 1).repeat(96 // most + 1)[:96]
    mask = read(labels.astype(dtype))
    assert np.array_equal(mask.values, np.where(labels > 0, 255, 0))
    assert bool(mask.notes) == (most > 1)


def test_a_nearly_black_mask_of_noise_is_empty():
    assert read_mask(encoded(Image.new("L", (16, 16), 1), "JPEG")).is_empty
    assert read(RANDOM.integers(0, 10, (80, 96), dtype=np.uint8)).is_empty


COLOURED: dict[str, Callable[[], np.ndarray]] = {
    "red": lambda: HOLE[..., None] * np.array([255, 0, 0], np.uint8),
    "blue": lambda: HOLE[..., None] * np.array([0, 0, 255], np.uint8),
    "dark blue": lambda: HOLE[..., None] * np.array([0, 0, 64], np.uint8),
    "two colours": lambda: (
        HOLE[..., None] * np.array([[0, 128, 0], [128, 0, 128]], np.uint8).repeat(48, 0)[None]
    ),
    "white, and red beside it": lambda: (
        HOLE[..., None] * np.array([[255, 255, 255], [255, 0, 0]], np.uint8).repeat(48, 0)[None]
    ),
}


@pytest.mark.parametrize("name", COLOURED)
def test_colours_on_black_are_marked_wholly(name: str):
    mask = read(COLOURED[name]())
    assert np.array_equal(mask.values > 0, HOLE) and mask.values.max() == 255
    assert any("not black is filled" in note for note in mask.notes)
    inverted = read(COLOURED[name](), invert=True)
    assert np.array_equal(inverted.values > 0, ~HOLE)


@pytest.mark.parametrize("quality", [60, 90])
def test_a_coloured_jpeg_is_marked_with_its_rims(quality: int):
    data = encoded(Image.fromarray(COLOURED["red"]()), "JPEG", quality=quality)
    marked = read_mask(data).values > 0
    assert marked[HOLE].all() and not marked[:10].any() and not marked[:, :20].any()


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (255, 0, 80)])
def test_what_one_colour_painted_on_a_clear_ground_is_the_mask(colour: tuple[int, int, int]):
    layer = np.zeros((*LEVELS.shape, 4), np.uint8)
    layer[LEVELS > 0] = (*colour, 0)
    layer[..., 3] = LEVELS

    mask = read(layer)
    assert np.array_equal(mask.values, MARKED)
    assert np.array_equal(read(layer, soft=True).values, LEVELS)
    assert "layer" in mask.notes[0]


def test_a_layer_of_two_colours_marks_both():
    two = np.array([[255, 200, 0], [0, 60, 255]], np.uint8).repeat(48, 0)[None].repeat(80, 0)
    assert np.array_equal(read(rgba(two, HOLE)).values > 0, HOLE)
    assert np.array_equal(read(rgba(two, HOLE), PHOTO).values > 0, HOLE)


def test_a_layer_whose_strokes_mix_at_their_edges_is_still_one():
    image = Image.new("RGBA", (4 * 96, 4 * 80))
    draw = ImageDraw.Draw(image)
    draw.line((40, 40, 340, 280), (255, 180, 0), 40)
    draw.line((340, 40, 40, 280), (0, 60, 255), 40)
    layer = np.asarray(image.resize((96, 80), Image.Resampling.BOX))
    mask = read(layer, PHOTO)
    assert np.array_equal(mask.values > 0, layer[..., 3] >= 16)


@pytest.mark.parametrize("photo", [None, PHOTO])
def test_what_was_erased_from_a_copy_of_the_photo_is_the_mask(photo: np.ndarray | None):
    copy = rgba(PHOTO, ~HOLE)
    mask = read(copy, photo)
    assert np.array_equal(mask.values > 0, HOLE)
    assert "erased" in mask.notes[0]
    copy[20:36, 30:32, 3] = 230  # a soft eraser's rim
    assert np.array_equal(read(copy, photo).values > 0, HOLE)
    grey = np.repeat(PHOTO[..., :1], 3, 2)
    assert np.array_equal(read(rgba(grey, ~HOLE), grey).values > 0, HOLE)


def test_a_copy_of_another_size_is_left_to_who_checks_sizes():
    assert read(rgba(PHOTO, ~HOLE), PHOTO[:-1]).size == (96, 80)


def test_a_copy_that_was_compressed_is_still_a_copy():
    jpeg = read_picture(encoded(Image.fromarray(PHOTO), "JPEG", quality=50)).rgb
    assert np.array_equal(read(rgba(jpeg, ~HOLE), PHOTO).values > 0, HOLE)


def test_a_layer_without_a_stroke_is_an_empty_mask():
    assert read(rgba((0, 0, 0), np.zeros((8, 8), bool))).is_empty


AMBIGUOUS: dict[str, tuple[np.ndarray, str, str]] = {
    "black with a transparent hole": (rgba((0, 0, 0), ~HOLE), "is painted", "is transparent"),
    "black and white with a transparent part": (
        rgba(np.where(HOLE, 255, 0).astype(np.uint8)[..., None], np.arange(80)[:, None] + 0 * HOLE > 9),
        "is painted",
        "is transparent",
    ),
    "another photo with a hole": (rgba(PHOTO[::-1, ::-1], ~HOLE), "is painted", "is transparent"),
    "red on white": (
        np.where(HOLE[..., None], [255, 0, 0], 255).astype(np.uint8),
        "its colours",
        "its white",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_mask_that_can_mean_two_things_is_refused_with_both_named(name: str):
    pixels, one, other = AMBIGUOUS[name]
    with pytest.raises(RequestError, match=rf"two things: fill .*{one}.* or fill .*{other}"):
        read(pixels, PHOTO)


NOISE = {
    "uniform": RANDOM.integers(0, 256, (80, 96), dtype=np.uint8),
    "dark": RANDOM.integers(0, 48, (80, 96), dtype=np.uint8),
    "normal": RANDOM.normal(0, 20, (80, 96)).clip(0, 255).astype(np.uint8),
    "coloured": RANDOM.integers(0, 256, (80, 96, 3), dtype=np.uint8),
}


@pytest.mark.parametrize("name", NOISE)
@pytest.mark.parametrize("soft", [False, True])
def test_noise_of_no_shape_is_refused(name: str, soft: bool):
    with pytest.raises(RequestError, match="shows no shape"):
        read(NOISE[name], soft=soft)


def test_the_photo_is_no_mask_of_itself():
    calm = np.repeat(120 + np.arange(80, dtype=np.uint8)[:, None, None] // 2, 96, 1).repeat(3, 2)
    with pytest.raises(RequestError, match="copy of the photo in which nothing is erased"):
        read(calm, calm)


def test_thin_soft_lines_and_dust_are_shapes():
    image = Image.new("L", (4 * 400, 4 * 300))
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        ends = RANDOM.integers(0, (1600, 1200), (2, 2)).ravel().tolist()
        draw.line(ends, 255, 5)
    for x, y in RANDOM.integers(0, (1590, 1190), (300, 2)).tolist():
        draw.ellipse((x, y, x + 6, y + 6), fill=255)
    lines = np.asarray(image.resize((400, 300), Image.Resampling.BOX))
    assert np.array_equal(read(lines).values, np.where(lines >= 16, 255, 0))
    assert np.array_equal(read(lines, soft=True).values, lines)


@pytest.mark.parametrize("invert", [False, True])
def test_a_mask_that_marks_nearly_all_says_what_to_do(invert: bool):
    mask = read(np.where(HOLE ^ invert, 0, 255).astype(np.uint8), invert=invert)
    (note,) = mask.notes
    assert isinstance(note, OptionNote) and "95%" in note
    assert note.worded("--x").endswith(" (--x).")
    copy = pickle.loads(pickle.dumps(note))
    assert copy == note and copy.option == "invert_mask"


def test_a_picture_in_memory_is_read_as_its_file():
    picture = read_picture(png(COLOURED["red"]()))
    assert np.array_equal(interpret_mask(picture).values > 0, HOLE)


def test_a_mask_is_turned_as_its_photo_is():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = read_mask(encoded(Image.fromarray(LEVELS), "PNG", exif=exif), soft=True)

    assert np.array_equal(turned.values, np.rot90(LEVELS, -1))


def test_a_mask_that_is_no_picture_is_one_sentence(tmp_path: Path):
    (tmp_path / "mask.png").write_text("no")
    with pytest.raises(InputError, match=r"mask.png is not a picture"):
        read_mask(tmp_path / "mask.png")
