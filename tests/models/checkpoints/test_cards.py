"""Cards and headers of unknown origin: each field is what it must be, or the file is refused."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from remend.app.engine.catalogue import card_of, list_models
from remend.models.checkpoints.card import Card, read_card
from remend.models.checkpoints.checkpoint import open_network
from remend.models.checkpoints.header import count_parameters, read_header
from remend.models.errors import RequestError
from tests.helpers.commands import Remend, only_sentence

GOOD = dataclasses.asdict(Card("upscale", "upscale", {"width": 8}, name="mine", scale=4))


def write(path: Path, card: Any) -> Path:
    path.write_bytes(save({"w": torch.zeros(2, 3)}, {"remend": json.dumps(card)}))
    return path


WRONG: dict[str, Any] = {
    "task": 1,
    "architecture": None,
    "config": [],
    "name": {},
    "scale": 0,
    "value_range": [1, 1],
    "images_seen": -1,
    "trained_on": {"photos": "many"},
    "licence": ["MIT"],
    "parent": 3,
    "adapter": 2.5,
    "run": "x",
    "metrics": {"Set5 PSNR": "31 dB"},
    "limits": False,
    "format": "1",
}


def test_every_field_has_a_wrong_value_here():
    assert WRONG.keys() == GOOD.keys()


@pytest.mark.parametrize("field", WRONG)
def test_a_wrong_field_is_named(field: str, tmp_path: Path):
    path = write(tmp_path / "odd.safetensors", {**GOOD, field: WRONG[field]})
    with pytest.raises(RequestError, match=rf"odd\.safetensors has a broken card \({field} = "):
        read_card(path)


def test_a_good_card_is_read_back(tmp_path: Path):
    path = write(
        tmp_path / "good.safetensors", {**GOOD, "later": "field", "metrics": {"a": math.nan}}
    )
    assert dataclasses.asdict(read_card(path)) == GOOD
    assert count_parameters(path) == 6
    assert read_header(path).shapes == {"w": (2, 3)}


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"blocks": 1_000_000}, "far more layers than the file has tensors"),
        ({"width": 20_000}, "would take .* MiB, far more than the file has"),
        ({"width": 8}, "another shape or is missing"),
        ({"width": "8"}, "upscale.width = '8' is no int"),
        ({"scale": 2}, "fit its card|another shape"),
    ],
)
def test_a_network_larger_than_its_file_is_not_built(
    config: dict[str, Any], what: str, tmp_path: Path
):
    path = write(tmp_path / "odd.safetensors", {**GOOD, "config": config})
    with pytest.raises(RequestError, match=what):
        open_network(path)
    assert torch.is_grad_enabled()


def test_one_odd_file_does_not_hide_the_others(
    tmp_path: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch, remend: Remend
):
    monkeypatch.setenv("REMEND_MODELS", str(tmp_path))
    network = (tiny_weights / "x2-fidelity.safetensors").read_bytes()
    (tmp_path / "good.safetensors").write_bytes(network)
    for field, value in WRONG.items():
        write(tmp_path / f"odd-{field}.safetensors", {**GOOD, field: value})
    entry = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    for name, header in (
        ("null", {"__metadata__": None, "a": entry}),
        ("words", {"a": {**entry, "shape": ["a", "b"]}}),
        ("list", [entry]),
    ):
        text = json.dumps(header).encode()
        data = len(text).to_bytes(8, "little") + text + bytes(16)
        (tmp_path / f"{name}.safetensors").write_bytes(data)
    loud = {**GOOD, "licence": "[/red]\x1b[31m", "metrics": {"[bold]": 1.0}}
    write(tmp_path / "loud.safetensors", loud)
    assert {"good", "loud"} <= {model.name for model in list_models("upscale")}
    listed = remend("models list")
    assert listed.code == 0 and "good" in listed.out and "[/red]?[31m" in listed.out
    with pytest.raises(RequestError, match="no architecture"):
        card_of(tmp_path / "null.safetensors")
    assert "has no card" not in only_sentence(
        remend("models", "inspect", tmp_path / "list.safetensors")
    )
