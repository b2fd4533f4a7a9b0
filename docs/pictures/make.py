"""Make the README's pictures with the shipped weights, from photos that the gradio package brings along.

python docs/pictures/make.py
"""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from benchmarks.quality import damaged
from remend.app.engine.model_pool import ModelPool
from remend.models.device import choose_placement
from remend.models.imaging.files import read_picture, write_picture
from remend.models.imaging.picture import Mask, Picture, Pixels, from_unit
from remend.models.inference.restorer import FillOptions, UpscaleOptions
from remend.training.data.blur_noise import old_photo_look
from remend.training.data.degradation import degrade
from remend.training.data.masks import HOLES, HoleSampler
from remend.training.recipe.parse import read_recipe
from remend.training.recipe.schema import HolesConfig

HERE = Path(__file__).resolve().parent


def shipped(name: str) -> Picture:
    """A photo of the gradio package."""
    spec = importlib.util.find_spec("gradio")
    assert spec is not None and spec.origin is not None
    return read_picture(Path(spec.origin).parent / "media_assets" / "images" / name)


def scratch(height: int, width: int) -> Mask:
    """Scratches, a stain and a date stamp, always the same."""
    values = np.zeros((height, width), np.uint8)
    dice = np.random.default_rng(5)
    for _ in range(5):
        steps = dice.normal((0, height / 30), (width / 90, 3), (36, 2)).cumsum(0)
        start = np.array([dice.uniform(0, width), -10])
        cv2.polylines(
            values, [(start + steps).astype(np.int32)], False, 255, int(dice.integers(2, 4))
        )
    centre = (int(0.78 * width), int(0.6 * height))
    cv2.ellipse(values, centre, (height // 13, height // 17), 20, 0, 360, 255, -1)
    place = (int(0.04 * width), int(0.95 * height))
    cv2.putText(values, "12 7 98", place, cv2.FONT_HERSHEY_DUPLEX, height / 380, 255, 2)
    return Mask(
        np.where(values > 0, np.uint8(255), np.uint8(0))
    )  # the stamp's letters have soft edges


def ellipse(photo: Picture, centre: tuple[int, int], axes: tuple[int, int]) -> Mask:
    """A hole of that place and half-axes in pixels."""
    values = np.zeros((photo.height, photo.width), np.uint8)
    cv2.ellipse(values, centre, axes, 0, 0, 360, 255, -1)
    return Mask(values)


def limits(pool: ModelPool) -> None:
    """Write limits.jpg: a removal that works, then an eye, a face and a tower that are not invented."""
    rows = []
    for name, centre, axes in (
        ("cheetah.jpg", (232, 170), (172, 78)),
        ("cheetah1.jpg", (163, 95), (24, 20)),
        ("lion.jpg", (116, 75), (46, 52)),
        ("tower.jpg", (215, 330), (90, 70)),
    ):
        photo = shipped(name)
        mask = ellipse(photo, centre, axes)
        given = np.where(mask.values[..., None] > 0, np.uint8(245), photo.rgb)
        picture = Picture(given.copy())
        smooth, textured = (
            pool.fill(picture, mask, "fill", FillOptions(detail=detail)).rgb for detail in (0, 1)
        )
        height = 256
        size = (round(photo.width * height / photo.height), height)
        strip = [
            cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (given, smooth, textured)
        ]
        rows.append(np.hstack(strip))
    width = max(row.shape[1] for row in rows)
    sheet = [cv2.copyMakeBorder(x, 0, 6, 0, width - x.shape[1], 0, value=(255,) * 3) for x in rows]
    write_picture(Picture(np.asarray(np.vstack(sheet), np.uint8)), HERE / "limits.jpg", quality=88)


def faults(pool: ModelPool) -> None:
    """Write faults.jpg: where upscalers trained against a discriminator go wrong, from damaged photos.

    Rows: branches before a flat sky, fur, a face, letters. Columns: bicubic, x4-photo at detail 0, 0.5 and 1,
    the original.
    """
    tower = shipped("tower.jpg").rgb
    page = tower[200:400, 0:120].copy()
    for number, height in enumerate((0.6, 0.5, 0.4, 0.33)):
        place = (4, 24 + 28 * number)
        cv2.putText(
            page, "12 July 98", place, cv2.FONT_HERSHEY_DUPLEX, height, (250,) * 3, 1, cv2.LINE_AA
        )
    rows = []
    for photo, top, left in (
        (tower, 40, 240),
        (shipped("cheetah.jpg").rgb, 120, 200),
        (shipped("lion.jpg").rgb, 30, 60),
        (page, 0, 0),
    ):
        height, width = (side // 4 * 4 for side in photo.shape[:2])
        original = np.ascontiguousarray(photo[:height, :width])
        given = damaged(original, 4)
        bicubic = Image.fromarray(given).resize((width, height), Image.Resampling.BICUBIC)
        made = [
            pool.upscale(Picture(given.copy()), "x4-photo", UpscaleOptions(detail=detail)).rgb
            for detail in (0, 0.5, 1)
        ]
        crops = [
            x[top : top + 120, left : left + 120] for x in (np.asarray(bicubic), *made, original)
        ]
        rows.append(np.hstack([x.repeat(2, 0).repeat(2, 1) for x in crops]))
    write_picture(Picture(np.asarray(np.vstack(rows), np.uint8)), HERE / "faults.jpg", quality=88)


def degradations() -> None:
    """Write degradations.jpg: what upscale-x4-photo makes of a photo, one draw after the other."""
    recipe = read_recipe(HERE.parent.parent / "training" / "recipe" / "upscale-x4-photo.toml")
    photo = shipped("lion.jpg").rgb[20:180, 40:200]
    draws = torch.from_numpy(np.stack([photo] * 15)).permute(0, 3, 1, 2)
    random = torch.Generator().manual_seed(3)
    rows = [photo.repeat(2, 0).repeat(2, 1)]
    for batch in draws.split(3):
        aged = old_photo_look(batch, recipe.degradation.old_share, random)
        small = degrade(aged, 4, recipe.degradation, random).inputs
        rows += [from_unit(x[None], np.uint8).repeat(8, 0).repeat(8, 1) for x in small]
    sheet = np.vstack([np.hstack(rows[i : i + 4]) for i in range(0, 16, 4)])
    write_picture(Picture(np.asarray(sheet, np.uint8)), HERE / "degradations.jpg", quality=85)


def holes() -> None:
    """Write hole-kinds.png: a row a kind, eight draws each, 128 px, within the coverage of training."""
    rows = list[Pixels]()
    for kind in HOLES:
        sampler = HoleSampler({kind: 1.0}, HolesConfig().coverage)
        draws = sampler.sample(8, 128, torch.Generator().manual_seed(2))[:, 0]
        tiles = [np.pad(255 * draw.numpy(), 2, constant_values=128) for draw in draws]
        row = np.ascontiguousarray(np.hstack(tiles), np.uint8)
        cv2.putText(row, kind, (8, 124), cv2.FONT_HERSHEY_DUPLEX, 0.5, 128, 3, cv2.LINE_AA)
        cv2.putText(row, kind, (8, 124), cv2.FONT_HERSHEY_DUPLEX, 0.5, 255, 1, cv2.LINE_AA)
        rows.append(row)
    Image.fromarray(np.vstack(rows)).save(HERE / "hole-kinds.png", optimize=True)


def main() -> None:
    """Write fill.jpg, upscale.jpg, limits.jpg, faults.jpg, degradations.jpg and hole-kinds.png."""
    pool = ModelPool([choose_placement()])
    holes()
    degradations()
    limits(pool)
    faults(pool)
    photo = shipped("cheetah.jpg")
    mask = scratch(photo.height, photo.width)
    given = np.where(mask.values[..., None] > 0, np.uint8(245), photo.rgb)
    filled = pool.fill(Picture(given.copy()), mask, "fill", FillOptions())
    both = np.hstack([given, np.full((photo.height, 6, 3), 255, np.uint8), filled.rgb])
    write_picture(Picture(both), HERE / "fill.jpg", quality=90)

    lion = shipped("lion.jpg")
    small = np.ascontiguousarray(lion.rgb[40:140, 70:195])
    large = pool.upscale(Picture(small), "x4-photo", UpscaleOptions())
    bicubic = Image.fromarray(np.asarray(small)).resize(large.size, Image.Resampling.BICUBIC)
    gap = np.full((large.height, 6, 3), 255, np.uint8)
    both = np.hstack([np.asarray(bicubic), gap, large.rgb])
    write_picture(Picture(both), HERE / "upscale.jpg", quality=90)


if __name__ == "__main__":
    main()
