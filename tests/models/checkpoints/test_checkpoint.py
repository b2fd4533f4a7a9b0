"""Weights files: whole round trips, and refusals in one sentence each."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from remend.models.checkpoints.checkpoint import (
    CARD_KEY,
    Card,
    open_network,
    read_card,
    save_network,
)
from remend.models.checkpoints.registry import ARCHITECTURES, COMMUNITY, build_network
from remend.models.errors import RequestError

CONFIG = {"scale": 2, "width": 8, "blocks": 1}


def make_card(**changes: object) -> Card:
    values = {"task": "upscale", "architecture": "upscale", "config": CONFIG, "scale": 2}
    return Card(**{**values, **changes})  # pyright: ignore[reportArgumentType]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    save_network(path, build_network("upscale", CONFIG), make_card(name="small"))
    return path


def test_network_and_card_come_back(tmp_path: Path) -> None:
    network = build_network("upscale", CONFIG).eval()
    path = tmp_path / "small.safetensors"
    save_network(path, network, make_card(trained_on={"budgie": 3}), half=False)
    again, card = open_network(path)
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(again(x).refined, network(x).refined)
    assert card.trained_on == {"budgie": 3} and card.scale == 2
    assert list(tmp_path.iterdir()) == [path]


def test_half_precision_halves_the_file(weights: Path, tmp_path: Path) -> None:
    full = tmp_path / "full.safetensors"
    save_network(full, open_network(weights)[0], make_card(), half=False)
    assert weights.stat().st_size < 0.7 * full.stat().st_size


def test_peek_loads_no_tensor(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remend.models.checkpoints.checkpoint.build_network", None)
    assert read_card(weights).name == "small"


def refused(path: Path) -> str:
    with pytest.raises(RequestError) as caught:
        open_network(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_that_are_no_weights_are_refused(weights: Path, tmp_path: Path) -> None:
    assert "is no file" in refused(tmp_path / "missing.safetensors")
    text = tmp_path / "text.safetensors"
    text.write_text("hello")
    assert "no safetensors" in refused(text)
    truncated = tmp_path / "cut.safetensors"
    truncated.write_bytes(weights.read_bytes()[:-100])
    assert "no safetensors" in refused(truncated)
    lying = tmp_path / "lying.safetensors"
    lying.write_bytes((1 << 60).to_bytes(8, "little") + b"{}")
    assert "no safetensors" in refused(lying)


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (exec, ("raise SystemExit('executed')",))

    path = tmp_path / "bomb.pth"
    path.write_bytes(pickle.dumps(Bomb()))
    assert "no safetensors" in refused(path)


def test_foreign_and_future_cards_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"w": torch.zeros(1)}, path)
    assert "no Remend card" in refused(path)
    for changes, sentence in (
        ({"format": 99}, "update Remend"),
        ({"architecture": "unknown"}, "does not have"),
        ({"config": {"scale": 2, "width": 12, "blocks": 1}}, "damaged"),
        ({"config": {"colour": "red"}}, "no field"),
    ):
        card = make_card(**changes)
        save_network(path, build_network("upscale", CONFIG), card)
        assert sentence in refused(path)
    save_file({"w": torch.zeros(1)}, path, {CARD_KEY: json.dumps([1, 2])})
    assert "no Remend card" in refused(path)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(RequestError, match="file"):
        save_network(file / "x.safetensors", build_network("upscale", CONFIG), make_card())


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != COMMUNITY])
def test_every_architecture_builds_from_its_defaults_and_refuses_strange_fields(name: str) -> None:
    network = build_network(name, {})
    assert sum(p.numel() for p in network.parameters()) * 2 < 16 * 2**20
    with pytest.raises(RequestError, match="has no field 'colour'"):
        build_network(name, {"colour": 1})


def test_choices_are_checked() -> None:
    with pytest.raises(RequestError, match="none of full"):
        build_network("inpaint", {"gate": "half"})
