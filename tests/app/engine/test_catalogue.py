"""Names, folders and paths of weights: which file a name means, and what is said when it means none."""

import dataclasses
import hashlib
import shutil
from pathlib import Path

import pytest
import torch

from remend.app.engine import catalogue
from remend.app.engine.catalogue import (
    default_upscale_model,
    find_model,
    hash_weights,
    list_models,
    user_folder,
    weights_folders,
)
from remend.models.checkpoints.checkpoint import Card, open_network, save_network
from remend.models.checkpoints.registry import build_network
from remend.models.errors import RequestError


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's folder of weights, empty."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setattr(catalogue, "_OWN_FOLDER", folder)
    return folder


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of weights, empty."""
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv("REMEND_MODELS", str(folder))
    return folder


def put(weights: Path, name: str, folder: Path, new_name: str | None = None) -> Path:
    path = folder / f"{new_name or name}.safetensors"
    shutil.copy(weights / f"{name}.safetensors", path)
    return path


def test_both_folders_are_listed_and_the_users_wins(own: Path, user: Path, tiny_weights: Path):
    put(tiny_weights, "fill", own)
    put(tiny_weights, "x2-fidelity", own)
    mine = put(tiny_weights, "fill", user)
    models = list_models()
    assert [model.name for model in models] == ["fill", "x2-fidelity"]
    assert models[0].path == mine == find_model("fill", "fill")
    assert [model.name for model in list_models("upscale")] == ["x2-fidelity"]
    assert models[1].card.scale == 2


def test_judges_and_junk_are_not_listed(own: Path, user: Path, tiny_weights: Path):
    put(tiny_weights, "fill", own)
    network = build_network("multiscale", {})
    save_network(own / "critic.safetensors", network, Card("judge", "multiscale", {}))
    (own / "junk.safetensors").write_bytes(b"junk")
    (own / "README.md").write_text("# Weights")
    assert [model.name for model in list_models()] == ["fill"]


def test_a_folder_that_is_missing_holds_nothing(own: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REMEND_MODELS", str(own / "missing"))
    assert list_models() == []
    with pytest.raises(RequestError, match=rf"'fill' and no other; put .* into {own}"):
        find_model("fill", "fill")


def test_an_unknown_name_is_told_the_known_ones(own: Path, user: Path, tiny_weights: Path):
    put(tiny_weights, "x2-fidelity", own)
    put(tiny_weights, "x4-fidelity", user)
    put(tiny_weights, "fill", own)
    with pytest.raises(RequestError, match="'nice'; name one of x2-fidelity, x4-fidelity, or"):
        find_model("nice", "upscale")


def test_weights_for_another_task_are_refused(own: Path, user: Path, tiny_weights: Path):
    put(tiny_weights, "fill", own)
    with pytest.raises(RequestError, match="fill was trained to fill, not to upscale"):
        find_model("fill", "upscale")
    assert find_model("fill").name == "fill.safetensors"


def test_a_path_is_taken_as_it_is(
    own: Path, user: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
):
    path = put(tiny_weights, "fill", own.parent, "mine")
    assert find_model(str(path), "fill") == path == find_model(path, "fill")
    monkeypatch.chdir(path.parent)
    assert find_model("mine.safetensors", "fill").resolve() == path
    assert find_model("./mine.safetensors", "fill").resolve() == path
    with pytest.raises(RequestError, match=r"none\.safetensors is no file"):
        find_model("none.safetensors", "fill")


def test_pickles_of_no_network_are_refused(own: Path, user: Path, monkeypatch: pytest.MonkeyPatch):
    path = own.parent / "model.pth"
    torch.save({"weight": torch.zeros(3)}, path)
    monkeypatch.chdir(path.parent)
    for name in (str(path), "model.pth"):
        with pytest.raises(RequestError, match="no architecture that Remend or spandrel knows"):
            find_model(name, "fill")


def test_the_photo_model_is_the_default_once_there_is_one(
    own: Path, user: Path, tiny_weights: Path
):
    put(tiny_weights, "x4-fidelity", own)
    assert [default_upscale_model(scale) for scale in (1.5, 2, 2.01, 3, 8)] == [
        "x2-fidelity",
        "x2-fidelity",
        "x4-fidelity",
        "x4-fidelity",
        "x4-fidelity",
    ]
    put(tiny_weights, "x4-fidelity", own, "x4-photo")
    assert default_upscale_model(4) == "x4-photo"
    assert default_upscale_model(2) == "x2-fidelity"


def test_the_users_folder_follows_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("REMEND_MODELS", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert user_folder() == tmp_path / "remend" / "models"
    assert weights_folders()[1] == Path(catalogue.__file__).parents[2] / "weights"


def test_a_hash_follows_the_file(own: Path, user: Path, tiny_weights: Path):
    path = put(tiny_weights, "fill", own)
    assert hash_weights(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    network, card = open_network(path)
    save_network(path, network, dataclasses.replace(card, name="another name"))
    assert hash_weights(path) == hashlib.sha256(path.read_bytes()).hexdigest()
