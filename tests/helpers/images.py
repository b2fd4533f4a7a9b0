"""Picture files as Pillow reads them, apart from our own decoder."""

from pathlib import Path

from PIL import Image


def open_image(path: str | Path) -> Image.Image:
    """The whole picture; its file is closed."""
    with Image.open(path) as image:
        image.load()
        return image
