"""Residual networks."""

from typing import Any

from torch import Tensor, nn

from msq_finn.models.layers import LayerFactory
from msq_finn.quant import MSQWeightPerChannelFloat


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut; the operands of the add share a scale.

    Args:
        make: maker of layers, quantized or float.
        inputs: channels in.
        outputs: channels out.
        stride: of the first convolution; the shortcut is a convolution where it or the channels
            change the shape.
    """

    def __init__(self, make: LayerFactory, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = make.conv_relu(inputs, outputs, stride=stride)
        self.second = nn.Sequential(make.conv(outputs, outputs, 3), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                make.conv(inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs)
            )
        self.quant_add = make.identity()
        self.relu = make.relu()

    def forward(self, x: Tensor) -> Tensor:
        """Add, then activate."""
        branch = self.quant_add(self.second(self.first(x)))
        result: Tensor = self.relu(branch + self.quant_add(self.shortcut(x)))
        return result


def resnet8(
    weight_quant: Any | None = MSQWeightPerChannelFloat, **weight_options: Any
) -> nn.Sequential:
    """Build the ResNet-8 of MLPerf Tiny.

    Returns:
        A network from images (N, 3, 32, 32) to logits (N, 10).
    """
    make = LayerFactory(weight_quant, weight_options)
    return nn.Sequential(
        make.identity(),
        make.conv_relu(3, 16),
        ResidualBlock(make, 16, 16, stride=1),
        ResidualBlock(make, 16, 32, stride=2),
        ResidualBlock(make, 32, 64, stride=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        make.classifier(64, 10),
    )


def resnet18(
    weight_quant: Any | None = MSQWeightPerChannelFloat, classes: int = 1000, **weight_options: Any
) -> nn.Sequential:
    """Build ResNet-18 (He et al., CVPR 2016).

    Args:
        classes: number of logits.

    Returns:
        A network from images (N, 3, 224, 224) to logits (N, classes).
    """
    make = LayerFactory(weight_quant, weight_options)
    layers = [make.identity(), make.conv_relu(3, 64, 7, stride=2), nn.MaxPool2d(3, 2, padding=1)]
    for inputs, outputs in ((64, 64), (64, 128), (128, 256), (256, 512)):
        layers.append(ResidualBlock(make, inputs, outputs, stride=outputs // inputs))
        layers.append(ResidualBlock(make, outputs, outputs, stride=1))
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *pool, make.classifier(512, classes))
