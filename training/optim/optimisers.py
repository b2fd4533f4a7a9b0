"""Optimisers by name: ``OPTIMISERS[name](network, lr, betas)``.

Muon is for the hidden convolutions only; first and last layers, biases and norms stay with Adam. By
convention a network calls its output layers ``head``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from remend.models.device import cpu_has_bf16

OptimiserName = Literal["adam", "muon"]

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_linalg: Any = torch.linalg  # whose functions have no types


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """Push the singular values of (N, rows, columns) towards 1 by Newton-Schulz steps.

    The quintic iteration of Jordan et al. 2024 (Muon); the result's singular values lie in about
    [0.7, 1.2], which is all that the optimiser needs.
    """
    a, b, c = NEWTON_SCHULZ
    wide = matrices.shape[-2] <= matrices.shape[-1]
    x: Tensor = matrices if wide else matrices.mT
    x = x / (_linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide else x.mT


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised (Jordan et al. 2024), with Adam for what is no hidden weight matrix.

    A convolution's weight counts as a matrix (out, in·k·k). The step is scaled by
    0.2·sqrt(longer side), so that one learning rate suits both parts (Liu et al. 2025). ``dtype`` is
    the precision of the Newton-Schulz products, for which bfloat16 is enough (Jordan et al. 2024).
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        others: Iterable[Tensor],
        lr: float,
        betas: tuple[float, float],
        momentum: float = 0.95,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.dtype = dtype
        groups = [
            {"params": list(matrices), "muon": True},
            {"params": list(others), "muon": False},
        ]
        super().__init__(
            [group for group in groups if group["params"]],
            {"lr": lr, "betas": betas, "momentum": momentum, "eps": 1e-8},
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Update all parameters that have a gradient."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            (self._muon_step if group["muon"] else self._adam_step)(params, group)

    def _muon_step(self, params: list[Tensor], group: dict[str, Any]) -> None:
        updates: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for p in params:
            grad = cast("Tensor", p.grad)
            state = self.state[p]
            if not state:
                state["momentum"] = torch.zeros_like(p)
            state["momentum"].lerp_(grad, 1 - group["momentum"])
            nesterov = grad.lerp(state["momentum"], group["momentum"])
            updates[tuple(p.shape)].append((p, nesterov.flatten(1)))
        for members in updates.values():  # Equal shapes share one batched product.
            steps = orthogonalise(torch.stack([update.to(self.dtype) for _, update in members]))
            scale = 0.2 * max(steps.shape[-2:]) ** 0.5
            for (p, _), step in zip(members, steps, strict=True):
                p.add_(step.view_as(p).to(p.dtype), alpha=-group["lr"] * scale)

    def _adam_step(self, params: list[Tensor], group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        for p in params:
            grad = cast("Tensor", p.grad)
            state = self.state[p]
            if not state:
                state["step"] = 0
                state["mean"], state["square"] = torch.zeros_like(p), torch.zeros_like(p)
            state["step"] += 1
            state["mean"].lerp_(grad, 1 - beta1)
            state["square"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            scale = (1 - beta2 ** state["step"]) ** 0.5 / (1 - beta1 ** state["step"])
            denominator = state["square"].sqrt().add_(group["eps"])
            p.addcdiv_(state["mean"], denominator, value=-group["lr"] * scale)


def is_hidden_matrix(name: str, parameter: Tensor) -> bool:
    """Whether Muon should train this parameter: a hidden convolution with at least 32 rows and columns."""
    large = parameter.ndim == 4 and min(parameter.shape[0], parameter[0].numel()) >= 32
    return large and "head" not in name.split(".")


def make_adam(network: nn.Module, lr: float, betas: tuple[float, float]) -> torch.optim.Optimizer:
    """Adam (Kingma and Ba 2015) on all parameters."""
    return torch.optim.Adam(network.parameters(), lr=lr, betas=betas)


def make_muon(network: nn.Module, lr: float, betas: tuple[float, float]) -> torch.optim.Optimizer:
    """Muon on hidden convolutions, Adam with the same rate on the rest."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in network.named_parameters():
        (matrices if is_hidden_matrix(name, parameter) else others).append(parameter)
    on_cpu = next(network.parameters()).device.type == "cpu"
    fast = cpu_has_bf16() if on_cpu else True
    return Muon(matrices, others, lr, betas, dtype=torch.bfloat16 if fast else torch.float32)


OPTIMISERS: dict[
    OptimiserName, Callable[[nn.Module, float, tuple[float, float]], torch.optim.Optimizer]
] = {"adam": make_adam, "muon": make_muon}
