"""The shipped weights: complete, honest about themselves, and better than what they replace."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from remend.models.checkpoints.checkpoint import open_network, read_card
from remend.models.device import Placement, choose_placement
from remend.models.imaging.files import read_picture
from remend.models.imaging.picture import Mask, Picture
from remend.models.inference.restorer import (
    FillOptions,
    Inpainter,
    UpscaleOptions,
    Upscaler,
    load_restorer,
)
from remend.training.data.masks import HoleSampler
from remend.training.evaluation.benchmark import ENLARGERS, FILLERS, reduced
from remend.training.evaluation.metrics import luma, psnr
from tests.helpers.paths import ROOT

WEIGHTS = ROOT / "weights"
SHIPPED = sorted(file.stem for file in WEIGHTS.glob("*.safetensors"))
FP32 = choose_placement("cpu", "fp32")
BF16 = choose_placement("cpu", "bf16")


@pytest.fixture(scope="module")
def photos(photo_files: Sequence[Path]) -> list[NDArray[np.uint8]]:
    """128 px from the middle of real photos."""
    crops = []
    for file in photo_files:
        rgb = np.asarray(read_picture(file).rgb, np.uint8)
        if min(rgb.shape[:2]) < 128:
            continue
        top, left = (rgb.shape[0] - 128) // 2, (rgb.shape[1] - 128) // 2
        crops.append(np.ascontiguousarray(rgb[top : top + 128, left : left + 128]))
    return crops


def load_upscaler(name: str, placement: Placement) -> Upscaler:
    restorer = load_restorer(WEIGHTS / f"{name}.safetensors", placement)
    assert isinstance(restorer, Upscaler)
    return restorer


def load_filler(placement: Placement) -> Inpainter:
    restorer = load_restorer(WEIGHTS / "fill.safetensors", placement)
    assert isinstance(restorer, Inpainter)
    return restorer


def test_the_default_weights_are_there() -> None:
    assert {"fill", "x2-fidelity", "x4-fidelity"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_file_is_small_and_says_what_it_is(name: str) -> None:
    file = WEIGHTS / f"{name}.safetensors"
    assert file.stat().st_size <= 16 * 2**20
    network, card = open_network(file)
    assert all(parameter.isfinite().all() for parameter in network.parameters())
    if card.task != "judge":
        assert card.name == name
        assert card.metrics and card.trained_on and card.images_seen > 0 and card.limits
        text = (WEIGHTS / f"{name}.md").read_text("utf-8")
        assert str(card.images_seen) in text
    assert "/" not in str(card.parent) + str(card.run["recipe"]["parent"])


def holes(count: int) -> list[NDArray[np.uint8]]:
    sampler = HoleSampler({"strokes": 1.0, "scratches": 1.0}, (0.03, 0.2))
    masks = sampler.sample(count, 128, torch.Generator().manual_seed(3))
    return [(mask[0].numpy() * 255).astype(np.uint8) for mask in masks]


def test_the_fill_is_better_than_opencv(photos: list[NDArray[np.uint8]]) -> None:
    inpainter = load_filler(FP32)
    gains = []
    for rgb, mask in zip(photos, holes(len(photos)), strict=True):
        ours = inpainter.restore(Picture(rgb.copy()), Mask(mask), FillOptions(detail=0)).rgb
        telea = FILLERS["telea"](rgb, mask)
        gains.append(psnr(ours, rgb) - psnr(telea, rgb))
    assert np.mean(gains) > 0.4


@pytest.mark.parametrize(("name", "gain"), [("x2-fidelity", 1.5), ("x4-fidelity", 0.8)])
def test_upscaling_is_better_than_bicubic(
    name: str, gain: float, photos: list[NDArray[np.uint8]]
) -> None:
    upscaler = load_upscaler(name, FP32)
    scale = upscaler.card.scale
    gains = []
    for rgb in photos:
        small = reduced(rgb, scale)
        ours = upscaler.restore(Picture(small.copy())).rgb
        bicubic = ENLARGERS["bicubic"](small, scale)
        truth = luma(rgb)
        gains.append(
            psnr(luma(ours), truth, border=scale) - psnr(luma(bicubic), truth, border=scale)
        )
    assert np.mean(gains) > gain


@pytest.mark.parametrize("name", ["x2-fidelity", "x4-fidelity"])
def test_tiles_agree_with_the_whole_on_a_real_photo(
    name: str, photos: list[NDArray[np.uint8]]
) -> None:
    upscaler = load_upscaler(name, FP32)
    picture = Picture(photos[1].copy())
    whole = upscaler.restore(picture, UpscaleOptions(tile_px=0)).rgb.astype(int)
    tiled = upscaler.restore(picture, UpscaleOptions(tile_px=48)).rgb.astype(int)
    assert np.abs(whole - tiled).max() <= 1


def test_bf16_differs_from_fp32_by_less_than_half_a_step(
    photos: list[NDArray[np.uint8]],
) -> None:
    rgb, mask = photos[1], holes(1)[0]
    fills = [load_filler(p).restore(Picture(rgb.copy()), Mask(mask)).rgb for p in (FP32, BF16)]
    larges = [
        load_upscaler("x4-fidelity", p).restore(Picture(rgb[:64, :64].copy())).rgb
        for p in (FP32, BF16)
    ]
    for exact, fast in (fills, larges):
        assert np.abs(exact.astype(float) - fast).mean() < 0.5


def test_every_card_names_known_sources() -> None:
    known = (WEIGHTS / "sources.toml").read_text("utf-8")
    for name in SHIPPED:
        for source in read_card(WEIGHTS / f"{name}.safetensors").trained_on:
            assert f"[{source}]" in known or f'["{source}"]' in known
