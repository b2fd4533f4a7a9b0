"""Sizes of memory in words, and what is free."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from remend.app.engine.memory import free_bytes, parse_size
from remend.models.errors import OptionError


def test_sizes_of_memory_as_people_write_them():
    assert [parse_size(text) for text in ("2G", "500M", "1.5gb", "8 GiB", "7")] == [
        2 * 10**9, 500 * 10**6, 15 * 10**8, 8 * 10**9, 7,
    ]  # fmt: skip
    for text in ("much", "-1G", "0", ""):
        with pytest.raises(OptionError, match="is no size") as caught:
            parse_size(text)
        assert (caught.value.option, caught.value.value) == ("max_memory", text)


def test_the_least_of_machine_and_container_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1_024_000))
    assert free_bytes(tmp_path) == int(1_024_000 * 0.8)
    (tmp_path / "memory.max").write_text("700000\n")
    (tmp_path / "memory.current").write_text("200000\n")
    assert free_bytes(tmp_path) == 400_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes(tmp_path) == int(1_024_000 * 0.8)


def test_no_more_is_free_than_the_machine_has():
    free = free_bytes()
    assert free is not None
    assert 0 < free < psutil.virtual_memory().total
