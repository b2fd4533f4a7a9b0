"""Gated convolutions: a second, learned convolution weighs every output value.

One table of gates, ``GATES``; ``GatedConv`` is the convolution that all generators are built from.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

Gate = Literal["full", "depthwise", "pointwise", "single", "none"]


def full_gate(inputs: int, outputs: int, kernel: int, stride: int, dilation: int) -> nn.Module:
    """A second convolution of the same shape (Yu et al. 2019)."""
    padding = dilation * (kernel // 2)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation)


def depthwise_gate(inputs: int, outputs: int, kernel: int, stride: int, dilation: int) -> nn.Module:
    """A depthwise convolution and a 1x1 one (LWGC-ds, Yi et al. 2020)."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, kernel, stride, padding, dilation, groups=inputs),
        nn.Conv2d(inputs, outputs, 1),
    )


def pointwise_gate(inputs: int, outputs: int, kernel: int, stride: int, dilation: int) -> nn.Module:
    """A 1x1 convolution (LWGC-pw, Yi et al. 2020)."""
    return nn.Conv2d(inputs, outputs, 1, stride)


def single_gate(inputs: int, outputs: int, kernel: int, stride: int, dilation: int) -> nn.Module:
    """One gate shared by all channels of a pixel (LWGC-sc, Yi et al. 2020)."""
    padding = dilation * (kernel // 2)
    return nn.Conv2d(inputs, 1, kernel, stride, padding, dilation)


def no_gate(inputs: int, outputs: int, kernel: int, stride: int, dilation: int) -> None:
    """Plain convolution: nothing is gated."""


GateBuilder = Callable[[int, int, int, int, int], nn.Module | None]

GATES: dict[Gate, GateBuilder] = {
    "full": full_gate,
    "depthwise": depthwise_gate,
    "pointwise": pointwise_gate,
    "single": single_gate,
    "none": no_gate,
}


class GatedConv(nn.Module):
    """``relu(W_f * x) . sigmoid(W_g * x)`` (Yu et al. 2019, eq. 2).

    ReLU stands where the paper has ELU: with small activations ELU is nearly linear and small
    networks stay linear filters for thousands of steps. The size is kept for odd kernels and divided
    by ``stride`` otherwise; padding is zero, as a border is missing context too.

    Args:
        inputs: Channels of x.
        outputs: Channels of the result.
        kernel: Side of the square kernel, odd.
        stride: 1, or 2 to halve the size.
        dilation: Spacing of the kernel's taps.
        gate: A name of ``GATES``.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        dilation: int = 1,
        gate: Gate = "pointwise",
    ) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.feature = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation)
        self.gate = GATES[gate](inputs, outputs, kernel, stride, dilation)

    def forward(self, x: Tensor) -> Tensor:
        feature = torch.relu(self.feature(x))
        return feature if self.gate is None else feature * torch.sigmoid(self.gate(x))
