"""Scores side by side: known values, fixed masks, and the command's refusals."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.cli import main
from training import evaluate


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
    cases = evaluate.upscale_cases([folder], 4)
    assert {case.truth.shape for case in cases} == {(80, 96, 3)}
    truth = {(20, 24, 3): cases[0].truth}
    comparison = evaluate.compare_enlargements([folder], 4, methods)._replace(cases=cases[:1])
    scores = evaluate.mean_scores(comparison)
    assert scores["truth", "set"]["Y-PSNR"] == np.inf
    assert 15 < scores["bicubic", "set"]["Y-PSNR"] < 45
    assert evaluate.markdown(scores).count("\n") == 4


def test_masks_for_plain_folders_are_the_same_every_time(folder: Path) -> None:
    first, second = evaluate.fill_cases([folder]), evaluate.fill_cases([folder])
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
    cases = evaluate.fill_cases([tmp_path])
    assert [case.group for case in cases] == ["thin", "wide"]
    scores = evaluate.mean_scores(evaluate.compare_fills([tmp_path], evaluate.FILLERS))
    assert scores["telea", "thin"]["hole PSNR"] > 40


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
