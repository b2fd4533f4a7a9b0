"""Facts about compression: libjpeg and libwebp, as Pillow has them, are the reference, on real photos."""

import io
from pathlib import Path

import gradio
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from remend.training.data.degradation import bicubic_down
from remend.training.data.jpeg import _cosines, jpeg, random_jpeg, random_webp

PHOTOS = Path(gradio.__file__).parent / "media_assets" / "images"


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def to_batch(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]


@pytest.fixture(scope="module", params=["lion.jpg", "tower.jpg", "cheetah1.jpg"])
def photo(request: pytest.FixtureRequest) -> Image.Image:
    """A real photo, 240 x 192 px, without the traces of the JPEG it came as."""
    return (
        Image.open(PHOTOS / request.param).convert("RGB").resize((240, 192), Image.Resampling.BOX)
    )


def psnr_db(first: Tensor, second: Tensor) -> float:
    return float(10 * torch.log10(65025 / (first.double() - second.double()).square().mean()))


def pillow_jpeg(image: Image.Image, quality: int, subsampling: int) -> Tensor:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, subsampling=subsampling)
    return to_batch(Image.open(file))


@pytest.mark.parametrize("quality", [30, 60, 90])
@pytest.mark.parametrize("full_chroma", [True, False])
def test_jpeg_is_that_of_libjpeg(photo: Image.Image, quality: int, full_chroma: bool):
    theirs = pillow_jpeg(photo, quality, 0 if full_chroma else 2)
    ours = jpeg(to_batch(photo), torch.tensor([quality]), full_chroma=torch.tensor([full_chroma]))
    assert psnr_db(ours, theirs) >= 42
    # The agreement is about the damage, not about there being little of it.
    assert psnr_db(ours, to_batch(photo)) < psnr_db(ours, theirs) - 4


def test_each_picture_has_its_own_quality_chroma_and_phase(photo: Image.Image):
    batch = to_batch(photo).expand(4, -1, -1, -1)[..., :50, :70]  # no multiple of a block
    quality = torch.tensor([5, 40, 75, 100])
    full = torch.tensor([True, False, True, False])
    phase = torch.tensor([[0, 0], [3, 15], [8, 1], [15, 15]])
    together = jpeg(batch, quality, full_chroma=full, phase=phase)
    for n in range(4):
        one = slice(n, n + 1)
        alone = jpeg(batch[one], quality[one], full_chroma=full[one], phase=phase[one])
        assert torch.equal(alone, together[one])


def test_phase_is_where_the_grid_lies(photo: Image.Image):
    whole = to_batch(photo)
    quality, full = torch.tensor([40]), torch.tensor([False])
    cut = jpeg(whole, quality, full_chroma=full)[..., 5:100, 11:100]
    inside = jpeg(whole[..., 5:, 11:], quality, full_chroma=full, phase=torch.tensor([[5, 11]]))[
        ..., :95, :89
    ]
    # Whole blocks inside both (and their neighbours' chroma) are the same.
    assert torch.equal(cut[..., 28:, 22:], inside[..., 28:, 22:])
    other = jpeg(whole[..., 5:, 11:], quality, full_chroma=full)[..., :95, :89]
    assert psnr_db(cut, other) < 45


def test_the_dct_is_orthonormal_and_flat_grey_survives():
    cosines = _cosines(torch.device("cpu"))
    assert torch.allclose(cosines @ cosines.T, torch.eye(8), atol=1e-6)
    grey = torch.full((1, 3, 24, 40), 77, dtype=torch.uint8)
    assert torch.equal(jpeg(grey, torch.tensor([100]), full_chroma=torch.tensor([False])), grey)


def test_lower_quality_is_further_away(photo: Image.Image):
    batch = to_batch(photo)
    full = torch.tensor([False])
    near = [
        psnr_db(jpeg(batch, torch.tensor([q]), full_chroma=full), batch) for q in (10, 30, 60, 90)
    ]
    assert near == sorted(near)


def test_random_jpeg_takes_its_share_and_leaves_the_rest(photo: Image.Image):
    batch = bicubic_down(to_batch(photo), 4).expand(300, -1, -1, -1)
    out = random_jpeg(batch, 0.3, (60, 90), dice())
    touched = (out != batch).flatten(1).any(1)
    assert 0.2 < touched.float().mean() < 0.4
    assert torch.equal(random_jpeg(batch, 0.0, (60, 90), dice()), batch)
    assert torch.equal(out, random_jpeg(batch, 0.3, (60, 90), dice()))


def test_webp_is_that_of_libwebp_for_its_share(photo: Image.Image):
    batch = to_batch(photo).expand(40, -1, -1, -1)
    out = random_webp(batch, 0.4, (50, 50), dice())
    file = io.BytesIO()
    photo.save(file, "WEBP", quality=50, method=2)
    theirs = to_batch(Image.open(file))[0]
    touched = (out != batch).flatten(1).any(1)
    assert 0.2 < touched.float().mean() < 0.6
    assert all(torch.equal(picture, theirs) for picture in out[touched])
    assert torch.equal(out, random_webp(batch, 0.4, (50, 50), dice()))
