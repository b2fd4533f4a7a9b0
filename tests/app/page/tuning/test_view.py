"""What is shown of a fine-tune: where it stands, its scores, crops before and after; in both languages."""

import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from remend.app.page.tuning.view import newest_sheet, progress_view, sheet_view
from remend.app.tuning.process import Asked
from remend.app.tuning.record import Measured
from remend.app.tuning.request import FinetuneRequest
from remend.app.tuning.state import TuningState

GAIN = "+0.42 dB on 4 held-out photos (40 crops): 19.68 before, 20.10 after."


def asked(folder: Path) -> Asked:
    return Asked(
        FinetuneRequest("upscale", (folder,), folder / "mine.safetensors", "/m/<b>.pth"), 0.0
    )


@pytest.mark.parametrize(
    ("state", "english", "chinese"),
    [
        (TuningState("looking", 3, 9), "(3 of 9)", "3 / 9"),
        (TuningState("training"), "Measuring how good", "正在测量"),
        (
            TuningState("training", 64, 640, 90),
            "64 crops seen, about 90 s left",
            "已学习 64 个图块",
        ),
        (
            TuningState("done", end=GAIN),
            f"{GAIN} mine can be chosen",
            "在 4 张留出的照片（40 个图块）上 +0.42 dB",
        ),
        (TuningState("stopped"), "Stopped. Nothing was better", "已停止"),
        (
            TuningState("failed", end="/a does not exist; check the path."),
            "/a does not exist",
            "找不到 /a",
        ),
    ],
)
def test_where_it_stands(tmp_path: Path, state: TuningState, english: str, chinese: str):
    assert english in progress_view(asked(tmp_path), state, [], "en")
    shown = progress_view(asked(tmp_path), state, [], "zh")
    assert chinese in shown
    assert ("<progress" in shown) == (not state.has_ended)


def test_nothing_is_shown_before_the_first():
    assert progress_view(None, TuningState(), [], "en") == ""


def test_names_and_sentences_are_escaped(tmp_path: Path):
    state = TuningState("failed", said=("<script>",), end="<img src=x>")
    shown = progress_view(asked(tmp_path), state, [], "en")
    assert "<b>" not in shown and "<script>" not in shown and "<img" not in shown


def test_scores_and_their_curve(tmp_path: Path):
    record = [
        Measured(0, 20.0, 0.5, None),
        Measured(50, 19.0, 0.6, None),
        Measured(100, 21.0, 0.4, None),
    ]
    state = TuningState("training", 100, 400, 60)
    shown = progress_view(asked(tmp_path), state, record, "en")
    assert "20.00 dB before, 21.00 dB after 100 crops; perceptual distance -20.0%" in shown
    points = re.findall(r"([\d.]+),([\d.]+)", re.findall(r'points="(.*?)"', shown)[0])
    assert [float(across) for across, _ in points] == [8, 240, 472]
    # The distance is drawn; less of it lies lower: 0.5 in the middle, 0.6 at the top.
    assert [float(down) for _, down in points] == [60, 8, 112]
    assert "<svg" not in progress_view(asked(tmp_path), state, record[:1], "en")


def sheet(path: Path, *columns: int) -> Path:
    """A sheet of two photos with crops of 8 px, each column of one grey."""
    row = np.repeat(np.asarray(columns, np.uint8), 8)
    Image.fromarray(np.tile(row, (16, 1))).convert("RGB").save(path, quality=100)
    return path


def test_a_sheet_shows_input_before_after_and_original(tmp_path: Path):
    parent = sheet(tmp_path / "0.jpg", 10, 40, 80, 200)
    now = Measured(64, 20.0, None, sheet(tmp_path / "64.jpg", 10, 50, 120, 200))
    shown = sheet_view(parent, now, "en")
    data = re.findall(r"base64,([^\"]+)", shown)[0]
    pixels = np.asarray(Image.open(BytesIO(b64decode(data))).convert("L")).astype(int)
    assert pixels.shape == (16, 32)
    assert np.abs(pixels[:, 4::8].mean(0) - (10, 80, 120, 200)).max() < 4
    assert "after 64 crops" in shown


def test_there_is_no_sheet_without_the_parents(tmp_path: Path):
    drawn = sheet(tmp_path / "64.jpg", 1, 2, 3, 4)
    assert newest_sheet([]) is None
    assert newest_sheet([Measured(0, 1, None, None), Measured(64, 1, None, drawn)]) is None
    both = [Measured(0, 1, None, drawn), Measured(64, 1, None, drawn), Measured(70, 1, None, None)]
    assert newest_sheet(both) == both[1]
