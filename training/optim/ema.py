"""Exponential moving average of the generator: the weights that are shipped.

Which of the two networks is scored or saved is up to the trainer.
"""

import copy

import torch
from torch import nn

from remend.training.optim.schedules import half_life_decay

RUNNING = ("running_mean", "running_var")
"""How batch norms, and switchable ones, call their statistics."""


class Ema:
    """A shadow of a network that follows it with a half-life counted in images.

    While few images were seen the half-life is ``ramp`` of them at most, so that the random start is
    forgotten soon (Karras et al. 2020, StyleGAN2). The running statistics of batch norms are averaged as the
    weights are, since those of other weights would not fit them; all other buffers are copied.

    Args:
        network: The network to follow.
        half_life_images: Images after which an old value's weight has halved; 0 follows at once.
        ramp: Largest half-life as a share of the images seen so far.
    """

    def __init__(self, network: nn.Module, half_life_images: float, ramp: float = 0.05) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.half_life_images, self.ramp = half_life_images, ramp
        learned = [parameter.requires_grad for parameter in network.parameters()]
        self._learned = [number for number, learns in enumerate(learned) if learns]

    @torch.no_grad()
    def update(self, network: nn.Module, batch: int, images_seen: int) -> None:
        """Move towards ``network`` after a step on ``batch`` images."""
        half_life = min(self.half_life_images, self.ramp * images_seen)
        keep = half_life_decay(batch, half_life)
        mine, theirs = list(self.network.parameters()), list(network.parameters())
        for number in self._learned:  # the frozen ones are the same in both
            mine[number].lerp_(theirs[number], 1 - keep)
        buffers = dict(network.named_buffers())
        for name, mine in self.network.named_buffers():
            if name.endswith(RUNNING):
                mine.lerp_(buffers[name], 1 - keep)
            else:
                mine.copy_(buffers[name])
