"""Pickles read as data: what torch writes comes back, nothing else is made."""

import io
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from remend.models.checkpoints.claims import OPAQUE, ForeignCode, Instance, PickleError
from remend.models.checkpoints.pickles import read_pickle
from remend.models.checkpoints.untrusted import candidate_names, read_untrusted
from remend.models.errors import RequestError
from tests.helpers.hostile_weights import Harm, doubling_pickle, nested_pickle, old_file


class Thing:
    """An object of a class that the reader does not know."""

    def __init__(self) -> None:
        self.number, self.words = 7, ["a", "b"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_come_back(protocol: int):
    value = {"a": [1, -2, 3.5, None, True, 10**30], "b": {"c": (1, (2, 3), "é", b"x")}, 5: []}
    if protocol < 3:  # which writes bytes as a call
        value["b"] = {"c": (1, (2, 3), "é")}
    assert read_pickle(io.BytesIO(pickle.dumps(value, protocol))) == value


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_an_object_becomes_its_attributes(protocol: int):
    found = read_pickle(io.BytesIO(pickle.dumps([Thing()], protocol)))
    assert found == [{"number": 7, "words": ["a", "b"]}]
    assert isinstance(found, list) and isinstance(found[0], Instance)


def test_sets_and_dates_are_left_out():
    from datetime import datetime

    found = read_pickle(io.BytesIO(pickle.dumps({"a": {1, 2}, "b": datetime(2020, 1, 1)})))
    assert found == {"a": OPAQUE, "b": OPAQUE}


@pytest.mark.parametrize("function", [eval, bytearray, getattr, range, Path, torch.tensor])
def test_no_other_function_is_known(function: Any):
    with pytest.raises(ForeignCode):
        read_pickle(io.BytesIO(pickle.dumps(Harm(function, 3, 4))))


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x02r\xff\xff\xff\x7f.",
        b"\x80\x02" + b"}" * 1_100_000 + b".",
        b"\x80\x05\x96\x00\x00\x00\x00\x01\x00\x00\x00.",
        b"\x80\x02(K\x01h\x00.",
        b"\x80\x02K\x01K\x02.",
        b"\x80\x02(.",
        b"\x80\x02",
        b"",
    ],
)
def test_broken_and_endless_pickles_are_refused(content: bytes):
    with pytest.raises(PickleError):
        read_pickle(io.BytesIO(content))


@pytest.mark.parametrize("content", [nested_pickle(1000), doubling_pickle(40)])
def test_dictionaries_in_each_other_have_an_end(content: bytes, tmp_path: Path):
    path = tmp_path / "deep.pth"
    path.write_bytes(old_file(content))
    with pytest.raises(RequestError, match="lie in each other without an end"):
        read_untrusted(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_of_torch_save_come_back(zipped: bool, tmp_path: Path):
    torch.manual_seed(0)
    base = torch.rand(6, 8)
    state = {
        "half": torch.rand(3).half(),
        "view": base[1:4, ::2].t(),
        "shared": base,
        "scalar": torch.tensor(5),
        "bytes": torch.arange(7, dtype=torch.uint8),
        "brain": torch.rand(5).bfloat16(),
        "parameter": nn.Parameter(torch.rand(2, 2)),
        "none": torch.zeros(0),
    }
    path = tmp_path / "state.pth"
    torch.save({"params": state, "epoch": 3}, path, _use_new_zipfile_serialization=zipped)
    found = read_untrusted(path)
    assert found.keys() == state.keys()
    for name, tensor in state.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name


def test_a_whole_module_is_read_as_its_state(tmp_path: Path):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.BatchNorm2d(4)))
    torch.save(network, tmp_path / "whole.pth")
    found = read_untrusted(tmp_path / "whole.pth")
    state = network.state_dict()
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


def test_wrappers_are_taken_off_names():
    one, two = torch.zeros(1), torch.zeros(2)
    wrapped = {"net_g.module.conv.weight": one, "net_g.module.conv.bias": two}
    names = [sorted(found) for found in candidate_names(wrapped)]
    assert ["conv.bias", "conv.weight"] in names and names[0] == sorted(wrapped)
    beside = {"generator.model.weight": one, "discriminator.model.weight": two}
    assert ["model.weight"] in [sorted(found) for found in candidate_names(beside)]
