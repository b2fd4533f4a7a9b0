"""The Upscale tab without a browser: the part that is shown first, many photos, limits."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remend.app.engine.model_pool import ModelPool
from remend.app.page.upscaling.crop import centre_part, cut_part, find_part
from remend.app.page.upscaling.model_choice import note_unused_sliders
from remend.app.page.upscaling.part_preview import PartPreview
from remend.app.page.upscaling.upscale_preview import UpscalePreview
from remend.app.page.upscaling.upscale_service import UpscaleService, read_form
from remend.app.page.work.jobs import Job, Jobs
from remend.models.errors import InputError
from remend.models.progress import NO_PROGRESS
from tests.helpers.images import open_image
from tests.helpers.visiting import CHINESE, ENGLISH, photo_of


def save_photo(path: Path, size: tuple[int, int]) -> str:
    Image.fromarray(np.asarray(photo_of(*size).rgb)).save(path)
    return str(path)


def test_a_part_is_cut_within_the_picture():
    picture = photo_of(300, 50)
    assert (cut_part(picture, 1.0, 1.0).rgb == picture.rgb[:, 172:]).all()
    assert (cut_part(picture, -3.0, 0.0).rgb == picture.rgb[:, :128]).all()
    assert (cut_part(photo_of(5, 6), 0.5, 0.5)).size == (5, 6)


@pytest.mark.parametrize(("x", "y"), [(150, 200), (64, 64), (236, 336)])
def test_a_click_becomes_the_middle_of_the_part(x: int, y: int):
    part = find_part((300, 400), *centre_part((300, 400), x, y))
    assert abs((part.left + part.right) / 2 - x) <= 1
    assert abs((part.top + part.bottom) / 2 - y) <= 1


def test_a_click_near_an_edge_shows_the_edge():
    assert centre_part((300, 400), 3, 399) == (0.0, 1.0)
    assert centre_part((100, 100), 3, 99) == (0.5, 0.5)  # all of it is shown


def test_a_part_is_shown_with_an_estimate_before_the_whole(pool: ModelPool, upload_folder: Path):
    parts = PartPreview(pool, 1.0, Jobs())
    photos = [save_photo(upload_folder / "photo.png", (200, 150))]
    place = (None, 0.5, 0.25, "", None)
    pair, said, frame, _, _ = parts.show(photos, 2.0, 0, "auto", 0.5, 0.5, *place, 1, ENGLISH)
    assert [open_image(path).size for path in pair["value"]] == [(128, 128), (256, 256)]
    assert "400 × 300" in said and "About" in said
    assert frame["frame"] == [0.5, 0.25]


def test_many_photos_become_a_zip_and_a_bad_one_is_named(pool: ModelPool, upload_folder: Path):
    service = UpscaleService(pool, 1.0, Jobs())
    photos = []
    for folder in ("a", "b"):
        (upload_folder / folder).mkdir()
        photos.append(upload_folder / folder / "photo.png")
        Image.fromarray(np.asarray(photo_of(40, 30).rgb)).save(photos[-1])
    (upload_folder / "text.png").write_text("no picture")
    photos.insert(1, upload_folder / "text.png")
    arguments = ([str(path) for path in photos], 2.0, 60, "auto", 0.5, 0.5, "jpg", None, 1, ENGLISH)
    _, download, said, *_ = service.run(*arguments)
    assert "text.png" in said and "error" in said
    with zipfile.ZipFile(download["value"]) as archive:
        assert len(archive.namelist()) == 2
        for name in archive.namelist():
            with archive.open(name) as file, Image.open(file) as image:
                assert (image.format, image.size) == ("JPEG", (60, 45))


def test_the_good_photos_are_given_when_one_whose_name_begins_alike_is_cut_short(
    pool: ModelPool, upload_folder: Path
):
    for name in ("a", "ab"):
        Image.fromarray(np.asarray(photo_of(40, 30).rgb)).save(upload_folder / f"{name}.png")
    whole = (upload_folder / "a.png").read_bytes()
    (upload_folder / "a.png").write_bytes(whole[: len(whole) // 2])
    photos = [str(upload_folder / f"{name}.png") for name in ("a", "ab")]
    service = UpscaleService(pool, 1.0, Jobs())
    pair, download, said, *_ = service.run(
        photos, 2.0, 0, "auto", 0.5, 0.5, "auto", None, 1, ENGLISH
    )
    assert "a.png is cut short" in said and "error" in said
    assert [Path(path).name for path in pair["value"]] == ["ab-preview.jpg", "ab-x2-preview.jpg"]
    with zipfile.ZipFile(download["value"]) as archive:
        assert archive.namelist() == ["ab-x2.png"]


def test_when_no_photo_is_good_each_is_named_and_nothing_is_given(
    pool: ModelPool, upload_folder: Path
):
    for name in ("a.png", "b.png"):
        (upload_folder / name).write_text("no picture")
    photos = [str(upload_folder / name) for name in ("a.png", "b.png")]
    service = UpscaleService(pool, 1.0, Jobs())
    pair, download, said, *_ = service.run(
        photos, 2.0, 0, "auto", 0.5, 0.5, "auto", None, 1, ENGLISH
    )
    assert "value" not in pair and "value" not in download
    assert "a.png" in said and "b.png" in said and "error" in said


def test_a_list_counts_as_one_piece_of_work_and_stopping_ends_it(
    pool: ModelPool, upload_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    photos = []
    for name in ("a", "b"):
        photos.append(str(upload_folder / f"{name}.png"))
        Image.fromarray(np.asarray(photo_of(40, 30).rgb)).save(photos[-1])
    service = UpscaleService(pool, 1.0, Jobs())
    shares: list[float] = []

    def note_share(job: Job, done: float, total: float, _: str = "") -> None:
        job.check()
        shares.append(done / total)

    def stop_at_once(job: Job, *_: object) -> None:
        service.stop(job.number, ENGLISH)
        job.check()

    rest = ("auto", 0.5, 0.5, "auto", None)
    monkeypatch.setattr(Job, "update", note_share)
    service.run(photos, 2.0, 0, *rest, 1, ENGLISH)
    assert shares == sorted(shares) and shares[-1] == 1.0
    monkeypatch.setattr(Job, "update", stop_at_once)
    _, download, said, *_ = service.run(photos, 2.0, 0, *rest, 2, ENGLISH)
    assert "value" not in download
    assert "Stopped" in said
    monkeypatch.undo()
    assert "Stopped" in service.run(photos, 2.0, 0, *rest, 2, ENGLISH)[2]  # it comes too late
    assert "2 photos" in service.run(photos, 2.0, 0, *rest, 3, ENGLISH)[2]


def test_the_photo_and_its_result_are_limited(pool: ModelPool, upload_folder: Path):
    preview = UpscalePreview(pool, 0.01, Jobs())
    Image.new("RGB", (90, 90)).save(upload_folder / "photo.png")
    photos = [str(upload_folder / "photo.png")]
    assert "180 × 180" in preview.describe(photos, 2.0, 0, 1, ENGLISH)
    assert "150 × 150" in preview.describe(photos, 2.0, 150, 1, ENGLISH)
    assert "2 张" not in preview.describe(photos, 2.0, 0, 1, CHINESE)
    assert "变为 180 × 180" in preview.describe(photos, 2.0, 0, 1, CHINESE)
    assert "2 photos" in preview.describe(photos * 2, 2.0, 0, 1, ENGLISH)
    assert "0.04" in preview.describe(photos, 4.0, 0, 1, ENGLISH)
    Image.new("RGB", (110, 110)).save(upload_folder / "large.png")
    with pytest.raises(InputError, match=r"0\.01"):
        UpscaleService(pool, 0.01, Jobs()).upscale_file(
            upload_folder / "large.png", read_form(2.0, 0, "auto", 0.5), upload_folder, NO_PROGRESS
        )


def test_sliders_without_effect_say_so():
    for model, scale in (("x2-fidelity", 4.0), ("x4-fast", 4.0)):
        for slider in note_unused_sliders(model, scale, ENGLISH):
            assert slider["info"] == f"No effect with {model}."
    assert "对 x4-fast 无效" in note_unused_sliders("x4-fast", 2.0, CHINESE)[0]["info"]


def test_a_bad_photo_is_named_and_hides_nothing_of_the_others(pool: ModelPool, upload_folder: Path):
    (upload_folder / "text.png").write_text("no picture")
    Image.fromarray(np.asarray(photo_of(60, 50).rgb)).save(upload_folder / "photo.png")
    photos = [str(upload_folder / name) for name in ("text.png", "photo.png")]
    preview = UpscalePreview(pool, 1.0, Jobs())
    status, shown, *_ = preview.choose_photos(photos, 2.0, 0, 1, ENGLISH)
    assert "text.png is not a picture" in status and "120 × 100" in status
    assert shown["shown"]["name"] == "photo.png"
    form = ("auto", 0.5, 0.5)
    place = (None, 0.5, 0.5, "", None)
    pair, *_ = PartPreview(pool, 1.0, Jobs()).show(photos, 2.0, 0, *form, *place, 1, ENGLISH)
    assert open_image(pair["value"][1]).size == (120, 100)
    assert "0.0 megapixels" in preview.forecast(photos, 2.0, 0, *form, "auto", ENGLISH)


def test_what_it_takes_is_told_at_once_and_the_seconds_once_they_are_measured(
    pool: ModelPool, upload_folder: Path
):
    Image.fromarray(np.asarray(photo_of(500, 400).rgb)).save(upload_folder / "photo.png")
    asked = ([str(upload_folder / "photo.png")], 2.0, 0, "auto", 0.5, 0.5, "auto")
    preview = UpscalePreview(pool, 1.0, Jobs())
    assert preview.forecast(*asked, ENGLISH).startswith("<p>0.8 megapixels, about 1 MB")
    assert " on this computer" not in preview.forecast(*asked, ENGLISH)
    assert " on this computer" in preview.measure(*asked, ENGLISH)
    assert "这台电脑" in preview.forecast(*asked, CHINESE)
    assert preview.forecast([], *asked[1:], ENGLISH) == ""
    assert preview.forecast(asked[0], 99.0, *asked[2:], ENGLISH) == ""


def test_twice_is_proposed_for_a_large_photo_and_only_where_nothing_was_chosen(
    pool: ModelPool, upload_folder: Path
):
    Image.new("RGB", (3000, 2000)).save(upload_folder / "large.png")
    photos = [str(upload_folder / "large.png")]
    preview = UpscalePreview(pool, 100.0, Jobs())
    status, *_, proposed = preview.choose_photos(photos, 4.0, 0, 1, ENGLISH)
    assert proposed["value"] == 2.0
    assert "6000 × 4000" in status and "×2 is set" in status
    for scale, width in ((3.0, 0), (4.0, 500)):
        *_, proposed = preview.choose_photos(photos, scale, width, 1, ENGLISH)
        assert "value" not in proposed


def test_each_result_can_be_compared_and_downloaded(pool: ModelPool, upload_folder: Path):
    photos = []
    for name in ("a", "b"):
        photos.append(str(upload_folder / f"{name}.png"))
        Image.fromarray(np.asarray(photo_of(40, 30).rgb)).save(photos[-1])
    service = UpscaleService(pool, 1.0, Jobs())
    *_, chooser, one, made = service.run(photos, 2.0, 0, "auto", 0.5, 0.5, "auto", None, 1, ENGLISH)
    assert chooser["choices"] == [("a-x2.png", 0), ("b-x2.png", 1)] and chooser["visible"]
    assert Path(one["value"]).name == "a-x2.png"
    pair, one = service.show(made, 1, ENGLISH)
    assert [Path(path).name for path in pair["value"]] == ["b-preview.jpg", "b-x2-preview.jpg"]
    assert Path(one["value"]).name == "b-x2.png"
    for at in (2, -1, None):
        assert "value" not in service.show(made, at, ENGLISH)[1]
