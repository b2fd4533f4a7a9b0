"""Enlarging: sizes, depths, alpha, grey, tiles; with a small network whose stages both do something."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from remend.models.checkpoints.checkpoint import Card
from remend.models.device import Placement
from remend.models.errors import InputError
from remend.models.generators.upscale import Upscale, UpscaleConfig, Upscaled
from remend.models.imaging.picture import Metadata, Picture
from remend.models.inference.tiling import Tiling
from remend.models.inference.upscaler import (
    TILE_PX,
    UpscaleOptions,
    Upscaler,
    resize,
    spread_colours,
)
from remend.models.progress import Cancelled, Progress

FP32 = Placement(torch.device("cpu"), torch.float32, "tests are exact")
Pixels = NDArray[np.uint8 | np.uint16]


def make(scale: int = 2, *, refine: bool = False, zero: bool = False) -> Upscaler:
    torch.manual_seed(0)
    network = Upscale(UpscaleConfig(scale, 8, 2, refine=refine, refine_blocks=1)).eval()
    heads = [network.head, *([network.refine["head"]] if network.refine is not None else [])]
    for head in heads:
        for parameter in head.parameters():
            torch.nn.init.zeros_(parameter) if zero else parameter.data.mul_(8)
    card = Card("upscale", "upscale", {}, scale=scale)
    return Upscaler(network, card, FP32)


def noise(height: int, width: int, dtype: type[np.uint8] | type[np.uint16] = np.uint8) -> Pixels:
    dice = np.random.default_rng(0)
    return dice.integers(0, np.iinfo(dtype).max + 1, (height, width, 3)).astype(dtype)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (40, 23)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_size_and_depth_is_enlarged(
    size: tuple[int, int], dtype: type[np.uint8] | type[np.uint16]
) -> None:
    rgb = noise(size[1], size[0], dtype)
    before = rgb.copy()
    result = make().restore(Picture(rgb))
    assert result.size == (2 * size[0], 2 * size[1])
    assert result.rgb.dtype == dtype
    assert (rgb == before).all()


@pytest.mark.parametrize("tile_px", [32, 48, 50])
def test_tiles_agree_with_the_whole(tile_px: int) -> None:
    upscaler = make(refine=True)
    picture = Picture(noise(110, 90))
    whole = upscaler.restore(picture, UpscaleOptions(tile_px=0)).rgb.astype(int)
    tiled = upscaler.restore(picture, UpscaleOptions(tile_px=tile_px)).rgb.astype(int)
    assert np.abs(whole - tiled).max() <= 1
    # A halo that is too small must be caught by this very comparison.
    upscaler.tiling = Tiling(TILE_PX, halo_px=1)
    spoilt = upscaler.restore(picture, UpscaleOptions(tile_px=tile_px)).rgb.astype(int)
    assert np.abs(whole - spoilt).max() > 1


def test_a_network_without_corrections_keeps_a_constant_constant() -> None:
    rgb = np.full((20, 30, 3), 77, np.uint8)
    assert (make(zero=True).restore(Picture(rgb)).rgb == 77).all()


@pytest.mark.parametrize("factor", [1.5, 3, 8])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_target_size(factor: float, dtype: type[np.uint8] | type[np.uint16]) -> None:
    size = (round(20 * factor), round(10 * factor))
    result = make().restore(Picture(noise(10, 20, dtype)), UpscaleOptions(size=size))
    assert result.size == size and result.rgb.dtype == dtype


def test_grey_stays_grey_and_metadata_stays() -> None:
    grey = np.repeat(noise(20, 20)[..., :1], 3, axis=2)
    meta = Metadata(grey=True, exif=b"exif", dpi=(300, 300))
    result = make().restore(Picture(grey, meta=meta))
    assert (result.rgb[..., 0] == result.rgb[..., 2]).all()
    assert result.meta.exif == b"exif" and result.meta.grey


def test_alpha_is_enlarged_without_a_fringe() -> None:
    rgb = np.zeros((24, 24, 3), np.uint8)
    alpha = np.zeros((24, 24), np.uint8)
    rgb[6:18, 6:18], alpha[6:18, 6:18] = 200, 255
    result = make(zero=True).restore(Picture(rgb, alpha))
    assert result.alpha is not None and result.alpha.shape == (48, 48)
    assert (result.rgb[result.alpha > 0] == 200).all()
    opaque = np.full((24, 24), 255, np.uint8)
    result = make(zero=True).restore(Picture(rgb.copy(), opaque))
    assert result.alpha is not None and (result.alpha == 255).all()


def test_colours_spread_only_under_wholly_transparent_pixels() -> None:
    rgb, alpha = noise(12, 12), np.full((12, 12), 9, np.uint8)
    alpha[4:8, 4:8] = 0
    spread = spread_colours(rgb, alpha)
    assert (spread[alpha > 0] == rgb[alpha > 0]).all()
    assert (spread[4, 4] == rgb[3, 4]).all() or (spread[4, 4] == rgb[4, 3]).all()


def test_detail_moves_between_the_stages_in_one_pass() -> None:
    upscaler = make(refine=True)
    picture = Picture(
        (110 + noise(16, 16) // 16).astype(np.uint8)
    )  # far from black and white, where values are clipped

    def at(detail: float) -> NDArray[np.int64]:
        return upscaler.restore(picture, UpscaleOptions(detail=detail)).rgb.astype(np.int64)

    assert np.abs(at(0) - at(1)).max() > 2
    unclipped = (at(1) > 0) & (at(1) < 255)
    assert np.abs(at(0.5) - (at(0) + at(1)) / 2)[unclipped].max() <= 1
    assert make().restore(picture, UpscaleOptions(detail=0.5)).meta.notes == ()
    assert "no effect" in make().restore(picture, UpscaleOptions(detail=1.0)).meta.notes[0]


def test_memory_that_runs_out_makes_tiles_smaller_and_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upscaler = make()
    picture = Picture(noise(150, 150))
    expected = upscaler.restore(picture).rgb
    run = upscaler._run

    def small_memory(pixels: torch.Tensor, options: UpscaleOptions, *, exact: bool) -> torch.Tensor:
        if pixels.shape[-1] > 100:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ...")
        return run(pixels, options, exact=exact)

    monkeypatch.setattr(upscaler, "_run", small_memory)
    result = upscaler.restore(picture)
    assert np.abs(result.rgb.astype(int) - expected.astype(int)).max() <= 1
    assert "used" in result.meta.notes[-1]
    monkeypatch.setattr(upscaler, "_run", lambda *_, **__: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(InputError, match="Memory does not suffice"):
        upscaler.restore(picture)


def test_a_tile_that_overflows_is_computed_again() -> None:
    upscaler = make()
    half = Placement(torch.device("cpu"), torch.bfloat16, "")
    upscaler.placement = half
    network = upscaler.network
    assert isinstance(network, nn.Module)
    plain = network.forward

    def overflow(pixels: torch.Tensor) -> object:
        out = plain(pixels)
        if torch.is_autocast_enabled("cpu"):
            out = Upscaled(*(picture * float("inf") for picture in out))
        return out

    network.forward = overflow
    result = upscaler.restore(Picture(noise(10, 10)))
    assert result.meta.notes[-1].startswith("1 tile was computed again in fp32")
    assert result.rgb.std() > 1


def test_what_is_black_in_fp32_is_not_computed_again() -> None:
    upscaler = make()
    network = upscaler.network
    assert isinstance(network, nn.Module)
    plain, calls = network.forward, list[int]()

    def blacken(pixels: torch.Tensor) -> object:
        calls.append(1)
        return Upscaled(*(torch.full_like(picture, -1) for picture in plain(pixels)))

    network.forward = blacken
    result = upscaler.restore(Picture(noise(10, 10)))
    assert len(calls) == 1
    assert not result.meta.notes


def test_a_tile_that_turns_black_is_computed_again() -> None:
    upscaler = make()
    upscaler.placement = Placement(torch.device("cpu"), torch.bfloat16, "")
    network = upscaler.network
    assert isinstance(network, nn.Module)
    plain = network.forward

    def blacken(pixels: torch.Tensor) -> object:
        out = plain(pixels)
        if torch.is_autocast_enabled("cpu"):
            out = Upscaled(*(torch.full_like(picture, -1) for picture in out))
        return out

    network.forward = blacken
    assert upscaler.restore(Picture(noise(10, 10))).rgb.std() > 1
    black = upscaler.restore(Picture(np.zeros((10, 10, 3), np.uint8)))
    assert black.meta.notes == () and not black.rgb.any()


def test_weights_that_give_no_numbers_are_refused() -> None:
    upscaler = make()
    assert isinstance(upscaler.network, Upscale) and upscaler.network.head.bias is not None
    upscaler.network.head.bias.data.fill_(float("nan"))
    with pytest.raises(InputError, match="no numbers"):
        upscaler.restore(Picture(noise(10, 10)))


def test_augmentation_commutes_with_turning_and_mirroring() -> None:
    upscaler, options, rgb = make(), UpscaleOptions(tta=True), noise(20, 20)
    upright = upscaler.restore(Picture(rgb), options).rgb.astype(int)
    turned = upscaler.restore(Picture(np.rot90(rgb).copy()), options).rgb.astype(int)
    mirrored = upscaler.restore(Picture(rgb[:, ::-1].copy()), options).rgb.astype(int)
    assert np.abs(np.rot90(upright) - turned).max() <= 1
    assert np.abs(upright[:, ::-1] - mirrored).max() <= 1
    plain = upscaler.restore(Picture(np.rot90(rgb).copy())).rgb.astype(int)
    assert np.abs(np.rot90(upright) - plain).max() > 1


def test_a_watch_can_cancel_between_tiles() -> None:
    class Impatient(Progress):
        seen = 0

        def update(self, done: float, total: float, note: str = "") -> None:
            self.seen += 1
            if done >= 2:
                raise Cancelled

    progress = Impatient()
    with pytest.raises(Cancelled):
        make().restore(Picture(noise(200, 200)), UpscaleOptions(tile_px=32), progress=progress)
    assert progress.seen == 3


def test_sixteen_bit_resize_is_the_lanczos_of_pillow() -> None:
    eight = (110 + noise(12, 20) // 16).astype(np.uint8)  # Pillow clips between its two passes
    wide = resize(eight.astype(np.uint16) * 257, (33, 17)).astype(float) / 257
    pillow = np.asarray(Image.fromarray(eight).resize((33, 17), Image.Resampling.LANCZOS))
    assert np.abs(wide - pillow).max() <= 1.5


def test_denoise_reaches_a_network_that_is_told_and_is_said_to_do_nothing_elsewhere() -> None:
    torch.manual_seed(0)
    network = Upscale(UpscaleConfig(2, 8, 2, denoise=True)).eval()
    assert network.kept_noise is not None
    torch.nn.init.normal_(network.kept_noise)
    told = Upscaler(network, Card("upscale", "upscale", {}, scale=2), FP32)
    picture = Picture(noise(20, 20))
    kept, taken = (told.restore(picture, UpscaleOptions(denoise=d)) for d in (0.0, 1.0))
    assert (kept.rgb != taken.rgb).any()
    assert not kept.meta.notes
    plain = make().restore(picture, UpscaleOptions(denoise=1.0))
    assert any("denoising cannot be set" in sentence for sentence in plain.meta.notes)
