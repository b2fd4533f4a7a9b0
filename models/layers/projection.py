"""A discriminator's last layer: one logit, and with labels how well the picture suits its class."""

from torch import Tensor, nn


class ProjectionHead(nn.Module):
    """``w . φ(x) + v_y . φ(x)`` (Miyato and Koyama 2018, eq. 3); without classes the first term alone.

    The class vectors v are a linear layer without bias, so that spectral normalisation reaches them.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, 1)
        self.classes = nn.Linear(features, classes, bias=False) if classes else None

    def forward(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits (B, 1), float32, of features (B, F) and labels (B,), int64."""
        logits = self.linear(features)
        if self.classes is not None:
            if labels is None:
                raise ValueError("A head with classes needs labels.")
            logits = logits + self.classes(features).gather(1, labels[:, None])
        return logits.float()
