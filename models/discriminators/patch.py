"""PatchGAN: a convolutional discriminator that gives a logit for every patch (Isola et al. 2017).

The mask is a fourth input channel, so that the discriminator knows where the fill is (DeepFillv2, Yu et
al. 2019).
"""

from dataclasses import dataclass

from torch import Tensor, nn

from remend.models.layers.minibatch import MINIBATCH, Minibatch
from remend.models.layers.norm import NORMS, Norm


@dataclass(frozen=True)
class PatchDiscriminatorConfig:
    """Shape of a ``MultiscaleDiscriminator``: ``scales`` times the same patch discriminator."""

    inputs: int = 4
    width: int = 48
    layers: int = 4
    scales: int = 2
    norm: Norm = "none"
    spectral: bool = True
    minibatch: Minibatch = "none"


class PatchDiscriminator(nn.Module):
    """Strided convolutions with LeakyReLU, then logits on a grid of 1/2^(layers-1)."""

    def __init__(self, config: PatchDiscriminatorConfig) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        inputs = config.inputs
        for i in range(config.layers):
            outputs = config.width * 2 ** min(i, 2)
            stride = 2 if i < config.layers - 1 else 1
            conv = nn.Conv2d(inputs, outputs, 4 if stride == 2 else 3, stride, padding=1)
            # The first layer sees the picture itself, whose level a norm would take away.
            norm = NORMS[config.norm if i else "none"](outputs)
            stages.append(nn.Sequential(conv, norm, nn.LeakyReLU(0.2)))
            inputs = outputs
        self.stages = nn.ModuleList(stages)
        self.minibatch = MINIBATCH[config.minibatch](inputs)
        self.head = nn.Conv2d(inputs + self.minibatch.added, 1, 3, padding=1)

    def forward(self, picture: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits (B, 1, h, w) and the activations of all stages for picture (B, C, H, W)."""
        features: list[Tensor] = []
        for stage in self.stages:
            picture = stage(picture)
            features.append(picture)
        return self.head(self.minibatch(picture)), features
