"""Feature networks: they see what they were trained to see, and refuse what is no network."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from remend.models.device import Placement
from remend.models.errors import RequestError
from remend.training.engine.batch import Batch, WindowShift
from remend.training.engine.feature_losses import NoFeatureLosses, make_feature_losses
from remend.training.losses.feature_networks import load_features, squeezenet, vgg16
from remend.training.recipe.schema import LossesConfig, Recipe

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")


def picture(file: Path) -> torch.Tensor:
    with Image.open(file) as image:
        rgb = np.asarray(image.convert("RGB").resize((128, 128)))
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def test_lite0_knows_a_photo_in_the_mirror(photo_files: Sequence[Path]) -> None:
    network = load_features("efficientnet_lite0")
    photos = [picture(file) for file in photo_files]

    def describe(photo: torch.Tensor) -> torch.Tensor:
        return F.normalize(network(photo)[-1].mean((2, 3)), dim=1)

    known = torch.cat([describe(photo) for photo in photos])
    mirrored = torch.cat([describe(photo.flip(3)) for photo in photos])
    assert (mirrored @ known.T).argmax(1).tolist() == list(range(len(photos)))


def test_lite0_halves_the_size_four_times() -> None:
    maps = load_features("efficientnet_lite0")(torch.zeros(1, 3, 64, 64))
    assert [tuple(found.shape[1:]) for found in maps] == [
        (16, 32, 32),
        (24, 16, 16),
        (40, 8, 8),
        (112, 4, 4),
    ]


def recipe(**losses: float) -> Recipe:
    return Recipe("fill", "inpaint", 1, losses=LossesConfig(**losses))  # pyright: ignore[reportArgumentType]


def batch_of(real: torch.Tensor, mask: torch.Tensor | None = None) -> Batch:
    """Real pictures, wholly filled or where the mask is."""
    return Batch((real,), real, (torch.ones_like(real[:, :1]) if mask is None else mask,))


def test_a_small_hole_counts_as_a_large_one() -> None:
    """Noise over everything, judged in a quarter of the picture, is about as far as judged everywhere."""
    feature_losses = make_feature_losses(recipe(perceptual=1.0), FP32)
    random = torch.Generator().manual_seed(0)
    real = torch.nn.functional.interpolate(torch.rand(1, 3, 12, 12, generator=random), 128)
    fake = real + 0.3 * torch.randn(1, 3, 128, 128, generator=random)
    quarter = torch.zeros(1, 1, 128, 128)
    quarter[..., 32:96, 32:96] = 1
    inside = quarter * fake + (1 - quarter) * real
    for name in ("perceptual", "style"):
        everywhere = float(feature_losses.terms(batch_of(real), fake, WindowShift(0, 0))[name]())
        there = feature_losses.terms(batch_of(real, quarter), inside, WindowShift(0, 0))[name]
        assert 0.6 < float(there()) / everywhere < 1.6


def test_equal_pictures_have_no_perceptual_distance_and_blur_has_some(
    photo_files: Sequence[Path],
) -> None:
    feature_losses = make_feature_losses(recipe(perceptual=1.0), FP32)
    real = picture(photo_files[1])
    blurred = F.avg_pool2d(F.pad(real, (2, 2, 2, 2), mode="reflect"), 5, 1)
    shift = feature_losses.draw(torch.Generator().manual_seed(0))
    for name in ("perceptual", "style"):
        assert float(feature_losses.terms(batch_of(real), real, shift)[name]()) == 0
        small = float(feature_losses.terms(batch_of(real), (real + blurred) / 2, shift)[name]())
        assert 0 < small < float(feature_losses.terms(batch_of(real), blurred, shift)[name]())


def test_gradients_reach_the_picture_and_not_the_feature_network() -> None:
    feature_losses = make_feature_losses(recipe(perceptual=1.0), FP32)
    fake = torch.zeros(1, 3, 64, 64, requires_grad=True)
    terms = feature_losses.terms(batch_of(torch.rand(1, 3, 64, 64)), fake, WindowShift(3, 5))
    terms["perceptual"]().backward()
    assert fake.grad is not None and fake.grad.abs().max() > 0


def test_nothing_is_loaded_when_nothing_asks() -> None:
    assert isinstance(make_feature_losses(recipe(), FP32), NoFeatureLosses)


def test_state_dicts_in_torchvisions_keys_are_read(tmp_path: Path) -> None:
    dice = torch.Generator().manual_seed(0)
    vgg, index, inputs = {}, 0, 3
    for widths in ((8, 8), (8, 8), (8, 8, 8), (8, 8, 8), (8, 8, 8)):
        for width in widths:
            vgg[f"features.{index}.weight"] = torch.randn(width, inputs, 3, 3, generator=dice)
            vgg[f"features.{index}.bias"] = torch.zeros(width)
            index, inputs = index + 2, width
        index += 1
    assert max(vgg) and "features.28.weight" in vgg
    with pytest.raises(RuntimeError):  # the widths are VGG16's own
        vgg16(vgg)
    squeeze = {"features.0.weight": torch.randn(64, 3, 3, 3), "features.0.bias": torch.zeros(64)}
    inputs = 64
    for fire, narrow, wide in (
        (3, 16, 64), (4, 16, 64), (6, 32, 128), (7, 32, 128),
        (9, 48, 192), (10, 48, 192), (11, 64, 256), (12, 64, 256),
    ):  # fmt: skip
        for name, rows, columns, kernel in (
            ("squeeze", narrow, inputs, 1),
            ("expand1x1", wide, narrow, 1),
            ("expand3x3", wide, narrow, 3),
        ):
            key = f"features.{fire}.{name}"
            squeeze[f"{key}.weight"] = torch.randn(rows, columns, kernel, kernel) / columns
            squeeze[f"{key}.bias"] = torch.zeros(rows)
        inputs = 2 * wide
    maps = squeezenet(squeeze)(torch.zeros(1, 3, 64, 64))
    assert [found.shape[1] for found in maps] == [64, 128, 256, 512]
    path = tmp_path / "squeeze.pth"
    torch.save(squeeze, path)
    assert len(load_features(str(path)).stages) == 4


def test_without_a_network_vgg16_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(RequestError, match="this machine is offline"):
        load_features("vgg16")


def test_files_that_are_no_feature_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.pth"
    torch.save({"other": torch.zeros(1)}, path)
    with pytest.raises(RequestError, match="neither vgg16 nor"):
        load_features(str(path))
    path.write_bytes(pickle.dumps(print, 2))
    with pytest.raises(RequestError, match="plain tensors"):
        load_features(str(path))
