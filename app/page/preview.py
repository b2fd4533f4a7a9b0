"""What the browser is shown of a photo: a JPEG of at most twelve megapixels, and patches that fit into it.

The browser never holds the photo itself. A patch is reduced with the same weights as the whole preview, so
that it can be drawn over it without a seam; masks come back at the preview's size and are enlarged here.
All of this is for the eye: what is saved is made from the photo itself.
"""

import base64
import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from remend.models.errors import RequestError
from remend.models.imaging.files import encode_picture
from remend.models.imaging.picture import Mask, Metadata, Picture, Pixels
from remend.models.inference.regions import Box

PREVIEW_MEGAPIXELS = 12.0
"""The largest preview; what a browser paints without effort (a canvas takes 4 bytes a pixel)."""

_REACH = 1  # pixels of the preview beyond a changed one that the reducing filter can touch
_PNG_PIXELS = 1_000_000  # larger patches are shown as JPEG, which is encoded ten times faster

Size = tuple[int, int]


def preview_size(size: Size, megapixels: float | None = None) -> Size:
    """The size at which a photo of that width and height is shown, by default of the preview's megapixels."""
    scale = min(1.0, math.sqrt((megapixels or PREVIEW_MEGAPIXELS) * 1e6 / (size[0] * size[1])))
    return max(1, math.floor(size[0] * scale)), max(1, math.floor(size[1] * scale))


def encode_preview(picture: Picture) -> bytes:
    """Encode a whole picture as a JPEG of its ``preview_size``."""
    return encode_shown(reduce_picture(picture), "jpg")


def reduce_picture(picture: Picture, megapixels: float | None = None) -> Picture:
    """A whole picture at its ``preview_size``, 8 bit."""
    size = preview_size(picture.size, megapixels)
    return reduce_part(picture, Box(0, 0, *size), size)


def encode_patch(picture: Picture, changed: Box) -> tuple[Box, bytes]:
    """Encode what the preview shows of a changed rectangle.

    Args:
        picture: The photo after the change.
        changed: The rectangle, in the photo's pixels.

    Returns:
        The rectangle in the preview's pixels, and a PNG (a JPEG if it is large) of that size. Transparent
        photos are shown on white.
    """
    width, height = preview_size(picture.size)
    across, down = picture.width / width, picture.height / height
    left = max(0, math.floor(changed.left / across) - _REACH)
    top = max(0, math.floor(changed.top / down) - _REACH)
    right = min(width, math.ceil(changed.right / across) + _REACH)
    bottom = min(height, math.ceil(changed.bottom / down) + _REACH)
    box = Box(left, top, right, bottom)
    small = box.width * box.height <= _PNG_PIXELS
    return box, encode_shown(reduce_part(picture, box, (width, height)), "png" if small else "jpg")


def show_patch(picture: Picture, changed: Box) -> dict[str, Any]:
    """What the browser draws of ``encode_patch``: ``x``, ``y`` and ``image``."""
    box, image = encode_patch(picture, changed)
    return {"x": box.left, "y": box.top, "image": data_url(image)}


def enlarge_mask(painted: Mask, left: int, top: int, size: Size) -> Mask:
    """Turn a rectangle of paint on the preview into a mask of the photo's size, with hard edges.

    Args:
        painted: The rectangle; outside it nothing is painted.
        left: Where it lies in the preview, in the preview's pixels.
        top: Likewise.
        size: Of the photo.

    Raises:
        RequestError: The rectangle reaches out of the preview.
    """
    width, height = preview_size(size)
    across, down = painted.size
    if left < 0 or top < 0 or left + across > width or top + down > height:
        raise RequestError(
            f"The paint reaches out of the preview ({width} x {height} pixels); open the photo again."
        )
    values = np.zeros((height, width), np.uint8)
    values[top : top + down, left : left + across] = painted.values
    if (width, height) != size:
        values = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BILINEAR))
    return Mask.from_array(values > 127)


def encode_overlay(mask: Mask, *, covering: bool = False) -> bytes:
    """Encode a mask of the photo's size as a PNG of the preview's size: white, opaque where it is white.

    Args:
        mask: Of the photo's size.
        covering: Paint every pixel of the preview in which something is marked, so that no thin line is lost.
    """
    size = preview_size(mask.size)
    opacity = Image.fromarray(mask.values).resize(size, Image.Resampling.BOX)
    if covering and size != mask.size:
        opacity = Image.fromarray(np.asarray(opacity) > 0).convert("L")
    image = Image.merge("LA", (Image.new("L", size, 255), opacity))
    stream = io.BytesIO()
    image.save(stream, "png", compress_level=1)
    return stream.getvalue()


def data_url(image: bytes) -> str:
    """Write a PNG or JPEG out as an address that holds it."""
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def encode_shown(picture: Picture, file_format: str) -> bytes:
    """Encode what is for the eye alone."""
    return encode_picture(picture, file_format, quality=92)[0]


def reduce_part(picture: Picture, box: Box, shown: Size) -> Picture:
    """Cut a box, given in the pixels of a preview of that size, out of the photo, at the preview's scale.

    Args:
        picture: The photo.
        box: What to show, within ``shown``.
        shown: Width and height of the preview.
    """
    width, height = shown
    across, down = picture.width / width, picture.height / height
    # The crop reaches further than the filter, so that the filter meets no edge but the photo's own.
    left = max(0, math.floor((box.left - _REACH) * across))
    top = max(0, math.floor((box.top - _REACH) * down))
    right = min(picture.width, math.ceil((box.right + _REACH) * across))
    bottom = min(picture.height, math.ceil((box.bottom + _REACH) * down))
    source = (
        box.left * across - left,
        box.top * down - top,
        box.right * across - left,
        box.bottom * down - top,
    )

    def reduced(pixels: Pixels) -> NDArray[np.uint8]:
        crop = pixels[top:bottom, left:right]
        narrow = (crop >> (8 * crop.itemsize - 8)).astype(np.uint8)
        if (width, height) == picture.size:
            inner = narrow[box.top - top :, box.left - left :][: box.height, : box.width]
            return np.ascontiguousarray(inner)
        size = (box.width, box.height)
        return np.asarray(
            Image.fromarray(narrow).resize(size, Image.Resampling.HAMMING, box=source)
        )

    meta = Metadata(icc_profile=picture.meta.icc_profile, grey=picture.meta.grey)
    alpha = None if picture.alpha is None else reduced(picture.alpha)
    return Picture(reduced(picture.rgb), alpha, meta)
