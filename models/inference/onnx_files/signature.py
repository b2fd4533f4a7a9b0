"""What an ONNX file takes and gives, as it says itself: which input is the photo, which sizes it accepts."""

from dataclasses import dataclass
from pathlib import Path

from remend.models.errors import RequestError
from remend.models.inference.onnx_files.session import NUMBERS, Port

_SIDES = range(16, 2049)
"""In pixels, of networks that accept one size only."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs and the output of a network that restores photos.

    Attributes:
        image: The photo, (1, 1 or 3, H, W).
        mask: The mask of a network that fills, (1, 1, H, W); None = it enlarges.
        output: The result, (1, 1 or 3, H, W).
    """

    image: Port
    mask: Port | None
    output: Port

    @property
    def channels(self) -> int:
        """Of the photo: 1 = grey."""
        return self.image.shape[1] or 3

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """Height and width of the only pictures that it accepts; None = there are others."""
        height, width = self.image.shape[2:]
        return (height, width) if height and width else None

    @property
    def stated_scale(self) -> tuple[int, int, int, int] | None:
        """Height and width of the output, and of the photo; None where they are not stated."""
        height, width = self.output.shape[2:]
        fixed = self.fixed_size
        return (height, width, *fixed) if height and width and fixed else None


def read_signature(path: Path, inputs: tuple[Port, ...], outputs: tuple[Port, ...]) -> Signature:
    """Tell which input is what.

    Raises:
        RequestError: The network restores no photos, or takes them in a way that is not known here.
    """
    if not 1 <= len(inputs) <= 2 or not outputs:
        raise _unknown(path, f"takes {len(inputs)} inputs and gives {len(outputs)} outputs")
    for port in (*inputs, outputs[0]):
        _check_port(path, port)
    mask = None
    if len(inputs) == 2:
        masks = [port for port in inputs if port.shape[1] == 1]
        masks = masks or [port for port in inputs if "mask" in port.name.lower()]
        if len(masks) != 1:
            raise _unknown(
                path, f"does not say which of {_name(inputs[0])} and {_name(inputs[1])} is a mask"
            )
        (mask,) = masks
    (image,) = (port for port in inputs if port is not mask)
    signature = Signature(image, mask, outputs[0])
    for port in (image, outputs[0]):
        if port.shape[1] not in (1, 3, None):
            raise _unknown(path, f"has {port.shape[1]} channels in {_name(port)}")
    fixed = signature.fixed_size
    if fixed is not None and not {*fixed} <= {*_SIDES}:
        raise _unknown(
            path,
            f"accepts {fixed[1]} x {fixed[0]} px only, and sides of {_SIDES[0]} to {_SIDES[-1]} px are given",
        )
    if mask is not None and fixed is not None and mask.shape[2:] not in (fixed, (None, None)):
        raise _unknown(path, "accepts a mask of another size than the photo")
    return signature


def _check_port(path: Path, port: Port) -> None:
    if port.kind not in NUMBERS:
        raise _unknown(path, f"has {port.kind} in {_name(port)}")
    if len(port.shape) != 4 or port.shape[0] not in (1, None):
        raise _unknown(path, f"has the shape {_shape(port)} in {_name(port)}")
    if port.shape[3] in (1, 3) and port.shape[1] not in (1, 3):
        raise _unknown(path, f"has its channels last in {_name(port)}")


def _name(port: Port) -> str:
    return repr(port.name[:40])


def _shape(port: Port) -> str:
    return " x ".join("?" if side is None else str(side) for side in port.shape[:8])


def _unknown(path: Path, what: str) -> RequestError:
    return RequestError(
        f"{path} {what}; use a network whose input is a photo of 1 x 3 x height x width, with a mask "
        "of 1 x 1 x height x width if it fills."
    )
