"""Attention from the hole to the known surroundings, on the generators' coarsest grid."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MaskedAttention(nn.Module):
    """Cosine attention whose keys are known cells only; the result is added in hole cells only.

    A cell counts as hole when any pixel of it is missing. If every cell is, all are keys. The output
    projection starts near zero, so a new layer changes little (contextual attention, Yu et al. 2018,
    as scaled dot products of unit vectors with a learned temperature). Cost is quadratic in cells:
    callers keep to at most 64 x 64 of them.
    """

    def __init__(self, channels: int, depth: int = 64) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, depth, 1)
        self.key = nn.Conv2d(channels, depth, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.head = nn.Conv2d(channels, channels, 1)
        self.log_temperature = nn.Parameter(torch.tensor(10.0).log())
        # Nearly zero and not zero, which spectral normalisation could not divide by.
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Add to x (B, C, H, W) what hole cells find elsewhere; mask (B, 1, k·H, k·W), 1 = hole."""
        height, width = x.shape[-2:]
        cells = F.adaptive_max_pool2d(mask, (height, width)).flatten(1) > 0
        known = ~cells | cells.all(1, keepdim=True)
        query = F.normalize(self.query(x).flatten(2).mT.float(), dim=-1)
        key = F.normalize(self.key(x).flatten(2).mT.float(), dim=-1)
        value = self.value(x).flatten(2).mT
        query = (query * self.log_temperature.exp().clamp_max(50.0)).to(value.dtype)
        # With one picture only the hole's rows are asked for: at 512 px that is most of the cost.
        # An exported graph cannot have sizes that depend on values.
        single = x.shape[0] == 1 and not self.training and not torch.compiler.is_exporting()
        rows = cells[0].nonzero().squeeze(1) if single else None
        if rows is not None:
            query = query[:, rows]
        # One head, with an axis of its own: without it ONNX cannot express this.
        found = F.scaled_dot_product_attention(
            query[:, None],
            key[:, None].to(value.dtype),
            value[:, None],
            attn_mask=known[:, None, None, :],
            scale=1.0,
        )[:, 0]
        if rows is not None:
            found = torch.zeros_like(value).index_copy(1, rows, found)
        found = cast("Tensor", found.mT.unflatten(2, (height, width)))
        return x + self.head(found) * cells.view(-1, 1, height, width).to(x.dtype)
