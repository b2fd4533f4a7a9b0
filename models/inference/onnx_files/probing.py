"""What an ONNX file does not say: sizes, factor, the range of its numbers, what its mask means. Trying tells.

Networks that circulate take RGB in [0, 1], [-1, 1] or [0, 255] and give it in any of these. In the mask 1
is a hole (LaMa's exports), or what is kept (MI-GAN's). A gradient with a hole in its middle is given in each
way; the right one is that in which the known part comes back and the hole looks like its surroundings.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from remend.models.checkpoints.card import MAX_SCALE
from remend.models.inference.onnx_files.session import NUMBERS, Port, RunError, Session, Values
from remend.models.inference.onnx_files.signature import Signature

Floats = NDArray[np.float32]

RANGES: Mapping[str, tuple[float, float]] = {
    "0 to 1": (0.0, 1.0),
    "-1 to 1": (-1.0, 1.0),
    "0 to 255": (0.0, 255.0),
}
"""What black and white are."""
_UNIT, _BYTES = "0 to 1", "0 to 255"
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 128)
_LEAST_PX = 24
_PROBE_PX = 64
_KNOWN, _HOLE = 0.1, 0.2
"""Mean differences in [0, 1], of the known part and of the hole, that no right way exceeds."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Which pictures a network accepts, and how much larger its output is.

    Attributes:
        multiple: Sides must be multiples of this.
        least: Height and width of the smallest.
        scale: Output pixels to an input pixel.
        is_fixed: Whether it accepts ``least`` only.
    """

    multiple: int
    least: tuple[int, int]
    scale: int
    is_fixed: bool

    def fit(self, height: int, width: int) -> tuple[int, int]:
        """The smallest accepted size that holds a picture."""
        if self.is_fixed:
            return self.least
        sides = (max(side, least) for side, least in zip((height, width), self.least, strict=True))
        height, width = (side + -side % self.multiple for side in sides)
        return height, width


@dataclass(frozen=True, slots=True)
class Convention:
    """How pictures and masks are given and read.

    Attributes:
        given: The range of the photo, a key of `RANGES`.
        read: That of the output.
        keeps: Whether the mask's white is what is kept; else it is the hole.
    """

    given: str
    read: str
    keeps: bool = False


def run(
    session: Session, signature: Signature, way: Convention, photo: Floats, hole: Floats | None
) -> Floats:
    """Run a network on a picture of a size that it accepts.

    Args:
        session: The network.
        signature: Its inputs.
        way: How to give them.
        photo: (1, 3, H, W) in [0, 1].
        hole: (1, 1, H, W), 1 = to be filled; None where the network enlarges.

    Returns:
        (1, 3, h, w), in [0, 1] if the network keeps to it.
    """
    if signature.channels == 1:
        photo = photo.mean(1, keepdims=True)
    black, white = RANGES[way.given]
    feed: dict[str, Values] = {}
    given = black + photo * (white - black)
    if signature.mask is not None and hole is not None:
        # What is in a hole is damage; networks that look there want it to be 0.
        given = np.where(hole > 0, 0, given)
        mask = 1 - hole if way.keeps else hole
        is_byte = signature.mask.kind == "tensor(uint8)"
        feed[signature.mask.name] = _cast(mask * (255 if is_byte else 1), signature.mask)
    feed[signature.image.name] = _cast(given, signature.image)
    output = session.run(feed, signature.output)
    if output.ndim != 4 or output.shape[0] != 1 or output.shape[1] not in (1, 3):
        raise RunError(f"its output has the shape {output.shape}")
    return np.broadcast_to(_read(output.astype(np.float32), way.read), (1, 3, *output.shape[2:]))


def _read(output: Floats, read: str) -> Floats:
    black, white = RANGES[read]
    return (output - black) / (white - black)


def _cast(values: Values, port: Port) -> Values:
    number = NUMBERS[port.kind]
    return np.ascontiguousarray(values.round() if number is np.uint8 else values, number)


def find_sizes(session: Session, signature: Signature) -> Sizes:
    """The smallest picture that a network accepts, and its factor, by trying.

    Raises:
        RunError: It runs with none, or its output is no whole multiple of the input.
        MemoryError, RequestError, InputError: As `Session.run`.
    """
    stated, fixed = signature.stated_scale, signature.fixed_size
    if fixed is not None and stated is not None:
        return Sizes(1, fixed, _find_scale((stated[0], stated[1]), fixed), True)
    failed = RunError("it was not tried")
    for multiple in _MULTIPLES if fixed is None else (1,):
        size = fixed or _free_size(signature, multiple)
        photo, hole = make_scene(*size)
        way = usual_way(signature)
        try:
            output = run(session, signature, way, photo, None if signature.mask is None else hole)
            scale = _find_scale(output.shape[2:], size)
        except RunError as error:
            failed = error
            continue
        return Sizes(multiple, size, scale, fixed is not None)
    raise failed


def _free_size(signature: Signature, multiple: int) -> tuple[int, int]:
    """A small size that has no larger power of two in it, with the sides that are stated."""
    height = multiple * (_LEAST_PX // multiple + 1)
    width = multiple * (_LEAST_PX // multiple + 1 + (multiple < _LEAST_PX))
    stated = signature.image.shape[2:]
    return stated[0] or height, stated[1] or width


def _find_scale(large: tuple[int, ...], small: tuple[int, ...]) -> int:
    scale = large[0] // small[0]
    if large != (scale * small[0], scale * small[1]) or not 1 <= scale <= MAX_SCALE:
        sizes = f"{small[1]} x {small[0]} px to {large[1]} x {large[0]} px"
        raise RunError(f"it takes {sizes}, which is no whole factor from 1 to {MAX_SCALE}")
    return scale


def make_scene(height: int, width: int) -> tuple[Floats, Floats]:
    """A gradient (1, 3, H, W) in [0, 1] and a hole in its middle (1, 1, H, W)."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    rows, columns = rows / height, columns / width
    photo = np.stack((rows, columns, 1 - (rows + columns) / 2)) * np.float32(0.9) + np.float32(0.05)
    hole = np.zeros((height, width), np.float32)
    hole[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = 1
    return np.asarray(photo[None], np.float32), hole[None, None]


def usual_way(signature: Signature) -> Convention:
    """What is tried first, and taken where nothing is better."""
    given, read = (
        _BYTES if port.kind == "tensor(uint8)" else _UNIT
        for port in (signature.image, signature.output)
    )
    return Convention(given, read, keeps=given == _BYTES)


def find_convention(session: Session, signature: Signature, sizes: Sizes) -> Convention:
    """How pictures are given to a network; one run where the usual way is the right one.

    Returns:
        The first way whose result is as expected; the usual one where none is, as in networks that learned
        nothing.

    Raises:
        RunError: It does not run in the usual way.
        MemoryError, InputError: As `Session.run`.
    """
    photo, hole = make_scene(*sizes.fit(_PROBE_PX, _PROBE_PX))
    masked = None if signature.mask is None else hole
    usual = usual_way(signature)
    for way in _ways(signature, usual):
        raw = run(session, signature, way, photo, masked)
        is_byte = NUMBERS[signature.output.kind] is np.uint8
        for read in [_BYTES] if is_byte else dict.fromkeys([way.given, *RANGES]):
            if _measure(_read(raw, read), photo, masked) <= 1:
                return replace(way, read=read)
    return usual


def _ways(signature: Signature, usual: Convention) -> Iterator[Convention]:
    """Ways to give a picture, the usual one first, all to be read as they come."""
    is_byte = NUMBERS[signature.image.kind] is np.uint8
    for given in [_BYTES] if is_byte else RANGES:
        for keeps in (usual.keeps, not usual.keeps):
            if signature.mask is not None or keeps == usual.keeps:
                yield Convention(given, _UNIT, keeps)


def _measure(result: Floats, photo: Floats, hole: Floats | None) -> float:
    """How far a result is from what was to be expected; up to 1 is good."""
    height, width = photo.shape[2:]
    scale = result.shape[2] // height
    small = result.reshape(1, 3, height, scale, width, scale).mean((3, 5))
    apart = np.abs(np.nan_to_num(small, nan=1e3) - photo).mean(1, keepdims=True)
    if hole is None:
        return float(apart.mean()) / _KNOWN
    known, filled = (float((apart * part).sum() / part.sum()) for part in (1 - hole, hole))
    return max(known / _KNOWN, filled / _HOLE)
