"""What is kept of the last fill of a photo, so that other versions of it can be made."""

from dataclasses import dataclass, field

from remend.app.page.repair.fills_file import Fill, count_bytes
from remend.models.imaging.picture import Mask


@dataclass(frozen=True)
class Version:
    """One way to fill.

    Attributes:
        model: By which network.
        detail: At which detail, 0 to 1.
        patches: What it changes.
    """

    model: str
    detail: float
    patches: Fill


@dataclass
class LastFill:
    """What was asked for, and the versions that were made of it, the first of which was asked for.

    Attributes:
        mask: What was filled, of the photo's size.
        model: By which network.
        detail: At which detail, 0 to 1.
        versions: Empty until they are asked for.
    """

    mask: Mask
    model: str
    detail: float
    versions: list[Version] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.mask.values.nbytes + count_bytes([one.patches for one in self.versions])
