"""Scores side by side: known values, fixed masks, and the command's refusals."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remend.app.cli.main import main
from remend.models.errors import RequestError
from remend.training.evaluation import benchmark as evaluate
from remend.training.evaluation.cases import fill_cases, upscale_cases


@pytest.fixture
def folder(tmp_path: Path, photo_files: Sequence[Path]) -> Path:
    """Two small photos of a name each."""
    path = tmp_path / "set"
    path.mkdir()
    for file in photo_files[1:3]:
        with Image.open(file) as image:
            image.convert("RGB").resize((97, 83)).save(path / f"{file.stem}.png")
    return path


def test_a_perfect_method_is_infinitely_good_and_bicubic_is_not(folder: Path) -> None:
    methods = {"truth": lambda rgb, scale: truth[rgb.shape], **evaluate.ENLARGERS}
    cases = upscale_cases([folder], 4)
    assert {case.truth.shape for case in cases} == {(80, 96, 3)}
    truth = {(20, 24, 3): cases[0].truth}
    comparison = evaluate.compare_enlargements([folder], 4, methods)._replace(cases=cases[:1])
    scores = evaluate.mean_scores(comparison)
    assert scores["truth", "set"]["Y-PSNR"] == np.inf
    assert 15 < scores["bicubic", "set"]["Y-PSNR"] < 45
    assert evaluate.markdown(scores).count("\n") == 4


def test_masks_for_plain_folders_are_the_same_every_time(folder: Path) -> None:
    first, second = fill_cases([folder]), evaluate.fill_cases([folder])
    assert len(first) == 2
    for one, other in zip(first, second, strict=True):
        assert one.mask is not None and other.mask is not None
        assert one.mask.any() and not one.mask.all()
        assert (one.mask == other.mask).all() and one.mask.shape == one.truth.shape[:2]


def test_truth_and_mask_folders_give_a_group_a_family(tmp_path: Path) -> None:
    for part in ("truth", "mask"):
        (tmp_path / part).mkdir()
    Image.new("RGB", (20, 16), (9, 90, 200)).save(tmp_path / "truth" / "a.png")
    hole = Image.new("1", (20, 16), 0)
    hole.paste(1, (4, 4, 9, 9))
    for family in ("thin", "wide"):
        hole.save(tmp_path / "mask" / f"a_{family}.png")
    cases = fill_cases([tmp_path])
    assert [case.group for case in cases] == ["thin", "wide"]
    scores = evaluate.mean_scores(evaluate.compare_fills([tmp_path], evaluate.FILLERS))
    assert scores["telea", "thin"]["hole PSNR"] > 40


@pytest.fixture
def masked(tmp_path: Path) -> Path:
    """Photos a and a_2 with a mask file each, of which b can be spoilt."""
    for part in ("truth", "mask"):
        (tmp_path / "masked" / part).mkdir(parents=True)
    hole = Image.new("L", (20, 16), 0)
    hole.paste(255, (4, 4, 9, 9))
    for name in ("a", "a_2"):
        Image.new("RGB", (20, 16)).save(tmp_path / "masked" / "truth" / f"{name}.jpg")
        hole.save(tmp_path / "masked" / "mask" / f"{name}_thin.png")
    return tmp_path / "masked"


def test_masks_belong_to_the_photo_with_the_longest_name(masked: Path) -> None:
    assert [(case.name, case.group) for case in fill_cases([masked])] == [
        ("a", "thin"),
        ("a_2", "thin"),
    ]
    (masked / "mask" / "a_thin.png").rename(masked / "mask" / "a.png")
    assert {case.group for case in fill_cases([masked])} == {"thin", "masked"}


@pytest.mark.parametrize(
    ("name", "size", "value", "sentence"),
    [
        ("b_thin.png", (20, 16), 255, "belongs to no photo"),
        ("a_thin.png", (16, 20), 255, "has 16x20 px"),
        ("a_thin.png", (20, 16), 0, "marks nothing to fill"),
        ("a_thin.png", None, 0, "has no mask"),
    ],
)
def test_masks_that_do_not_fit_are_refused(
    name: str, size: tuple[int, int] | None, value: int, sentence: str, masked: Path
) -> None:
    if size:
        Image.new("L", size, value).save(masked / "mask" / name)
    else:
        (masked / "mask" / name).unlink()
    with pytest.raises(RequestError, match=sentence):
        fill_cases([masked])


def test_photos_too_small_for_ssim_are_refused_and_long_ones_have_holes(tmp_path: Path) -> None:
    Image.new("RGB", (400, 12)).save(tmp_path / "long.png")
    (case,) = fill_cases([tmp_path])
    assert case.mask is not None and case.mask.any()
    with pytest.raises(RequestError, match=r"long\.png has 400x12 px; at least 19 px"):
        upscale_cases([tmp_path], 2)


def test_equal_pictures_are_null_in_json(
    masked: Path, tiny_models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "fill", "--against", "telea", "--json", "--data", str(masked), "--quiet"]
    assert main(command) == 0
    rows = json.loads(capsys.readouterr().out, parse_constant=lambda word: pytest.fail(word))
    assert {tuple(row) for row in rows} == {
        ("method", "set", "PSNR", "Y-PSNR", "SSIM", "hole PSNR", "hole SSIM")
    }
    assert [row["PSNR"] for row in rows if row["method"] == "telea"] == [None]  # all is black


def test_the_command_prints_json_and_markdown(
    folder: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(folder), "--threads", "1", "--quiet"]
    model = ["--model", str(tiny_weights / "x2-fidelity.safetensors")]
    assert main(["evaluate", "upscale", "--scale", "2", "--json", *model, *data]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["method"] for row in rows} > {"bicubic", "lanczos"}
    fill = ["--model", str(tiny_weights / "fill.safetensors"), "--against", "telea"]
    assert main(["evaluate", "fill", *fill, *data]) == 0
    assert "| telea | set |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fill", "--against", "magic"], "--against magic is unknown"),
        (["colour"], "nothing to evaluate called 'colour'"),
        (["upscale", "--scale", "3"], "does not fit"),
    ],
)
def test_wrong_requests_are_exit_two(
    arguments: list[str],
    sentence: str,
    folder: Path,
    tiny_models: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["evaluate", *arguments, "--data", str(folder)]) == 2
    assert sentence in capsys.readouterr().err
