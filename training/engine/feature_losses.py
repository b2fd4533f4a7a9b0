"""Perceptual and style losses: differences between feature maps of a pretrained network.

`NoFeatureLosses` stands in where neither is asked for, so that no feature network is loaded. The networks
themselves are in `training.losses.feature_networks`.
"""

import functools

import torch
from torch import Tensor
from torch.nn import functional as F

from remend.models.device import Placement
from remend.training.engine.batch import Batch, WindowShift
from remend.training.engine.compiling import place
from remend.training.engine.tasks.task import Terms
from remend.training.losses import pixel as picture_losses
from remend.training.losses.feature_networks import load_features
from remend.training.recipe.schema import Recipe

JITTER_PX = 7
"""Both pictures are cut by the same random 0 to 7 px: strided feature networks print a grid otherwise."""


class NoFeatureLosses:
    """No feature network, no terms."""

    def draw(self, random: torch.Generator) -> WindowShift:
        """Nothing is random."""
        return WindowShift(0, 0)

    def terms(self, batch: Batch, fake: Tensor, shift: WindowShift) -> Terms:
        """No terms."""
        return {}


class FeatureLosses:
    """A frozen feature network and the two losses on its maps."""

    def __init__(self, recipe: Recipe, placement: Placement) -> None:
        self._features = place(load_features(recipe.losses.features), placement.device)
        self._placement = placement

    def draw(self, random: torch.Generator) -> WindowShift:
        """Where a batch's window begins, 0 to 7 px down and right."""
        shift = torch.randint(0, JITTER_PX + 1, (2,), generator=random, device=random.device)
        top, left = map(int, shift.cpu().unbind())
        return WindowShift(top, left)

    def terms(self, batch: Batch, fake: Tensor, shift: WindowShift) -> Terms:
        """Losses of fake (B, 3, H, W) in [-1, 1] against the batch's target, where its mask is.

        Features are computed once. Each sample's losses are divided by its own hole, as L1 is: a mean over
        the whole crop would weigh a small hole's texture less than its colours.
        """
        real, (mask, *_) = batch.target, batch.condition
        top, left = shift
        height, width = real.shape[-2] - JITTER_PX, real.shape[-1] - JITTER_PX

        @functools.cache
        def maps() -> tuple[list[Tensor], list[Tensor]]:
            def see(picture: Tensor) -> list[Tensor]:
                window = picture[..., top : top + height, left : left + width]
                found: list[Tensor] = self._features(window)
                return [features.float() for features in found]

            with self._placement.autocast():
                seen = see(fake)
                with torch.no_grad():
                    return seen, see(real)

        def area(features: Tensor) -> Tensor:
            window = mask[..., top : top + height, left : left + width]
            return F.adaptive_max_pool2d(window, features.shape[-2:])

        def perceptual() -> Tensor:
            terms: list[Tensor] = []
            for f, r in zip(*maps(), strict=True):
                # Unit vectors over channels, as LPIPS does (Zhang et al. 2018): the sum over channels.
                gaps = (F.normalize(f, dim=1) - F.normalize(r, dim=1)).abs().sum(1, keepdim=True)
                terms.append(picture_losses.mean_where(gaps, area(f)))
            return torch.stack(terms).mean()

        def style() -> Tensor:
            pairs = zip(*maps(), strict=True)
            return torch.stack([picture_losses.style(f, r, area(f)) for f, r in pairs]).mean()

        return {"perceptual": perceptual, "style": style}


def make_feature_losses(recipe: Recipe, placement: Placement) -> FeatureLosses | NoFeatureLosses:
    """The feature losses that the recipe's weights call for."""
    wanted = recipe.losses.perceptual or recipe.losses.style
    return FeatureLosses(recipe, placement) if wanted else NoFeatureLosses()
