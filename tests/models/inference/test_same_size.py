"""Models that keep the size, and models for faces, which Remend does not look for."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from remend.app.batch.requests import UpscaleRequest
from remend.app.batch.target_size import TargetSize
from remend.app.engine.catalogue import card_of
from remend.models.errors import OptionError, RequestError
from tests.helpers.commands import Remend, only_sentence
from tests.helpers.images import open_image
from tests.models.inference.test_spandrel_adapter import ENLARGING, build, noise, put


def test_a_cleaner_keeps_the_size(remend: Remend, tmp_path: Path):
    cleaner = put(ENLARGING["DnCNN"][1](), tmp_path / "1x-clean.pth")
    Image.fromarray(noise(30, 40).rgb).save(tmp_path / "photo.png")
    out = tmp_path / "out.png"
    command = ("upscale", tmp_path / "photo.png", "-o", out, "--device", "cpu", "-n", cleaner)
    assert remend(*command, "-s", "1").code == 0
    assert open_image(out).size == (40, 30)
    assert remend(*command, "-s", "2", "--overwrite").code == 0
    assert open_image(out).size == (80, 60)


def test_the_factor_1_is_for_models_that_keep_the_size(remend: Remend, tmp_path: Path):
    enlarger = put(ENLARGING["Compact"][1](), tmp_path / "2x.pth")
    with pytest.raises(OptionError, match=r"none is named; choose 1\.5 to 8"):
        UpscaleRequest(TargetSize(1))
    with pytest.raises(OptionError, match=r"2x\.pth enlarges 2 times; choose 1\.5 to 8"):
        _ = UpscaleRequest(TargetSize(1), str(enlarger)).fixed_weights
    said = only_sentence(remend("upscale", "x.png", "-o", "y.png", "-s", "1"))
    assert said.startswith("--scale 1 is for models that keep the size")


def test_models_for_faces_are_refused_with_the_reason(tmp_path: Path):
    with torch.device("meta"):
        state = build("RestoreFormer", "RestoreFormer").state_dict()
    small = {name: torch.zeros(tensor.shape, dtype=torch.float16) for name, tensor in state.items()}
    torch.save(small, tmp_path / "faces.pth")
    names = (
        "position_emb",
        "feat_emb.weight",
        "idx_pred_layer.1.weight",
        "encoder.blocks.0.weight",
    )
    torch.save({"params_ema": dict.fromkeys(names, torch.zeros(2))}, tmp_path / "codeformer.pth")
    for name, architecture in (("faces", "RestoreFormer"), ("codeformer", "CodeFormer")):
        with pytest.raises(RequestError, match=f"holds {architecture}, which restores faces"):
            card_of(tmp_path / f"{name}.pth")
