"""The doctor's stored results: the shipped weights give them here, and another result is noticed."""

import tempfile
from pathlib import Path

import numpy as np
import pytest

from remend.app.cli.doctor import SCENES
from remend.app.engine.catalogue import hash_weights, list_models
from remend.app.engine.golden import SAMPLES, compare, read_golden, sample
from remend.app.engine.model_pool import ModelPool
from remend.models.device import choose_placement
from remend.models.errors import RemendError


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """No models but the shipped ones."""
    monkeypatch.setenv("REMEND_MODELS", tempfile.gettempdir() + "/none")


def test_every_shipped_model_gives_its_stored_result():
    pool = ModelPool([choose_placement("cpu", "fp32")])
    for model in list_models():
        sha256 = hash_weights(model.path)
        assert sha256 in read_golden(), f"run benchmarks/golden.py: {model.name} is new"
        result = SCENES[model.card.task](pool, model)
        assert "as stored" in compare(result, sha256, "torch.float32", model.name)


def test_another_result_is_noticed(root: Path):
    sha256, stored = next(iter(read_golden().items()))
    result = np.array(stored, np.uint8).reshape(SAMPLES, SAMPLES, 3)
    assert sample(result) == stored
    assert "as stored (0/255)" in compare(result, sha256, "torch.float32", "x")
    spoilt = result.copy()
    spoilt[3, 3, 1] ^= 16
    with pytest.raises(RemendError, match="differs from the stored one by 16/255"):
        compare(spoilt, sha256, "torch.float32", "x")
    assert "no stored result" in compare(result, "0" * 64, "torch.float32", "x")
