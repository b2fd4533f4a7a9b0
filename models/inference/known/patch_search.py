"""For each place of a hole the best known patch of the same picture, at one scale; and their vote.

Patches overlap by half: each node of a grid looks for its own. The best are passed on between neighbours, so
that what one found is continued by the next (PatchMatch, Barnes et al. 2009). Sources may be mirrored, and
may be a little lighter or darker (Image Melding, Darabi et al. 2012). At which scales this is done, and where
its result counts, is in `models.inference.known.structure`.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from remend.models.imaging.opencv import load_opencv

PATCH_PX = 8
"""Side of a patch; nodes are half of it apart."""
TRUST = 1.1
"""A pixel of the hole counts less in a comparison by this factor for every pixel of depth."""
LARGEST_BIAS = 0.15
"""How much lighter or darker a copy may be made, in [-1, 1], before the rest counts as a difference."""
BIAS_SHARE = 0.3
"""Share of such a change that counts as a difference all the same."""
GUIDE_SHARE = 0.2
"""Weight of the difference between a source's mean colour and the one that the network made there."""
CONTINUED = 1.3
"""A neighbour's source is continued if it matches worse than one's own by no more than this factor."""
MOST_SOURCES = 6000
"""Sources that a full search compares; of more, every second one or fewer."""
_CHUNK = 256  # nodes compared with all sources at once
_HALF = PATCH_PX // 2
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))


class PatchSearch:
    """The nodes of one scale, and what they copy from.

    Args:
        picture: (1, 3, h, w) in [-1, 1]; its pixels in the hole are what the network made of them.
        hole: (1, 1, h, w), 1 = missing.
        compared: As ``picture``, with only as much detail as estimates have.

    Matches are (n, 3) int64: plane (1 = mirrored), row and column of the source's corner.
    """

    def __init__(self, picture: Tensor, hole: Tensor, compared: Tensor) -> None:
        self.height, self.width = hole.shape[-2:]
        known = F.max_pool2d(hole, PATCH_PX, 1)[0, 0] == 0
        self.is_source = torch.stack([known, known.flip(-1)])
        self._copied, self._compared = _two_planes(picture), _two_planes(compared)
        rows, columns = -(-self.height // _HALF) + 1, -(-self.width // _HALF) + 1
        bottom, right = rows * _HALF - self.height, columns * _HALF - self.width
        self._pads = (_HALF, right, _HALF, bottom)
        self._grid = rows, columns
        self._needed = F.max_pool2d(F.pad(hole, self._pads), PATCH_PX, _HALF)[0, 0] > 0
        self.nodes = self._needed.nonzero()
        self.corners = self.nodes * _HALF - _HALF
        self._numbers = torch.full(self._grid, -1)
        self._numbers[self._needed] = torch.arange(len(self.nodes))
        cv2 = load_opencv()
        depth = cv2.distanceTransform(hole[0, 0].numpy().astype(np.uint8), cv2.DIST_L2, 5)
        trust = torch.as_tensor(TRUST ** -np.asarray(depth, np.float32))[None, None]
        self._weights = self._cut(F.pad(trust, self._pads))[..., 0]
        self._total = self._weights.sum(1)
        inside = torch.arange(PATCH_PX)
        self._offsets = (inside[:, None] * self.width + inside).flatten()
        self._guide = self.cut_targets(picture)

    def cut_targets(self, picture: Tensor) -> Tensor:
        """The nodes' patches of a picture (1, 3, h, w): (n, pixels, 3)."""
        return self._cut(F.pad(picture, self._pads, mode="replicate"))

    def _cut(self, padded: Tensor) -> Tensor:
        patches = F.unfold(padded, PATCH_PX, stride=_HALF)[0].T[self._needed.flatten()]
        return patches.view(len(patches), -1, PATCH_PX**2).transpose(1, 2)

    def _read(self, planes: Tensor, matches: Tensor) -> Tensor:
        """The sources' patches: (n, pixels, 3)."""
        plane, row, column = matches.unbind(1)
        first = (plane * self.height + row) * self.width + column
        return planes[first[:, None] + self._offsets]

    def search_all(self, targets: Tensor) -> Tensor:
        """The best of all sources for each node's patch (n, pixels, 3)."""
        step = max(1, round((int(self.is_source.sum()) / MOST_SOURCES) ** 0.5))
        allowed = torch.zeros_like(self.is_source)
        allowed[:, ::step, ::step] = True
        sources = (self.is_source & allowed).nonzero()
        if not len(sources):
            sources = self.is_source.nonzero()
        pixels = self._read(self._compared, sources)
        best = list[Tensor]()
        for first in range(0, len(targets), _CHUNK):
            part = torch.arange(first, min(first + _CHUNK, len(targets)))
            best.append(self._compare_all(targets[part], pixels, part).argmin(1))
        return sources[torch.cat(best)]

    def _compare_all(self, targets: Tensor, pixels: Tensor, part: Tensor) -> Tensor:
        """Errors (n, m) of all sources (m, pixels, 3), by the binomial formula as products of matrices."""
        weights, total = self._weights[part], self._total[part, None]
        errors = torch.zeros(len(targets), len(pixels))
        for channel in range(3):
            target, source = targets[..., channel], pixels[..., channel]
            weighted = weights * target
            errors += (weighted * target).sum(1, keepdim=True) - 2 * weighted @ source.T
            errors += weights @ source.square().T
            mean = weights @ source.T / total
            bias = (weighted.sum(1, keepdim=True) / total - mean).clamp(-LARGEST_BIAS, LARGEST_BIAS)
            guide = (weights * self._guide[part, :, channel]).sum(1, keepdim=True) / total
            errors += total * (GUIDE_SHARE * (guide - mean).square() - _forgiven(bias))
        return errors

    def compare(self, targets: Tensor, matches: Tensor, part: Tensor) -> Tensor:
        """Errors (n,) of one match for each of some nodes; infinite where it is no source."""
        plane, row, column = matches.unbind(1)
        last = self.height - PATCH_PX, self.width - PATCH_PX
        inside = (row >= 0) & (column >= 0) & (row <= last[0]) & (column <= last[1])
        matches = torch.stack([plane, row.clamp(0, last[0]), column.clamp(0, last[1])], 1)
        allowed = inside & self.is_source[tuple(matches.T)]
        differences = targets - self._read(self._compared, matches)
        weighted = differences * self._weights[part, :, None]
        bias = weighted.sum(1) / self._total[part, None]
        forgiven = _forgiven(bias.clamp(-LARGEST_BIAS, LARGEST_BIAS)).sum(1)
        errors = (weighted * differences).sum((1, 2)) - self._total[part] * forgiven
        return torch.where(allowed, errors, torch.inf)

    def improve(self, targets: Tensor, matches: Tensor) -> tuple[Tensor, Tensor]:
        """Let nodes continue their neighbours' sources and look beside their own: matches and errors."""
        matches, everyone = matches.clone(), torch.arange(len(targets))
        errors = self.compare(targets, matches, everyone)
        for step in _STEPS:
            self._continue(targets, matches, errors, step)
        for step in _STEPS:
            beside = matches + torch.tensor([0, *step])
            found = self.compare(targets, beside, everyone)
            better = found < errors
            matches[better], errors[better] = beside[better], found[better]
        return matches, errors

    def _continue(
        self, targets: Tensor, matches: Tensor, errors: Tensor, step: tuple[int, int]
    ) -> None:
        """Take what the neighbours in one direction copy from, moved by the way to them, where it fits."""
        there = self.nodes + torch.tensor(step)
        rows, columns = self._grid
        inside = ((there >= 0) & (there < torch.tensor([rows, columns]))).all(1)
        numbers = self._numbers[
            there[:, 0].clamp(0, rows - 1), there[:, 1].clamp(0, columns - 1)
        ].where(inside, -1)
        moved = matches[numbers] - _HALF * torch.tensor([0, *step])
        part = ((numbers >= 0) & (moved != matches).any(1)).nonzero()[:, 0]
        found = self.compare(targets[part], moved[part], part)
        better = found < CONTINUED * errors[part]
        matches[part[better]], errors[part[better]] = moved[part[better]], found[better]

    def refine_from(self, coarse: "PatchSearch", matches: Tensor) -> Tensor:
        """The matches (n, 3) here that continue those of the scale of half the size."""
        centres = (self.corners + _HALF).clamp_min(0) // 2
        parents = (centres + _HALF // 2) // _HALF
        rows, columns = coarse._grid
        numbers = coarse._numbers[
            parents[:, 0].clamp_max(rows - 1), parents[:, 1].clamp_max(columns - 1)
        ].clamp_min(0)
        plane, row, column = matches[numbers].unbind(1)
        way_y, way_x = (2 * (torch.stack([row, column], 1) - coarse.corners[numbers])).unbind(1)
        odd = torch.where(plane == 1, self.width - 2 * coarse.width, 0)  # seen from the other side
        row = (self.corners[:, 0] + way_y).clamp(0, self.height - PATCH_PX)
        column = (self.corners[:, 1] + way_x + odd).clamp(0, self.width - PATCH_PX)
        return torch.stack([plane, row, column], 1)

    def vote(self, targets: Tensor, matches: Tensor, errors: Tensor) -> tuple[Tensor, Tensor]:
        """The mean of the patches that overlap, better ones counting more.

        Returns:
            (1, 3, h, w), and the votes (1, 1, h, w): 0 where no patch reaches.
        """
        differences = targets - self._read(self._compared, matches)
        bias = (differences * self._weights[..., None]).sum(1) / self._total[:, None]
        bias = bias.clamp(-LARGEST_BIAS, LARGEST_BIAS)
        copies = self._read(self._copied, matches) + bias[:, None]
        error = (errors / self._total).clamp_min(0)
        shares = torch.exp(-error / (error.median() + 1e-6)) + 1e-6
        rising = 1 - ((torch.arange(PATCH_PX) + 0.5) / _HALF - 1).abs()
        votes = shares[:, None] * (rising[:, None] * rising).flatten()
        weighted = torch.cat([copies * votes[..., None], votes[..., None]], 2)
        rows, columns = self._grid
        patches = torch.zeros(rows * columns, 4 * PATCH_PX**2)
        patches[self._needed.flatten()] = weighted.transpose(1, 2).flatten(1)
        size = (rows + 1) * _HALF, (columns + 1) * _HALF
        sums = F.fold(patches.T[None], size, PATCH_PX, stride=_HALF)
        sums = sums[..., _HALF : _HALF + self.height, _HALF : _HALF + self.width]
        return sums[:, :3] / sums[:, 3:].clamp_min(1e-12), sums[:, 3:]


def _two_planes(picture: Tensor) -> Tensor:
    """A picture (1, 3, h, w) and its mirror image, as one list of pixels: (2·h·w, 3)."""
    both = torch.cat([picture, picture.flip(-1)])
    return both.permute(0, 2, 3, 1).reshape(-1, 3)


def _forgiven(bias: Tensor) -> Tensor:
    """What of the mean squared difference a change of lightness takes away."""
    return (1 - BIAS_SHARE) * bias.square()
