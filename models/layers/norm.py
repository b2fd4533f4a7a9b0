"""Normalisation layers, one table: ``NORMS[name](channels)`` gives a module for ``(B, C, H, W)``.

Instance, layer and batch statistics depend on the size of the tile or of the batch, so the shipped
generators use ``pixel`` or ``none``; the others are here because people train with them. Where samples
have classes, `make_norm` gives a norm that knows them and `ConditionalSequential` hands the labels on to it.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

_linalg: Any = torch.linalg  # its functions have no types

Norm = Literal["none", "instance", "layer", "pixel", "batch", "switchable"]


class PixelNorm(nn.Module):
    """Scale every pixel's feature vector to unit mean square (Karras et al. 2018, section 4.2).

    ``y = x / sqrt(mean_c(x^2) + 1e-8)``, computed in float32 whatever the input's precision is.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.requires_grad and torch.is_grad_enabled():
            step: Any = PixelNormStep  # whose `apply` is half typed
            return step.apply(x)
        return x * inverse_length(x).to(x.dtype)


def inverse_length(x: Tensor) -> Tensor:
    """1 / sqrt(mean_c(x^2) + 1e-8) of x (B, C, H, W), (B, 1, H, W) float32."""
    # The norm reduces in float32 without a float32 copy of x: a quarter faster to train on a CPU.
    length: Tensor = _linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32)
    return torch.rsqrt(length.square() / x.shape[1] + 1e-8)


class PixelNormStep(torch.autograd.Function):
    """`PixelNorm` with its gradient written out, in half the passes over memory; it can be derived again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        scale = inverse_length(x)
        ctx.save_for_backward(x, scale)
        return x * scale.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, scale = ctx.saved_tensors
        if torch.is_grad_enabled():  # to be derived again, as a function of x
            scale = inverse_length(x)
        along = (gradient * x).sum(1, keepdim=True, dtype=torch.float32) / x.shape[1]
        lengthwise = (scale**3 * along).to(x.dtype)
        return torch.addcmul(gradient * scale.to(gradient.dtype), x, lengthwise, value=-1)


class SwitchableNorm(nn.Module):
    """Mix instance, layer and batch statistics with learned weights (Luo et al. 2018, eq. 3-5).

    Means and variances are mixed by two separate softmaxes over (instance, layer, batch). In
    evaluation the batch statistics are running averages, as in batch normalisation.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.mean_logits = nn.Parameter(torch.zeros(3))
        self.var_logits = nn.Parameter(torch.zeros(3))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        values = x.float()
        mean_in = values.mean((2, 3), keepdim=True)
        var_in = values.var((2, 3), keepdim=True, unbiased=False)
        # Law of total variance: the coarser statistics follow from the instance ones.
        mean_ln = mean_in.mean(1, keepdim=True)
        var_ln = (var_in + mean_in.square()).mean(1, keepdim=True) - mean_ln.square()
        if self.training:
            mean_bn = mean_in.mean(0, keepdim=True)
            var_bn = (var_in + mean_in.square()).mean(0, keepdim=True) - mean_bn.square()
            with torch.no_grad():
                self.running_mean.lerp_(mean_bn.flatten(), self.momentum)
                self.running_var.lerp_(var_bn.flatten(), self.momentum)
        else:
            mean_bn = self.running_mean.view(1, -1, 1, 1)
            var_bn = self.running_var.view(1, -1, 1, 1)
        m, v = self.mean_logits.softmax(0), self.var_logits.softmax(0)
        mean = m[0] * mean_in + m[1] * mean_ln + m[2] * mean_bn
        var = v[0] * var_in + v[1] * var_ln + v[2] * var_bn
        y = (values - mean) * torch.rsqrt(var + self.eps)
        return (y * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)).to(x.dtype)


def layer_norm(channels: int) -> nn.Module:
    """Zero mean and unit variance over (C, H, W) of each sample (Ba et al. 2016)."""
    return nn.GroupNorm(1, channels)


NORMS: dict[Norm, Callable[[int], nn.Module]] = {
    "none": lambda channels: nn.Identity(),
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "layer": layer_norm,
    "pixel": lambda channels: PixelNorm(),
    "batch": nn.BatchNorm2d,
    "switchable": SwitchableNorm,
}


class ConditionalBatchNorm(nn.Module):
    """Batch normalisation with a scale and a shift for every class (de Vries et al. 2017, eq. 4).

    The statistics are those of the whole batch, whatever its classes. Scales start at 1, shifts at 0.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale, self.shift = nn.Embedding(classes, channels), nn.Embedding(classes, channels)
        nn.init.ones_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Normalise x (B, C, H, W), whose samples have the classes labels (B,), int64."""
        scale, shift = self.scale(labels).to(x.dtype), self.shift(labels).to(x.dtype)
        return self.norm(x) * scale[:, :, None, None] + shift[:, :, None, None]


def make_norm(norm: Norm, channels: int, classes: int) -> nn.Module:
    """A norm of the table, or the conditional batch norm where there are classes."""
    return ConditionalBatchNorm(channels, classes) if classes else NORMS[norm](channels)


class ConditionalSequential(nn.Sequential):
    """A sequence of layers, of which those that know classes are given the labels."""

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        for layer in self:
            knows = isinstance(layer, (ConditionalBatchNorm, ConditionalSequential))
            x = layer(x, labels) if knows else layer(x)
        return x
