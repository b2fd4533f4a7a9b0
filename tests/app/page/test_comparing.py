"""Upscale: what is kept out of the enhancement, and two versions on one divider."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from remend.app.engine.model_pool import ModelPool
from remend.app.page.upscaling.kept_out import Stroke, draw_strokes, keep_plain, read_place
from remend.app.page.upscaling.part_preview import PartPreview
from remend.app.page.upscaling.upscale_service import UpscaleService
from remend.app.page.work.jobs import Jobs
from remend.models.errors import RequestError
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.regions import Box
from remend.models.inference.upscaler import resize
from tests.helpers.images import open_image
from tests.helpers.visiting import CHINESE, ENGLISH, photo_of

FORM = (2.0, 0, "x2-fidelity", 0.5, 0.5)
MIDDLE = (0.5, 0.5)


@pytest.fixture
def photo(upload_folder: Path) -> str:
    path = upload_folder / "photo.png"
    Image.fromarray(np.asarray(photo_of(300, 200).rgb)).save(path)
    return str(path)


@pytest.fixture
def upscaled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, float]]:
    """Weights and detail of each run of a network."""
    runs: list[tuple[Any, float]] = []
    upscale = ModelPool.upscale

    def note(
        pool: ModelPool, picture: Picture, weights: Path, options: Any, *rest: Any, **more: Any
    ):
        runs.append((weights.stem, options.detail))
        return upscale(pool, picture, weights, options, *rest, **more)

    monkeypatch.setattr(ModelPool, "upscale", note)
    return runs


def painted(photo: str, *strokes: dict[str, Any]) -> dict[str, Any]:
    return {"looked": photo, "strokes": {photo: list(strokes)}}


def line(radius: float, *points: Sequence[float], erases: bool = False) -> dict[str, Any]:
    return {"radius": radius, "erases": erases, "points": list(points)}


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_rows_put_together_are_the_whole_enlarged_at_once(kind: type):
    photo = photo_of(217, 151, kind)
    large = Picture(np.zeros((420, 500, 3), kind))
    everywhere = Mask(np.full((151, 217), 255, np.uint8))
    plain = resize(photo.rgb, (500, 420)).astype(int)
    assert np.abs(keep_plain(large, photo, everywhere).rgb - plain).max() <= 1
    assert not keep_plain(large, photo, Mask(np.zeros((151, 217), np.uint8))).rgb.any()


def test_strokes_mark_what_they_cover_and_the_eraser_takes_it_away():
    strokes = [Stroke(20, [(50, 50), (150, 50)]), Stroke(20, [(150, 50)], erases=True)]
    whole = draw_strokes(strokes, Box(0, 0, 300, 200))
    assert whole is not None and whole.size == (300, 200)
    assert whole.values[50, 60] == 255 and whole.values[50, 150] == whole.values[120, 60] == 0
    part = draw_strokes(strokes, Box(40, 30, 168, 158))
    assert part is not None and (part.values[10:30, 10:50] == whole.values[40:60, 50:90]).all()
    assert draw_strokes(strokes[1:], Box(0, 0, 300, 200)) is None


@pytest.mark.parametrize(
    "sent",
    [
        [],
        {"looked": ""},
        {"looked": "", "strokes": {"a": [line(5)]}},
        {"looked": "", "strokes": {"a": [line(0, [1, 1])]}},
        {"looked": "", "strokes": {"a": [line(5, [1, float("nan")])]}},
        {"looked": "", "strokes": {"a": [line(5, [1, 1, 1])]}},
        {"looked": "", "strokes": {"a": [line(5, *[[1, 1]] * 20_001)]}},
    ],
)
def test_paint_that_is_none_gets_a_sentence(sent: Any):
    with pytest.raises(RequestError, match=r"reload the page|clear some"):
        read_place(sent)


def test_what_is_kept_out_is_only_enlarged_in_the_part_and_in_the_whole(
    pool: ModelPool, photo: str
):
    place = painted(photo, line(60, [100, 100]))
    pair, *_ = PartPreview(pool, 1.0, Jobs()).show(
        [photo], *FORM, place, *MIDDLE, "", None, 1, ENGLISH
    )
    results = []
    for number, marks in enumerate((None, place), 2):
        _, download, *_ = UpscaleService(pool, 1.0, Jobs()).run(
            [photo], *FORM, "png", marks, number, ENGLISH
        )
        results.append(np.asarray(open_image(download["value"])).astype(int))
    without, with_paint = results
    plain = resize(np.asarray(open_image(photo)), (600, 400)).astype(int)
    assert np.abs(with_paint - plain)[150:250, 150:250].max() <= 1
    assert np.abs(without - plain)[150:250, 150:250].max() > 10
    assert (with_paint == without)[:, 360:].all()
    # The part lies 86 pixels from the left and 36 from the top.
    part = np.asarray(open_image(pair["value"][1])).astype(int)
    assert np.abs(part - plain[72:328, 172:428])[80:170, 20:50].max() <= 1


def test_two_details_lie_beside_each_other_and_only_what_is_new_is_computed(
    pool: ModelPool, photo: str, upscaled: list[tuple[Any, float]]
):
    parts = PartPreview(pool, 1.0, Jobs())

    def show(detail: float, left: str, seen: list[str] | None, place: Any = None) -> Any:
        form = (2.0, 0, "x2-fidelity", detail, 0.5, place, *MIDDLE, left, seen)
        return parts.show([photo], *form, 1, ENGLISH)

    pair, _, _, choice, seen = show(0.0, "", None)
    smooth = Path(pair["value"][1]).read_bytes()
    assert choice["choices"][0] == ("The photo", "") and choice["value"] == ""
    assert choice["choices"][1][0] == "x2-fidelity, detail 0 %, denoise 50 %"
    pair, _, _, choice, seen = show(1.0, choice["choices"][1][1], seen)
    assert upscaled == [("x2-fidelity", 0.0), ("x2-fidelity", 1.0)]
    assert Path(pair["value"][0]).read_bytes() == smooth
    assert "detail 0 %" in pair["label"] and "detail 100 %" in pair["label"]
    pair, _, _, choice, seen = show(0.0, choice["choices"][2][1], seen)
    show(1.0, "", seen, painted(photo, line(30, [150, 100])))
    assert len(upscaled) == 2


def test_two_models_can_be_compared_and_a_version_that_is_none_gets_a_sentence(
    pool: ModelPool, photo: str, upscaled: list[tuple[Any, float]]
):
    parts = PartPreview(pool, 1.0, Jobs())
    rest = (None, *MIDDLE)
    left = '["x4-fidelity", 0.5, 0.5]'
    pair, *_ = parts.show([photo], *FORM, *rest, left, None, 1, CHINESE)
    assert [weights for weights, _ in upscaled] == ["x2-fidelity", "x4-fidelity"]
    assert [open_image(path).size for path in pair["value"]] == [(256, 256)] * 2
    assert "左：x4-fidelity，细节 50 %" in pair["label"]
    for wrong in ("[]", "x", '["nothing", 0.5, 0.5]', '["x2-fidelity", 7, 0.5]'):
        _, said, *_ = parts.show([photo], *FORM, *rest, wrong, None, 1, ENGLISH)
        assert "error" in said
