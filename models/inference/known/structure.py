"""Structure that crosses a thick hole: horizons, kerbs and fences, completed from known patches.

A network trained on means smears where it does not know. Here its fill is only where a search begins: on a
small copy each place of the hole looks for the known patch that fits its surroundings, patches vote, and so
on to the full size, which keeps what the smaller copies decided (space-time completion, Wexler et al. 2007).
No weights. Who searches and votes at one scale is in `models.inference.known.patch_search`.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from remend.models.imaging.opencv import load_opencv
from remend.models.inference.known.patch_search import PATCH_PX, PatchSearch
from remend.models.inference.known.texture_transfer import measure_roughness, take_texture
from remend.models.layers.harmonic import harmonic_fill

DEEP_PX = 14.0
"""Holes of at least this depth are completed: over thinner ones the network bridges structure better."""
SOFT_PX = 6.0
"""Width over which the completion fades out where a hole becomes thinner."""
COARSEST_PX = 14.0
"""Thickness of the hole on the smallest copy: patches there see both of its rims."""
COARSEST_ROUNDS = 4
"""Searches and votes on the smallest copy; one on each of the others."""
MOST_SCALES = 4
"""Halvings, at most."""
FEWEST_SOURCES = 200
"""Known places on the smallest copy, at least; and as many as it has pixels of the hole."""
NEAR, FAR = 0.5, 1.0
"""Difference from the network's colours up to which a completion counts fully, and from which it does not."""
QUIET, LOUD = 2.5, 4.0
"""The same for its texture against that of the surroundings, in logarithms of power: no letters on a wall."""
BLANK, ROUGH = -8.5, -7.8
"""Roughness around a hole up to which nothing is completed, and from which all is: a level, two of 255."""
NEAR_BLUR_PX = 8.0
"""Blur (standard deviation) under which that difference is taken."""
MOST = 0.5
"""Of the fill, what a completion replaces at most; its texture is copied as elsewhere (docs/networks.md)."""
_RIM_PX = 2  # known pixels around the hole, at which the completion is tied to the picture


def complete_structure(fill: Tensor, hole: Tensor) -> tuple[Tensor, Tensor] | None:
    """Complete the thick parts of a hole from patches of the known part, beginning with a network's fill.

    Args:
        fill: (1, 3, h, w) in [-1, 1], known pixels and the network's.
        hole: (1, 1, h, w), 1 = filled by the network.

    Returns:
        The completion (1, 3, h, w), and where it should replace the fill: (1, 1, h, w), 0 to `MOST`. None
        where no part of the hole is thick, or too little is known to copy from.
    """
    share = find_thick(hole)
    if share is None:
        return None
    scales = _plan_scales(fill, hole)
    if scales is None:
        return None
    completed = _tie_to_rim(fill, hole, *_complete(scales))
    cv2 = load_opencv()
    change = (completed - fill)[0].permute(1, 2, 0).numpy()
    change = np.abs(np.asarray(cv2.GaussianBlur(change, (0, 0), NEAR_BLUR_PX), np.float32)).max(2)
    trust = ((FAR - torch.as_tensor(change)) / (FAR - NEAR)).clamp(0, 1)
    return completed, MOST * share * trust * _trust_texture(fill, hole, completed)


def _trust_texture(fill: Tensor, hole: Tensor, completed: Tensor) -> Tensor:
    """Where a completion's texture suits that at the rim of the hole, 0 to 1: (h, w)."""
    size = hole.shape[-2], hole.shape[-1]
    expected = measure_roughness(take_texture(fill), hole, size)
    excess = measure_roughness(take_texture(completed), torch.zeros_like(hole), size) - expected
    suits = ((LOUD - excess) / (LOUD - QUIET)).clip(0, 1)
    needed = ((expected - BLANK) / (ROUGH - BLANK)).clip(0, 1)
    return torch.as_tensor(suits * needed)


def find_thick(hole: Tensor) -> Tensor | None:
    """Where a hole is thick, 0 to 1 (as the hole's shape, (1, 1, h, w)); None where it nowhere is."""
    cv2 = load_opencv()
    missing = hole[0, 0].numpy().astype(np.uint8)
    deep = np.asarray(cv2.distanceTransform(missing, cv2.DIST_L2, 5)) >= DEEP_PX
    if not deep.any():
        return None
    away = cv2.distanceTransform((~deep).astype(np.uint8), cv2.DIST_L2, 5)
    share = ((DEEP_PX + SOFT_PX - np.asarray(away, np.float32)) / SOFT_PX).clip(0, 1)
    return torch.as_tensor(share)[None, None] * hole


def _plan_scales(fill: Tensor, hole: Tensor) -> list[tuple[Tensor, Tensor]] | None:
    """Picture and hole at full size, a half, a quarter …; None where too little is known at any of them."""
    cv2 = load_opencv()
    depth = cv2.distanceTransform(hole[0, 0].numpy().astype(np.uint8), cv2.DIST_L2, 5)
    most = int(np.ceil(np.log2(max(2 * float(np.max(depth)) / COARSEST_PX, 1))))
    scales = [(fill, hole)]
    for _ in range(min(most, MOST_SCALES)):
        picture, missing = scales[-1]
        if min(missing.shape[-2:]) < 6 * PATCH_PX:
            break
        pads = (0, missing.shape[-1] % 2, 0, missing.shape[-2] % 2)
        picture, missing = (F.pad(x, pads, mode="replicate") for x in (picture, missing))
        scales.append((F.avg_pool2d(picture, 2), F.max_pool2d(missing, 2)))
    while scales:
        missing = scales[-1][1]
        sources = 0
        if min(missing.shape[-2:]) >= PATCH_PX:
            sources = int((F.max_pool2d(missing, PATCH_PX, 1) == 0).sum())
        if sources >= max(FEWEST_SOURCES, int(missing.sum())):
            return scales
        scales.pop()
    return None


def _complete(scales: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """From the smallest copy to the full size: the last vote and its votes, as `PatchSearch.vote`."""
    picture, hole = scales[-1]
    search = PatchSearch(picture, hole, picture)
    vote, votes, matches = picture, hole, search.corners
    for _ in range(COARSEST_ROUNDS):
        targets = search.cut_targets(torch.where(hole > 0, vote, picture))
        matches = search.search_all(targets)
        errors = search.compare(targets, matches, torch.arange(len(matches)))
        vote, votes = search.vote(targets, matches, errors)
    for picture, hole in reversed(scales[:-1]):
        coarse, size = search, hole.shape[-2:]
        # Comparing in full would prefer smooth sources: the estimate has no detail of this scale yet.
        compared = _double(F.avg_pool2d(_make_even(picture), 2), size)
        search = PatchSearch(picture, hole, compared)
        estimate = torch.where(hole > 0, _double(vote, size), compared)
        targets = search.cut_targets(estimate)
        matches, errors = search.improve(targets, search.refine_from(coarse, matches))
        vote, votes = search.vote(targets, matches, errors)
    return vote, votes


def _make_even(picture: Tensor) -> Tensor:
    pads = (0, picture.shape[-1] % 2, 0, picture.shape[-2] % 2)
    return F.pad(picture, pads, mode="replicate")


def _double(picture: Tensor, size: torch.Size) -> Tensor:
    """Twice the size, cut to (h, w)."""
    large = F.interpolate(picture, scale_factor=2.0, mode="bicubic", align_corners=False)
    return large[..., : size[0], : size[1]]


def _tie_to_rim(fill: Tensor, hole: Tensor, vote: Tensor, votes: Tensor) -> Tensor:
    """The vote in the hole, plus the membrane through what it misses at the rim: no seam."""
    side = 2 * _RIM_PX + 1
    rim = (F.max_pool2d(hole, side, 1, _RIM_PX) > 0) & (hole == 0) & (votes > 1e-9)
    missed = harmonic_fill((fill - vote) * rim, 1 - rim.float())
    return torch.where(hole > 0, vote + missed, fill).clamp(-1, 1)
