"""The Upscale tab without a browser: the part that is shown first, many photos, limits."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from remend.app.engine.model_pool import ModelPool
from remend.app.page.crop import aim_at, cut_crop, find_part, mark_part
from remend.app.page.upscale_service import UpscaleRequest, Upscaling
from remend.app.page.upscale_tab import hint_dials
from remend.models.errors import InputError
from remend.models.imaging.picture import Picture
from tests.helpers.visiting import CHINESE, ENGLISH, no_bar, photo_of


def test_a_part_is_cut_within_the_picture():
    picture = photo_of(300, 50)
    assert (cut_crop(picture, 1.0, 1.0).rgb == picture.rgb[:, 172:]).all()
    assert (cut_crop(picture, -3.0, 0.0).rgb == picture.rgb[:, :128]).all()
    assert (cut_crop(photo_of(5, 6), 0.5, 0.5)).size == (5, 6)


@pytest.mark.parametrize(("x", "y"), [(150, 200), (64, 64), (236, 336)])
def test_a_click_aims_the_middle_of_the_part(x: int, y: int):
    part = find_part((300, 400), *aim_at((300, 400), x, y))
    assert abs((part.left + part.right) / 2 - x) <= 1
    assert abs((part.top + part.bottom) / 2 - y) <= 1


def test_a_click_near_an_edge_aims_at_the_edge():
    assert aim_at((300, 400), 3, 399) == (0.0, 1.0)
    assert aim_at((100, 100), 3, 99) == (0.5, 0.5)  # all of it is shown


def shown(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg))).astype(int)


def test_the_chosen_part_is_framed_in_a_small_picture():
    picture = Picture(np.full((900, 1200, 3), 100, np.uint8))
    small = shown(mark_part(picture, 0.0, 1.0))
    plain = shown(mark_part(picture, 1.0, 0.0))
    height, width, _ = small.shape
    assert width * height <= 300_000
    rows, columns = np.nonzero(np.abs(small - plain).max(2)[:, : width // 2] > 40)
    side = 128 * width / 1200
    assert abs(columns.max() - side) <= 3
    assert abs(height - rows.min() - side) <= 3


def test_a_part_is_shown_with_an_estimate_before_the_whole(pool: ModelPool, upload_folder: Path):
    upscaling = Upscaling(pool, max_megapixels=1.0)
    Image.fromarray(np.asarray(photo_of(200, 150).rgb)).save(upload_folder / "photo.png")
    photos = [str(upload_folder / "photo.png")]
    bar: Any = no_bar
    pair, said, where = upscaling.show_part(
        photos, 2.0, 0, "auto", 0.5, 0.5, 0.5, 0.5, ENGLISH, bar
    )
    assert [Image.open(path).size for path in pair] == [(128, 128), (256, 256)]
    assert "400 × 300" in said and "About" in said
    assert Image.open(where).size == (200, 150)


def test_many_photos_become_a_zip_and_a_bad_one_is_named(pool: ModelPool, upload_folder: Path):
    upscaling = Upscaling(pool, max_megapixels=1.0)
    photos = []
    for folder in ("a", "b"):
        (upload_folder / folder).mkdir()
        photos.append(upload_folder / folder / "photo.png")
        Image.fromarray(np.asarray(photo_of(40, 30).rgb)).save(photos[-1])
    (upload_folder / "text.png").write_text("no picture")
    photos.insert(1, upload_folder / "text.png")
    bar: Any = no_bar
    arguments = ([str(path) for path in photos], 2.0, 60, "auto", 0.5, 0.5, "jpg", ENGLISH, bar)
    _, download, said = upscaling.run(*arguments)
    assert "text.png" in said and "error" in said
    with zipfile.ZipFile(download["value"]) as archive:
        assert len(archive.namelist()) == 2
        for name in archive.namelist():
            with archive.open(name) as file, Image.open(file) as image:
                assert (image.format, image.size) == ("JPEG", (60, 45))


def test_the_photo_and_its_result_are_limited(pool: ModelPool, upload_folder: Path):
    upscaling = Upscaling(pool, max_megapixels=0.01)
    Image.new("RGB", (90, 90)).save(upload_folder / "photo.png")
    photos = [str(upload_folder / "photo.png")]
    assert "180 × 180" in upscaling.describe(photos, 2.0, 0, ENGLISH)
    assert "150 × 150" in upscaling.describe(photos, 2.0, 150, ENGLISH)
    assert "2 张" not in upscaling.describe(photos, 2.0, 0, CHINESE)
    assert "变为 180 × 180" in upscaling.describe(photos, 2.0, 0, CHINESE)
    assert "2 photos" in upscaling.describe(photos * 2, 2.0, 0, ENGLISH)
    assert "0.04" in upscaling.describe(photos, 4.0, 0, ENGLISH)
    Image.new("RGB", (110, 110)).save(upload_folder / "large.png")
    with pytest.raises(InputError, match=r"0\.01"):
        upscaling.upscale_file(
            upload_folder / "large.png", UpscaleRequest(2.0, 0, "auto", 0.5), upload_folder
        )


def test_dials_that_a_model_does_not_heed_say_so():
    for model, scale in (("x2-fidelity", 4.0), ("x4-fast", 4.0)):
        for dial in hint_dials(model, scale, ENGLISH):
            assert dial["info"] == f"No effect with {model}."
    assert "对 x4-fast 无效" in hint_dials("x4-fast", 2.0, CHINESE)[0]["info"]
