"""What a run has recorded, read while it goes on."""

import os
from pathlib import Path

from remend.app.tuning.record import read_record

LINES = """{"images": 0, "held-out PSNR": 20.0, "held-out distance": 0.5, "held-out PSNR at detail 0": 21.0}
{"images": 50, "l1": 0.1, "psnr": 3.0}
{"images": 50, "held-out PSNR": 20.5, "held-out distance": 0.4, "held-out PSNR at detail 0": 21.5}
"""


def test_validations_are_read_and_other_lines_are_not(tmp_path: Path):
    assert read_record(tmp_path) == []
    (tmp_path / "stats.jsonl").write_text(LINES + '{"images": 70, "held')
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "000000050.jpg").touch()
    parent, now = read_record(tmp_path)
    assert (parent.images, parent.psnr, parent.distance, parent.sheet) == (0, 21.0, 0.5, None)
    assert (now.images, now.psnr, now.distance) == (50, 21.5, 0.4)
    assert now.sheet == tmp_path / "samples" / "000000050.jpg"


def test_an_earlier_run_of_that_name_does_not_count(tmp_path: Path):
    file = tmp_path / "stats.jsonl"
    file.write_text(LINES)
    os.utime(file, (1000, 1000))
    assert len(read_record(tmp_path, since=0)) == 2
    assert read_record(tmp_path, since=2000) == []
    file.write_text(LINES + '{"images": 0, "held-out PSNR": 30.0}\n')
    (only,) = read_record(tmp_path, since=2000)
    assert only.psnr == 30.0
