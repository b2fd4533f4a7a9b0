"""What compressing a picture leaves of it: JPEG in batches on any device, WebP through Pillow.

The JPEG is our own, because training needs a quality, a chroma format and a block grid for each picture of a
batch, and a codec gives one picture at a time. What else happens to a photo is in
`training.data.blur_noise`.
"""

import functools
import io
import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F


def random_jpeg(
    pictures: Tensor, share: float, quality: tuple[int, int], random: torch.Generator
) -> Tensor:
    """Put a random ``share`` of (B, 3, H, W) uint8 pictures through `jpeg`.

    Quality is uniform in ``quality``, both ends included. The block grid lies anywhere, as in a
    picture that was cropped after it had been compressed; a quarter keeps full chroma.
    """
    draws = torch.rand((len(pictures), 5), generator=random, device=random.device)
    draws = draws.to(pictures.device)
    chosen = draws[:, 0] < share
    drawn = draws[chosen]
    least, largest = quality
    out = pictures.clone()
    out[chosen] = jpeg(
        pictures[chosen],
        least + (drawn[:, 1] * (largest - least + 1)).long(),
        full_chroma=drawn[:, 2] < 0.25,
        phase=(drawn[:, 3:] * 16).long(),
    )
    return out


# ITU-T T.81 (1992), Annex K, tables K.1 and K.2: quantisation at what encoders call quality 50.
_LUMA_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_STEPS = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
# ITU-T T.871 (JFIF, 2011), section 7: full-range YCbCr, chroma without its offset of 128.
_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136286, -0.714136286), (1.0, 1.772, 0.0))


def jpeg(
    pictures: Tensor, quality: Tensor, *, full_chroma: Tensor, phase: Tensor | None = None
) -> Tensor:
    """What is left of pictures after baseline JPEG: colour, chroma, DCT and quantisation.

    Args:
        pictures: (B, 3, H, W) uint8 RGB.
        quality: (B,) int64, 1 to 100 in the scale of the IJG's libjpeg.
        full_chroma: (B,) bool, True for 4:4:4, False for 4:2:0.
        phase: (B, 2) int64, 0 to 15, how far down and right the corner of the block grid lies
            above and left of the picture; None for a grid that starts with the picture.

    Returns:
        (B, 3, H, W) uint8, decoded with the smooth ("fancy") chroma upsampling of libjpeg.
    """
    if not len(pictures):
        return pictures
    height, width = pictures.shape[-2:]
    phase = quality.new_zeros(len(quality), 2) if phase is None else phase
    top, left = phase.unbind(1)
    rows = _reach(height, top)
    columns = _reach(width, left)
    sample = torch.arange(len(pictures), device=pictures.device)[:, None, None]
    padded = pictures.permute(0, 2, 3, 1)[sample, rows[:, :, None], columns[:, None, :]].float()
    ycc = (padded @ padded.new_tensor(_TO_YCC).T).permute(0, 3, 1, 2).round()

    percent = torch.where(quality < 50, 5000 // quality, 200 - 2 * quality)[:, None, None]

    def steps(table: tuple[tuple[int, ...], ...]) -> Tensor:
        base = torch.tensor(table, device=pictures.device)
        return ((base * percent + 50) // 100).clamp(1, 255).float()

    luma = _quantise(ycc[:, :1] - 128, steps(_LUMA_STEPS)) + 128
    chroma = ycc[:, 1:].clone()
    coarse = _quantise(
        F.avg_pool2d(chroma[~full_chroma], 2).round(), steps(_CHROMA_STEPS)[~full_chroma]
    )
    chroma[~full_chroma] = F.interpolate(coarse, scale_factor=2, mode="bilinear")
    chroma[full_chroma] = _quantise(chroma[full_chroma], steps(_CHROMA_STEPS)[full_chroma])
    rgb = torch.cat((luma, chroma), 1).permute(0, 2, 3, 1) @ padded.new_tensor(_TO_RGB).T
    down = top[:, None, None] + torch.arange(height, device=top.device)[:, None]
    right = left[:, None, None] + torch.arange(width, device=top.device)
    return to_bytes(rgb)[sample, down, right].permute(0, 3, 1, 2)


def _reach(length: int, before: Tensor) -> Tensor:
    """Rows (or columns) of a picture on whole blocks that begin ``before`` it, ends repeated."""
    whole = 16 * math.ceil((length + 15) / 16)
    return (torch.arange(whole, device=before.device) - before[:, None]).clamp(0, length - 1)


@functools.cache
def _cosines(device: torch.device) -> Tensor:
    """The orthonormal 8-point DCT-II as a matrix: frequency x place."""
    place = torch.arange(8, dtype=torch.float64, device=device)
    matrix = 0.5 * torch.cos((place + 0.5) * place[:, None] * math.pi / 8)
    matrix[0] /= math.sqrt(2)
    return matrix.float()


def _quantise(planes: Tensor, steps: Tensor) -> Tensor:
    """Round the 8x8 DCT of (B, C, H, W) planes around 0 to multiples of (B, 8, 8) ``steps``."""
    batch, channels, height, width = planes.shape
    cosines = _cosines(planes.device)
    blocks = planes.reshape(batch, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    steps = steps[:, None, None, None]
    kept = (cosines @ blocks @ cosines.T / steps).round() * steps
    back = (cosines.T @ kept @ cosines).transpose(3, 4).reshape(planes.shape)
    return back.round().clamp(-128, 127)


def random_webp(
    pictures: Tensor, share: float, quality: tuple[int, int], random: torch.Generator
) -> Tensor:
    """Put a random ``share`` of (B, 3, H, W) uint8 pictures through libwebp's lossy coder.

    Quality is uniform in ``quality``, both ends included. One picture at a time and on the CPU: there
    is no batched VP8, and a share of small pictures costs a fraction of a millisecond each.
    """
    draws = torch.rand((len(pictures), 2), generator=random, device=random.device)
    least, largest = quality
    out = pictures.clone()
    for n in map(int, (draws[:, 0] < share).nonzero()[:, 0].cpu().unbind()):
        file = io.BytesIO()
        image = Image.fromarray(pictures[n].permute(1, 2, 0).cpu().numpy())
        image.save(file, "WEBP", quality=least + int(draws[n, 1] * (largest - least + 1)), method=2)
        coded = torch.as_tensor(np.array(Image.open(file)))
        out[n] = coded.permute(2, 0, 1).to(out.device)
    return out


def to_bytes(values: Tensor) -> Tensor:
    """Round values to the 256 of a file."""
    return values.round().clamp(0, 255).to(torch.uint8)
