"""Texture for holes, copied from the known part of each picture: on any device, with no learned part.

What `models.inference.known.texture_transfer` adds to a finished fill, made so that a network can see it
while it fills: everything is compared on the grid of 1/4, where the coarse stage's picture already is. A node
every 8 px looks for the known window that is most alike in colours, pattern and roughness; nodes deeper in a
hole continue the sources of those before them where these match about as well (Ashikhmin 2001).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from remend.models.layers.harmonic import harmonic_fill

CELL_PX, NODE_CELLS, WINDOW_CELLS = 4, 2, 6
"""Pixels of a cell; cells between nodes; side of the windows that are compared."""
COLOUR_WEIGHT, ROUGH_WEIGHT, SLACK = 0.5, 4.0, 1.0
"""As in `models.inference.known.texture_transfer`."""
CHANNELS = 4
"""Of what is copied: three of texture and one that says how well its source matches."""
_ROUGH_CELLS = 5  # over which roughness is averaged
_NODE_PX = CELL_PX * NODE_CELLS


@torch.no_grad()
def copy_texture(image: Tensor, mask: Tensor, coarse: Tensor) -> Tensor:
    """What is finer than 4 px, known or copied, and how well it matches.

    Args:
        image: (B, 3, H, W) in [-1, 1], sides multiples of 8; pixels in the hole are ignored.
        mask: (B, 1, H, W), 1 = hole.
        coarse: (B, 3, H/4, W/4), filled.

    Returns:
        (B, 4, H, W) float32: the texture in [-2, 2], then the match, 1 for known pixels, and in the hole
        from 1 (alike) to 0. Where no window of a picture is known, both are 0 in its hole.
    """
    image, mask, coarse = image.float(), mask.float(), coarse.float()
    known = 1 - mask
    share = F.avg_pool2d(known, CELL_PX)
    means = F.avg_pool2d(image * known, CELL_PX) / share.clamp_min(1e-6)
    low = torch.where(share == 1, means, coarse)
    smooth = F.interpolate(low, scale_factor=float(CELL_PX), mode="bilinear", align_corners=False)
    texture = (image - smooth) * known
    power = F.avg_pool2d(texture.square().mean(1, keepdim=True), CELL_PX)
    around = _average(power) / _average(share).clamp_min(1e-6)
    rough = harmonic_fill((around + 1e-4).log(), 1 - share)
    copied = [
        _copy_one(*one) for one in zip(texture, mask[:, 0] > 0, low, rough, share < 1, strict=True)
    ]
    return torch.cat([texture, known], 1) + torch.stack(copied)


def _average(cells: Tensor) -> Tensor:
    return F.avg_pool2d(cells, _ROUGH_CELLS, 1, _ROUGH_CELLS // 2)


def _copy_one(texture: Tensor, hole: Tensor, low: Tensor, rough: Tensor, empty: Tensor) -> Tensor:
    """One picture's copies (4, H, W), 0 outside its hole; the last three are on the grid of 1/4."""
    copied = texture.new_zeros(CHANNELS, *hole.shape)
    found = _find_sources(low, rough, empty) if bool(hole.any()) else None
    if found is None:
        return copied
    offsets, match = found
    rows, columns = hole.nonzero(as_tuple=True)
    y, x = (rows + 0.5) / _NODE_PX, (columns + 0.5) / _NODE_PX
    values = texture.new_zeros(CHANNELS, len(rows))
    corners = list[tuple[Tensor, Tensor]]()
    for down in (0, 1):
        for right in (0, 1):
            node = y.long() + down, x.long() + right
            weight = (1 - (y - node[0]).abs()) * (1 - (x - node[1]).abs())
            shift = offsets[node]
            source_y = (rows + shift[:, 0]).clamp(0, hole.shape[0] - 1)
            source_x = (columns + shift[:, 1]).clamp(0, hole.shape[1] - 1)
            values[:3] += weight * texture[:, source_y, source_x]
            values[3] += weight * match[node]
            corners.append((weight, shift))
    # A mean of different patches is flatter than each of them: half of the loss is given back.
    squares = torch.zeros_like(y)
    for weight, shift in corners:
        for other, its_shift in corners:
            squares += weight * other * (shift == its_shift).all(1)
    values[:3] /= squares.clamp_min(1e-6) ** 0.25
    copied[:, rows, columns] = values
    return copied


def _find_sources(low: Tensor, rough: Tensor, empty: Tensor) -> tuple[Tensor, Tensor] | None:
    """Offsets (rows, columns, 2) in px and matches (rows, columns) of nodes; None if no window is known."""
    holes = empty[None].float()
    known = F.max_pool2d(holes, WINDOW_CELLS, 1)[0, 0] == 0
    sources = known.nonzero()
    if not len(sources):
        return None
    half = WINDOW_CELLS // 2
    pads = (half,) * 4
    around = F.max_pool2d(F.pad(holes, pads), WINDOW_CELLS, NODE_CELLS)[0, 0] > 0
    nodes = around.nonzero()
    offsets = torch.zeros(*around.shape, 2, dtype=torch.long, device=low.device)
    match = torch.zeros(around.shape, device=low.device)
    wanted = _describe(F.pad(low[None], pads, mode="replicate"), NODE_CELLS)[around.flatten()]
    given = _describe(low[None], 1)[known.flatten()]
    errors = torch.cdist(wanted, given).square()
    grain = F.pad(rough[None], pads, mode="replicate")[0, 0]
    middles = (nodes * NODE_CELLS + half).unbind(1), (sources + half).unbind(1)
    wanted_grain, given_grain = grain[middles[0]], rough[0][middles[1]]
    median = errors.min(1)[0].median()
    errors += ROUGH_WEIGHT * median * (wanted_grain[:, None] - given_grain).abs()
    chosen = _continue_inwards(errors, around, sources, known, empty)
    best = errors.gather(1, chosen[:, None])[:, 0]
    offsets[around] = CELL_PX * (sources[chosen] + half) - _NODE_PX * nodes
    match[around] = 1 / (1 + best / (WINDOW_CELLS**2 * 3 * 0.01))  # half where 0.1 apart
    return offsets, match


def _continue_inwards(
    errors: Tensor, around: Tensor, sources: Tensor, known: Tensor, empty: Tensor
) -> Tensor:
    """The source of each node (n,), ring by ring from the rim: its neighbours' continued, or its own best."""
    best, chosen = errors.min(1)
    limits = (1 + SLACK) * best + SLACK * best.median()
    nodes = around.nonzero()
    numbers = torch.full_like(around, -1, dtype=torch.long)
    numbers[around] = torch.arange(len(nodes), device=nodes.device)
    numbers = F.pad(numbers, (1, 1, 1, 1), value=-1)
    index = torch.full(known.shape, -1, device=nodes.device)
    index[known] = torch.arange(len(sources), device=nodes.device)
    ring = _count_rings(empty)[around]
    last = torch.tensor(known.shape, device=nodes.device) - 1
    for depth in range(1, int(ring.max()) + 1):
        part = (ring == depth).nonzero()[:, 0]
        candidates = list[Tensor]()
        for step in torch.tensor([(-1, 0), (1, 0), (0, -1), (0, 1)], device=nodes.device):
            beside = numbers[tuple((nodes[part] + 1 + step).T)]
            place = sources[chosen[beside]] - NODE_CELLS * step
            inside = ((place >= 0) & (place <= last)).all(1)
            place = torch.minimum(place.clamp_min(0), last)
            before = (beside >= 0) & (ring[beside] < depth) & inside
            candidates.append(index[tuple(place.T)].where(before, -1))
        ids = torch.stack(candidates, 1)
        found = errors[part].gather(1, ids.clamp_min(0)).where(ids >= 0, torch.inf)
        least, which = found.min(1)
        continued = ids.gather(1, which[:, None])[:, 0]
        chosen[part] = continued.where(least <= limits[part], chosen[part])
    return chosen


def _count_rings(empty: Tensor) -> Tensor:
    """How many nodes deep in a hole each node lies, 0 at the rim: (rows, columns)."""
    left = F.pad(empty[None].float(), (0, 1, 0, 1), mode="replicate")[
        ..., ::NODE_CELLS, ::NODE_CELLS
    ]
    rings = torch.zeros(left.shape[-2:], dtype=torch.long, device=empty.device)
    while bool(left.any()) and not bool(left.all()):
        rings += left[0, 0].long()
        left = 1 - F.max_pool2d(1 - left, 3, 1, 1)
    return rings


def _describe(low: Tensor, step: int) -> Tensor:
    """Windows of (1, 3, h, w) every so many cells: (n, features); pattern and mean colour apart."""
    windows = F.unfold(low, WINDOW_CELLS, stride=step)[0].T.reshape(-1, 3, WINDOW_CELLS**2)
    mean = windows.mean(2, keepdim=True)
    colour = mean[..., 0] * (COLOUR_WEIGHT * WINDOW_CELLS)
    return torch.cat([(windows - mean).flatten(1), colour], 1)
