"""Pictures on the screen of a real Chromium, pixel by pixel."""

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TYPES = {"jpg": "jpeg", "tiff": "tiff"}


class Screen:
    """What Chromium shows."""

    def __init__(self, browser: "Browser") -> None:
        self._page = browser.new_page(viewport={"width": 100, "height": 400})

    def show(self, *files: tuple[str, bytes]) -> list[np.ndarray[Any, Any]]:
        """The pixels on the screen of files of these kinds, 0 to 255."""
        sources = [
            f"data:image/{TYPES.get(kind, kind)};base64,{base64.b64encode(content).decode()}"
            for kind, content in files
        ]
        images = "".join(f"<img style='display:block' src='{source}'>" for source in sources)
        self._page.set_content(f"<body style='margin:0'>{images}</body>")
        self._page.evaluate("Promise.all([...document.images].map(image => image.decode()))")
        boxes = self._page.evaluate(
            "[...document.images].map(image => [image.offsetTop, image.height, image.width])"
        )
        shot = np.asarray(Image.open(io.BytesIO(self._page.screenshot())).convert("RGB"))
        return [shot[top : top + height, :width].astype(int) for top, height, width in boxes]
