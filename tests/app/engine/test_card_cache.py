"""What is remembered of other makers' files: what they are, not what this computer lacked for a moment."""

import errno
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from remend.app.engine.card_cache import read_community_card
from remend.app.engine.catalogue import thick_hole_model
from remend.app.engine.user_dirs import cache_folder
from remend.models.errors import PassingError, RequestError
from tests.helpers.hostile_onnx import hostile_onnx
from tests.helpers.onnx_graphs import filler, upscaler


def put(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


def remembered(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads((cache_folder() / "community.json").read_bytes()).get(str(path))
    except FileNotFoundError:
        return None


def test_memory_that_was_short_is_not_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = put(next(hostile_onnx())[1], tmp_path / "greedy.onnx")
    with monkeypatch.context() as patch:
        patch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=100 << 20))
        with pytest.raises(PassingError, match="memory does not suffice; close other programs"):
            read_community_card(path)
        assert remembered(path) is None
    for _ in range(2):
        with pytest.raises(RequestError, match="takes more than 300 MiB"):
            read_community_card(path)
        entry = remembered(path)
        assert entry is not None and "takes more than 300 MiB" in entry["refused"]


def test_a_computer_that_was_busy_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = put(upscaler(3).SerializeToString(), tmp_path / "late.onnx")
    with monkeypatch.context() as patch:
        patch.setattr("remend.models.inference.onnx_files.session._PATIENCE_S", 0.001)
        with pytest.raises(PassingError, match="did not answer within 0 s; try again when"):
            read_community_card(path)
    assert remembered(path) is None
    assert read_community_card(path).scale == 3


def test_memory_is_not_taken_for_damage_in_a_network_of_tensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from tests.models.inference.test_spandrel_adapter import ENLARGING, load_spandrel
    from tests.models.inference.test_spandrel_adapter import put as save

    path = save(ENLARGING["Compact"][1](), tmp_path / "m.pth")

    def fail(*_: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")

    with monkeypatch.context() as patch:
        patch.setattr(load_spandrel().MAIN_REGISTRY, "load", fail)
        with pytest.raises(PassingError, match="memory does not suffice"):
            read_community_card(path)
    assert read_community_card(path).scale == 2


@pytest.mark.parametrize("name", ["m.onnx", "m.pth"])
def test_a_disk_that_failed_is_asked_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = put(upscaler().SerializeToString(), tmp_path / name)

    def fail(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("remend.models.checkpoints.onnx_file._walk", fail)
        with pytest.raises(PassingError, match=r"Input/output error\); check the disk"):
            read_community_card(path)
    assert read_community_card(path).scale == 2


def test_auto_never_takes_our_own_network_out_of_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("REMEND_MODELS", str(tmp_path))
    exported = filler()
    exported.metadata_props.add(key="remend", value="{}")  # as `remend models export` writes it
    put(exported.SerializeToString(), tmp_path / "a-fill.onnx")
    assert read_community_card(tmp_path / "a-fill.onnx").task == "fill"
    assert thick_hole_model() is None
    put(filler().SerializeToString(), tmp_path / "lama_fp32.onnx")
    assert thick_hole_model() == "lama_fp32"
