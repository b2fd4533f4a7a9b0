"""What both test modules of fine-tuning start from."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from remend.training.data.photo_store import PhotoStore
from tests.helpers.tuning import Tuning


@pytest.fixture(scope="module")
def large_photos(photo_files: Sequence[Path]) -> PhotoStore:
    """Photos of at least 128 px a side."""
    return PhotoStore.load(photo_files, min_side=128)


@pytest.fixture
def parent(tiny_weights: Path) -> Path:
    """Weights to start from."""
    return tiny_weights / "x2-fidelity.safetensors"


@pytest.fixture
def tuning(large_photos: PhotoStore, tmp_path: Path) -> Tuning:
    """A fine-tune in a folder of its own."""
    return Tuning(large_photos, tmp_path)
