"""Which low-resolution picture belongs to which photo: by name, then by size, then by what they show.

Photos are found and decoded in `training.data.sources`; how a pair is laid pixel on pixel is in
`training.data.pairs.aligning`.
"""

from collections.abc import Iterator
from pathlib import Path, PurePath

from remend.models.errors import RequestError
from remend.models.imaging.picture import Pixels
from remend.training.data.pairs.aligning import Pair, align, check_sizes
from remend.training.data.sources import PhotoLocation, decode_photo, locate_photos


class Unpaired(str):
    """The sentence about a photo that can be read, and has no partner."""

    __slots__ = ()


def folders_of(location: PhotoLocation) -> tuple[str, ...]:
    """Names of the folders above a picture, the nearest first."""
    inside = PurePath(location.name).parts[:-1]
    above = location.file.resolve().parts[:-1] if location.size < 0 else ()
    return (*above, *inside)[::-1]


def count_shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many folders two pictures have in common, from the nearest on."""
    same = [mine == theirs for mine, theirs in zip(one, other, strict=False)]
    return (*same, False).index(False)


class LowPhotos:
    """The low-resolution pictures below a folder.

    For ``photo.jpg`` it is ``photo.jpg.png`` before ``photo.png`` before ``photo.<other>``, as with masks,
    then ``photox4.png`` or ``photo_x4.png``, whose number is the scale. Of several in subfolders it is the
    one whose folders are called as the photo's.

    Args:
        folder: It, or a ``.tar`` shard.
        scale: How many times smaller than their photos they are.

    Raises:
        RequestError: ``folder`` is missing or holds no pictures.
    """

    def __init__(self, folder: Path, scale: int) -> None:
        self.folder, self.scale = folder, scale
        self._named: dict[str, list[PhotoLocation]] = {}
        for location in locate_photos([folder]):
            self._named.setdefault(PurePath(location.name).stem, []).append(location)
        if not self._named:
            raise RequestError(
                f"{folder} holds no pictures; give the folder of the low-resolution pictures, called as "
                "their photos."
            )

    def decode(self, location: PhotoLocation) -> Pair | str:
        """A photo with its low-resolution picture, or the sentence that says why not; as `decode_photo`."""
        high = decode_photo(location)
        if isinstance(high, str):
            return high
        found = self.find(location)
        reason = found if isinstance(found, str) else ""
        if not isinstance(found, str):
            pair = self._pair(high, found)
            if isinstance(pair, Pair):
                return pair
            reason = pair
        return Unpaired(f"{location} was left out: {reason}.")

    def find(self, location: PhotoLocation) -> PhotoLocation | str:
        """The picture that belongs to a photo, or why there is none, as the end of a sentence."""
        for candidates in self._candidates(PurePath(location.name)):
            shared = [count_shared(folders_of(location), folders_of(one)) for one in candidates]
            best = [
                one for one, count in zip(candidates, shared, strict=True) if count == max(shared)
            ]
            if len(best) > 1:
                return f"{best[0]} and {best[1]} could both be its; leave one of them out"
            if best:
                return best[0]
        stem = PurePath(location.name).stem
        return f"{self.folder} has no low-resolution picture for it; call it {stem}.png"

    def _candidates(self, name: PurePath) -> Iterator[list[PhotoLocation]]:
        """Pictures that may belong to a photo, the likeliest kind first."""
        yield self._named.get(name.name, [])
        for stem in (name.stem, f"{name.stem}x{self.scale}", f"{name.stem}_x{self.scale}"):
            there = self._named.get(stem, [])
            png = [one for one in there if PurePath(one.name).suffix.lower() == ".png"]
            yield from (png, there)

    def _pair(self, high: Pixels, location: PhotoLocation) -> Pair | str:
        low = decode_photo(location)
        if isinstance(low, str):
            return low.replace(" was left out: ", ": ").rstrip(".")
        reason = check_sizes(high, low, self.scale)
        if reason:
            sizes = [f"{picture.shape[1]}x{picture.shape[0]} px" for picture in (high, low)]
            return f"it has {sizes[0]} and {location} {sizes[1]}; {reason}"
        pair = align(high, low, self.scale)
        return f"{location} does not lie on it: {pair}" if isinstance(pair, str) else pair
