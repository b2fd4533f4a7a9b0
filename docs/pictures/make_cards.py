"""Make the pictures of the page's model cards: photos of the gradio package, before and after.

python docs/pictures/make_cards.py
"""

import numpy as np
from make import scratch, shipped
from PIL import Image, ImageDraw

from remend.app.engine.catalogue import list_models
from remend.app.engine.model_pool import ModelPool
from remend.app.page.models_tab import PICTURES
from remend.models.device import choose_placement
from remend.models.imaging.picture import Picture
from remend.models.inference.restorer import FillOptions, UpscaleOptions

WIDTH, HEIGHT = 480, 200
HALF = (WIDTH // 2, HEIGHT)


def halves(before: Image.Image, after: Image.Image, name: str) -> None:
    """Write two pictures side by side, with a line between them."""
    sheet = Image.new("RGB", (WIDTH, HEIGHT), "white")
    for at, picture in enumerate((before, after)):
        sheet.paste(picture.resize(HALF, Image.Resampling.LANCZOS), (at * HALF[0], 0))
    ImageDraw.Draw(sheet).line([(HALF[0], 0), (HALF[0], HEIGHT)], "white", 3)
    PICTURES.mkdir(exist_ok=True)
    sheet.save(PICTURES / f"{name}.jpg", quality=86)


def image(rgb: np.ndarray, box: tuple[int, int, int, int]) -> Image.Image:
    """A part of a picture."""
    return Image.fromarray(np.asarray(rgb)).crop(box)


def main() -> None:
    """Write a picture for each model that comes with the program."""
    pool = ModelPool([choose_placement()])
    photo = shipped("cheetah.jpg")
    mask = scratch(photo.height, photo.width)
    damaged = Picture(np.where(mask.values[..., None] > 0, np.uint8(245), photo.rgb))
    box = (130, 40, 490, 340)
    filled = pool.fill(damaged, mask.grown(2), "fill", FillOptions())
    halves(image(damaged.rgb, box), image(filled.rgb, box), "fill")
    found = pool.find_damage(damaged, "damage").mask(0.5)
    pink = np.where(found.values[..., None] > 0, np.uint8((255, 45, 111)), damaged.rgb)
    halves(image(damaged.rgb, box), image(pink, box), "damage")
    face = Image.fromarray(np.asarray(shipped("lion.jpg").rgb))
    for model in list_models("upscale"):
        factor = model.card.scale
        across, down = HALF[0] // factor, HALF[1] // factor
        side = face.width // 3
        small = face.crop((side, 20, side * 2, 20 + side * HALF[1] // HALF[0])).resize(
            (across, down), Image.Resampling.LANCZOS
        )
        large = pool.upscale(Picture(np.asarray(small)), model.name, UpscaleOptions(size=HALF))
        halves(small.resize(HALF, Image.Resampling.BICUBIC), Image.fromarray(large.rgb), model.name)


if __name__ == "__main__":
    main()
