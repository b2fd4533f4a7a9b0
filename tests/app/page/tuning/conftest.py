"""A page with models of its own, and an album to learn from."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from remend.app.engine.model_pool import ModelPool
from remend.app.page.server import running_page
from remend.models.device import choose_placement
from tests.conftest import find_free_port


@pytest.fixture(scope="module")
def models(tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's folder of models: a small network under a name that is none of ours."""
    folder = tmp_path_factory.mktemp("user") / "models"
    folder.mkdir()
    small = (tiny_weights / "x2-fidelity.safetensors").read_bytes()
    (folder / "small.safetensors").write_bytes(small)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REMEND_MODELS", str(folder))
        yield folder


@pytest.fixture(scope="module")
def page_address(models: Path) -> Iterator[str]:
    """A page for this computer alone."""
    pool = ModelPool([choose_placement("cpu", "fp32")])
    with running_page(pool, port=find_free_port()) as address:
        yield address


@pytest.fixture(scope="session")
def album(photo_files: Sequence[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five photos of 160 x 140 px."""
    folder = tmp_path_factory.mktemp("album")
    for file in photo_files[1:]:
        with Image.open(file) as photo:
            photo.convert("RGB").resize((160, 140)).save(folder / f"{file.stem}.png")
    return folder
