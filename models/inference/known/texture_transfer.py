"""Adding texture to a reduced fill, copied from the known surroundings of the same photo.

A fill is made on a reduced crop and is smooth deep inside a hole. Its low frequencies stay; the higher
ones are copied from where the known photo, blurred alike, looks most similar. Neighbours copy from
neighbouring sources as long as these match about as well, so that textures continue instead of
repeating a patch, and rough surroundings are continued from sources as rough as they are. After residual
aggregation (HiFill, Yi et al. 2020) with the coherence search of Ashikhmin (2001). No weights, no network.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from remend.models.imaging.opencv import load_opencv
from remend.models.layers.harmonic import harmonic_fill

BAND_PX = 4.0
"""Blur (standard deviation, reduced pixels) that separates what the fill keeps from what is copied."""
NODE_PX = 8
"""Spacing of the nodes, which each look for a source; copies overlap by this much on each side."""
WINDOW_PX = 24
"""Side of what is compared; a source's window is known throughout."""
SAMPLE_PX = 4
"""Spacing of sources, and of the samples of a window: the blur leaves nothing between."""
COLOUR_WEIGHT = 0.5
"""Weight of a window's mean colour against its pattern."""
SLACK = 1.0
"""A neighbour's source is kept if it matches worse than the best by no more than this share."""
ROUGH_PX = 6.0
"""Blur (standard deviation, reduced pixels) over which roughness is measured."""
ROUGH_WEIGHT = 4.0
"""Weight of a difference in roughness by a factor e, in median errors of the best windows."""
SURE_PX, UNSURE_PX = 1.0, 4.0
"""Up to this depth in a hole the fill is kept as it is, from this depth on its texture is copied."""

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]


def transfer_texture(
    photo: Tensor,
    hole: Tensor,
    fill: Tensor,
    small_hole: Tensor,
    detail: float = 1.0,
    *,
    has_texture: bool = False,
) -> Tensor:
    """Enlarge a reduced fill to its photo, with texture from the known part.

    Args:
        photo: (1, 3, H, W) in [-1, 1]; pixels in the hole are ignored.
        hole: (1, 1, H, W), 1 = missing.
        fill: (1, 3, h, w), the photo reduced and filled.
        small_hole: (1, 1, h, w), 1 where the network filled.
        detail: Share of the copied texture, 0 to 1.
        has_texture: Whether the fill is no smoother than photos are, as by a network that draws texture. Then
            its own stays, and only what the reduction took is copied.

    Returns:
        (1, 3, H, W) float32; the enlarged fill alone where nothing large enough is known.
    """
    cv2 = load_opencv()
    height, width = photo.shape[-2:]
    size = (fill.shape[-2], fill.shape[-1])
    plain = _enlarge(fill, height, width)
    unknown = F.adaptive_max_pool2d(hole, size)[0, 0].numpy() > 0
    even = fill[0].permute(1, 2, 0).numpy()
    even = cv2.GaussianBlur(even, (0, 0), BAND_PX, borderType=cv2.BORDER_REPLICATE)
    low = np.asarray(even, np.float32).reshape(*size, 3)
    if detail == 0 or (has_texture and size == (height, width)):
        return plain
    smooth = _enlarge(torch.as_tensor(low).permute(2, 0, 1)[None], height, width)
    offsets = find_sources(low, unknown, measure_roughness(photo - smooth, hole, size))
    if offsets is None:
        return plain
    depth = cv2.distanceTransform(small_hole[0, 0].numpy().astype(np.uint8), cv2.DIST_L2, 5)
    unsure = ((np.asarray(depth, np.float32) - SURE_PX) / (UNSURE_PX - SURE_PX)).clip(0, 1)
    if has_texture:
        unsure = np.zeros_like(unsure)
    share = _enlarge(torch.as_tensor(unsure)[None, None], height, width)
    # What the reduction took is missing up to the rim; what the fill lacks only where it is unsure.
    lost, texture = photo - plain, photo - smooth
    rows, columns = hole[0, 0].nonzero(as_tuple=True)
    copied = _copy(torch.cat([lost, texture], 1)[0], rows, columns, offsets, size)
    share, flat = share[0, 0, rows, columns], plain[0, :, rows, columns]
    rough = smooth[0, :, rows, columns] + copied[3:]
    wanted = torch.lerp(flat + copied[:3], rough, share)
    plain[0, :, rows, columns] = torch.lerp(flat, wanted, detail)
    return plain


def take_texture(picture: Tensor) -> Tensor:
    """What blur takes off a picture (1, 3, h, w)."""
    cv2 = load_opencv()
    even = cv2.GaussianBlur(picture[0].permute(1, 2, 0).numpy(), (0, 0), BAND_PX)
    return picture - torch.as_tensor(np.asarray(even, np.float32)).permute(2, 0, 1)[None]


def measure_roughness(texture: Tensor, hole: Tensor, size: tuple[int, int]) -> Floats:
    """Logarithm of the local power of a photo's texture, stretched over the hole from its rim.

    A patch that fits best by its mean error is often a smooth one: comparing roughness prefers one as rough
    as the surroundings.

    Args:
        texture: (1, 3, H, W), what blur takes off; pixels in the hole are ignored.
        hole: (1, 1, H, W), 1 = missing.
        size: (h, w) of the result.
    """
    cv2 = load_opencv()
    known = F.adaptive_avg_pool2d(1 - hole, size)
    power = F.adaptive_avg_pool2d((texture * (1 - hole)).square().mean(1, keepdim=True), size)
    sums, shares = (
        cv2.GaussianBlur(x[0, 0].numpy(), (0, 0), ROUGH_PX, borderType=cv2.BORDER_REFLECT)
        for x in (power, known)
    )
    # The 1e-4: differences of one 8-bit step are no texture.
    logarithm = np.log(sums / np.maximum(shares, 1e-6) + 1e-4).astype(np.float32)
    return harmonic_fill(torch.as_tensor(logarithm)[None, None], 1 - known)[0, 0].numpy()


def find_sources(low: Floats, unknown: NDArray[np.bool_], roughness: Floats) -> Ints | None:
    """Find for every node in or beside a hole where its texture comes from.

    Args:
        low: (h, w, 3), the blurred fill.
        unknown: (h, w), where a pixel or a part of it is missing.
        roughness: (h, w), as `measure_roughness`.

    Returns:
        Offsets (rows, columns, 2) in reduced pixels, row first, from the node at ``NODE_PX`` times its
        index to the middle of its source; 0 at nodes that need none. None if no window is known.
    """
    height, width = unknown.shape
    half = WINDOW_PX // 2
    missing = torch.as_tensor(unknown.astype(np.float32))[None, None]
    bordered = F.pad(missing, (half, half, half, half), value=1.0)
    known = F.max_pool2d(bordered, WINDOW_PX, SAMPLE_PX)[0, 0].numpy() == 0
    sources = np.argwhere(known)
    if not len(sources):
        return None
    index = np.full(known.shape, -1, np.intp)
    index[known] = np.arange(len(sources))
    last = (-height % NODE_PX, -width % NODE_PX)
    around = F.pad(missing, (NODE_PX, NODE_PX + last[1], NODE_PX, NODE_PX + last[0]))
    needed = F.max_pool2d(around, 2 * NODE_PX, NODE_PX)[0, 0].numpy() > 0
    nodes = np.argwhere(needed)
    offsets = np.zeros((*needed.shape, 2), np.intp)
    if not len(nodes):
        return offsets
    windows = _describe(low, nodes * NODE_PX), _describe(low, sources * SAMPLE_PX)
    errors = torch.cdist(*windows).square_()
    rough = [_at(roughness, pixels) for pixels in (nodes * NODE_PX, sources * SAMPLE_PX)]
    errors += ROUGH_WEIGHT * errors.min(1)[0].median() * torch.cdist(*rough, p=1)
    best, nearest = errors.min(1)
    limits = ((1 + SLACK) * best + SLACK * best.median()).numpy()
    table, closest = errors.numpy(), nearest.numpy()

    cv2 = load_opencv()
    depth = cv2.distanceTransform(unknown.astype(np.uint8), cv2.DIST_L2, 5)
    rows = (nodes[:, 0] * NODE_PX).clip(0, height - 1)
    columns = (nodes[:, 1] * NODE_PX).clip(0, width - 1)
    found = np.zeros(needed.shape, bool)
    for i in np.argsort(np.asarray(depth)[rows, columns], kind="stable").tolist():
        row, column = nodes[i].tolist()
        centre = nodes[i] * NODE_PX
        near = slice(max(row - 1, 0), row + 2), slice(max(column - 1, 0), column + 2)
        candidates = offsets[near][found[near]]
        cells = (centre + candidates) // SAMPLE_PX
        inside = ((cells >= 0) & (cells < known.shape)).all(1)
        ids = index[tuple(cells[inside].T)]
        ids = ids[ids >= 0]
        chosen = int(closest[i])
        if len(ids):
            continued = int(ids[table[i, ids].argmin()])
            chosen = continued if table[i, continued] <= limits[i] else chosen
        offsets[row, column] = sources[chosen] * SAMPLE_PX - centre
        found[row, column] = True
    return offsets


def _describe(low: Floats, centres: Ints) -> Tensor:
    """Windows round some pixels, sampled: (n, features); pattern and mean colour apart."""
    reach = np.arange(-WINDOW_PX // 2 + SAMPLE_PX // 2, WINDOW_PX // 2, SAMPLE_PX)
    rows = (centres[:, :1] + reach).clip(0, low.shape[0] - 1)
    columns = (centres[:, 1:] + reach).clip(0, low.shape[1] - 1)
    windows = low[rows[:, :, None], columns[:, None, :]].reshape(len(centres), -1, 3)
    mean = windows.mean(1, keepdims=True)
    colour = mean[:, 0] * (COLOUR_WEIGHT * windows.shape[1] ** 0.5)
    pattern = (windows - mean).reshape(len(centres), -1)
    return torch.as_tensor(np.concatenate([pattern, colour], 1))


def _at(values: Floats, pixels: Ints) -> Tensor:
    """The values (h, w) at some pixels, (n, 1)."""
    rows, columns = (pixels[:, i].clip(0, values.shape[i] - 1) for i in (0, 1))
    return torch.as_tensor(values[rows, columns, None])


def _copy(
    layers: Tensor, rows: Tensor, columns: Tensor, offsets: Ints, size: tuple[int, int]
) -> Tensor:
    """Read layers (C, H, W) at the sources of some pixels: (C, n), between four nodes.

    The mean of different patches is flatter than each of them, by the root of the sum of the squared
    shares if they are uncorrelated. They are correlated in part, so the root of that factor is undone.
    """
    height, width = layers.shape[-2:]
    scales = torch.tensor([height / size[0], width / size[1]])
    shifts = (torch.as_tensor(offsets) * scales).round().long()
    y = (rows + 0.5) / (scales[0] * NODE_PX)
    x = (columns + 0.5) / (scales[1] * NODE_PX)
    copied = layers.new_zeros(layers.shape[0], len(rows))
    shares = list[tuple[Tensor, Tensor]]()
    for down in (0, 1):
        for right in (0, 1):
            node_y, node_x = y.long() + down, x.long() + right
            weight = (1 - (y - node_y).abs()) * (1 - (x - node_x).abs())
            shift = shifts[node_y, node_x]
            source_y = (rows + shift[:, 0]).clamp(0, height - 1)
            source_x = (columns + shift[:, 1]).clamp(0, width - 1)
            copied += weight * layers[:, source_y, source_x]
            shares.append((weight, shift))
    squares = torch.zeros(len(rows))
    for weight, shift in shares:
        for other, its_shift in shares:
            squares += weight * other * (shift == its_shift).all(1)
    return copied / squares.clamp_min(1e-6) ** 0.25


def _enlarge(values: Tensor, height: int, width: int) -> Tensor:
    """Bicubic, as a new tensor."""
    if values.shape[-2:] == (height, width):
        return values.clone()
    return F.interpolate(values, (height, width), mode="bicubic", align_corners=False)
