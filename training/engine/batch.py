"""What a training step is made of: a batch of samples, and everything that is random about the step.

All of it is drawn for the whole batch of a step at once. Then it is cut into pieces with `Batch.take`, so the
number of pieces and of processes changes nothing but the rounding. Every tensor has the samples as its first
dimension; only a `WindowShift` belongs to the step as a whole. Who draws what is not known here.
"""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

Samples = slice | Tensor
"""Which samples: a slice, or their numbers (n,) int64."""


def take_each(tensors: tuple[Tensor, ...], samples: Samples) -> tuple[Tensor, ...]:
    """The same samples of several tensors."""
    return tuple(tensor[samples] for tensor in tensors)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How a discriminator's inputs are changed: real, generated and condition all alike."""

    brightness: Tensor
    """(B, 1, 1, 1), added."""
    saturation: Tensor
    """(B, 1, 1, 1), factor of the distance to grey."""
    contrast: Tensor
    """(B, 1, 1, 1), factor of the distance to the mean."""
    shift: Tensor
    """(B, 2), pixels down and to the right; the same in every row of a batch; what comes in is 0."""

    def take(self, samples: Samples) -> "Augmentation":
        """The part of some samples."""
        return Augmentation(
            self.brightness[samples],
            self.saturation[samples],
            self.contrast[samples],
            self.shift[samples],
        )


@dataclass(frozen=True, slots=True)
class StepNoise:
    """What is random about training against a discriminator, for one batch."""

    real_noise: Tensor
    """Added to real pictures, (B, 3, H, W); zeros (B, 1, 1, 1) where there is no noise."""
    fake_noise: Tensor
    """The same for generated pictures."""
    augmentation: Augmentation | None
    """How both are augmented, if they are."""
    real_target: Tensor
    """(B, 1), what the logits of real samples are pulled to."""
    penalty_mix: Tensor
    """(B,) in [0, 1], where between real and generated a gradient penalty is taken; 1 = at the real one."""

    def take(self, samples: Samples) -> "StepNoise":
        """The part of some samples."""
        return StepNoise(
            self.real_noise[samples],
            self.fake_noise[samples],
            self.augmentation and self.augmentation.take(samples),
            self.real_target[samples],
            self.penalty_mix[samples],
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """One training batch; pictures are in [-1, 1]."""

    inputs: tuple[Tensor, ...]
    """What the generator is given: (picture, mask), (picture,), (picture, strength), (latent,) or
    (latent, label)."""
    target: Tensor
    """Real pictures (B, 3, H, W): what the generator should make, or pictures like those it should make."""
    condition: tuple[Tensor, ...] = ()
    """What the discriminator is given beside the picture: (mask,), (labels,) or nothing."""
    kept_noise: Tensor | None = None
    """Noise (B, 3, H, W) that the generator is to keep: `run_generator` takes it off what it makes."""
    noise: StepNoise | None = None
    """What else is random, where there is a discriminator."""

    def __len__(self) -> int:
        return len(self.target)

    def take(self, samples: Samples) -> "Batch":
        """Some of the samples, with everything that belongs to them."""
        return Batch(
            take_each(self.inputs, samples),
            self.target[samples],
            take_each(self.condition, samples),
            None if self.kept_noise is None else self.kept_noise[samples],
            self.noise and self.noise.take(samples),
        )

    def split(self, size: int, first: int = 0, step: int = 0) -> "list[Batch]":
        """Pieces of ``size`` samples: from sample ``first`` on, one every ``step`` samples (0 = ``size``)."""
        starts = range(first, len(self), step or size)
        return [self.take(slice(start, start + size)) for start in starts]


class WindowShift(NamedTuple):
    """Where the window begins in which the feature losses of a step look at pictures, px."""

    top: int
    left: int
