"""Low-resolution inputs made from clean crops: bicubic reduction, or what happens to real photos.

Batched, on the device of the crops, and a function of the `torch.Generator` alone. Every input ends
in bytes, because the input of an upscaler is a file. The originals are not changed here, and holes are
drawn in `training.data.masks`.
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from pydantic import AfterValidator, Field
from torch import Tensor
from torch.nn import functional as F

from remend.models.ranges import NonNegativeRange, Share, refuse_falling
from remend.training.data import blur_noise as photo_damage
from remend.training.data.blur_noise import MODES, Damaged
from remend.training.data.draws import uniform
from remend.training.data.jpeg import random_jpeg, random_webp, to_bytes
from remend.training.data.photo_store import batch_to_unit

Quality = Annotated[int, Field(ge=1, le=100)]
QualityRange = Annotated[tuple[Quality, Quality], AfterValidator(refuse_falling)]

SECOND_PASS = 0.5
"""Blur and noise of a second round, as a part of the first's: a file that was published twice."""


@dataclass(frozen=True)
class DegradationConfig:
    """How a low-resolution input is made. The rest is bicubic with a share of light JPEG."""

    jpeg_share: Share = 0.0
    jpeg_quality: QualityRange = (75, 98)
    photo_share: Share = 0.0
    """Share of inputs that are damaged as real photos are; the fields below are about those."""
    second_order_share: Share = 0.5
    """Share of batches whose damage is done twice (Real-ESRGAN, Wang et al. 2021)."""
    blur_px: NonNegativeRange = (0.2, 2.0)
    """Standard deviation of the blur, in pixels of the original."""
    noise: NonNegativeRange = (0.0, 12.0)
    """Standard deviation of the noise in units of 1/255 at mid-grey."""
    photo_quality: QualityRange = (35, 95)
    """Quality of the JPEG files, and of the WebP ones."""
    webp_share: Share = 0.1
    old_share: Share = 0.1
    """Share of originals that are made to look like old photos, damaged or not."""


class Degraded(NamedTuple):
    """Inputs of an upscaler, (B, 3, H / scale, W / scale) float32."""

    inputs: Tensor
    """In [-1, 1], each value one of the 256 of a file."""
    noise: Tensor
    """What noise has changed in them before they were compressed, in the same units."""


def degrade(
    originals: Tensor, scale: int, config: DegradationConfig, random: torch.Generator
) -> Degraded:
    """Make the inputs of an upscaler.

    Args:
        originals: (B, 3, H, W) uint8; H and W are multiples of the scale.
        scale: How many times smaller the inputs are.
        config: What is done.
        random: Source of all randomness; may live on another device.
    """
    small = bicubic_down(originals, scale)
    noise = torch.zeros_like(small, dtype=torch.float32)
    if config.jpeg_share > 0:
        small = random_jpeg(small, config.jpeg_share, config.jpeg_quality, random)
    if config.photo_share > 0:
        chosen = uniform(random, (len(small), 1, 1, 1), 0, 1).to(small.device) < config.photo_share
        photo, photo_noise = damage(originals, scale, config, random)
        small, noise = torch.where(chosen, photo, small), torch.where(chosen, photo_noise, noise)
    return Degraded(batch_to_unit(small), noise / 127.5)


def damage(
    originals: Tensor, scale: int, config: DegradationConfig, random: torch.Generator
) -> Damaged:
    """Blur, reduce, add noise and compress, once or twice; the result's picture is uint8.

    Kernels, noise and quality are each picture's own, sizes and the way of resizing the batch's, so
    that everything stays one tensor. The size in between lies between that of the original and the input.
    """
    height, width = originals.shape[-2:]
    target = height // scale, width // scale
    state = Damaged(originals.float(), torch.zeros_like(originals, dtype=torch.float32))
    twice, shrink = map(float, uniform(random, (2,), 0, 1).cpu().unbind())
    if twice >= config.second_order_share:
        return compress(one_pass(state, target, 1.0, config, random), config, random)
    between = scale**shrink
    state = one_pass(state, (round(height / between), round(width / between)), 1.0, config, random)
    state = compress(state, config, random)
    return compress(one_pass(state, target, SECOND_PASS, config, random), config, random)


def one_pass(
    state: Damaged,
    size: tuple[int, int],
    strength: float,
    config: DegradationConfig,
    random: torch.Generator,
) -> Damaged:
    """Blur, resize and add noise, the blur and the noise at a part of the configured strength."""
    batch = len(state.picture)
    low, high = config.blur_px
    kernels = photo_damage.draw_kernels(batch, (low, max(low, high * strength)), random)
    mode = MODES[int(torch.randint(len(MODES), (1,), generator=random, device=random.device))]
    state = photo_damage.resize(photo_damage.blur(state, kernels), size, mode)
    std = uniform(random, (batch,), *config.noise) * strength
    return photo_damage.add_sensor_noise(state, std, random)


def compress(state: Damaged, config: DegradationConfig, random: torch.Generator) -> Damaged:
    """Store the picture as people do: mostly JPEG, some WebP, a tenth without loss; still float32."""
    picture = to_bytes(state.picture)
    jpeg_share = 0.9 * (1 - config.webp_share)
    coded = random_jpeg(picture, jpeg_share, config.photo_quality, random)
    # WebP takes its share of what JPEG has left alone, so that no file is both.
    share = 0.9 * config.webp_share / (1 - jpeg_share)
    webp = random_webp(picture, share, config.photo_quality, random)
    untouched = (coded == picture).flatten(1).all(1).view(-1, 1, 1, 1)
    return Damaged(torch.where(untouched, webp, coded).float(), state.noise)


def bicubic_down(pictures: Tensor, scale: int) -> Tensor:
    """Reduce (B, 3, H, W) uint8 pictures by a whole factor as Pillow's ``BICUBIC`` does.

    The kernel has a = -0.5 (Keys 1981) and is stretched by ``scale`` against aliasing. Across
    first, then down, with bytes in between: where a picture is clipped, Pillow cuts the overshoot
    of the first pass off, and one pass over both directions would differ by up to 10/255 there.

    Raises:
        ValueError: H or W is no multiple of ``scale``.
    """
    height, width = pictures.shape[-2:]
    if height % scale or width % scale:
        raise ValueError(f"{width}x{height} px cannot be divided by {scale}")
    for size in ((height, width // scale), (height // scale, width // scale)):
        pictures = to_bytes(F.interpolate(pictures.float(), size, mode="bicubic", antialias=True))
    return pictures
