"""Networks of depthwise and pointwise convolutions, from images (N, 3, 224, 224)."""

from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from msq_finn.models.layers import LayerFactory
from msq_finn.quant import MSQWeightPerChannelFloat

V2_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Blocks of MobileNet-v2: expansion, channels, number, stride of the first."""


def mobilenet_v1(
    weight_quant: Any | None = MSQWeightPerChannelFloat,
    width: float = 1.0,
    classes: int = 1000,
    **weight_options: Any,
) -> nn.Sequential:
    """Build MobileNet-v1: depthwise, then pointwise convolutions.

    Args:
        width: factor on the numbers of channels.
        classes: number of logits.
    """
    make = LayerFactory(weight_quant, weight_options)
    widths = [int(width * w) for w in (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)]
    layers = [make.identity(), make.conv_relu(3, widths[0], stride=2)]
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        stride = 2 if i in (1, 3, 5, 11) else 1
        layers.append(make.conv_relu(inputs, inputs, groups=inputs, stride=stride))
        layers.append(make.conv_relu(inputs, outputs, 1))
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *pool, make.classifier(widths[-1], classes))


class InvertedResidual(nn.Module):
    """Widen, convolve depthwise, narrow; the operands of the add share a scale.

    Args:
        make: maker of layers, quantized or float.
        inputs: channels in.
        outputs: channels out; there is an add where they are as many, and the stride is 1.
        expansion: channels of the depthwise convolution, as a multiple of ``inputs``.
        stride: of the depthwise convolution.
    """

    def __init__(
        self, make: LayerFactory, inputs: int, outputs: int, expansion: int, stride: int
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = make.conv_relu(inputs, hidden, 1) if expansion > 1 else nn.Identity()
        self.depthwise = make.conv_relu(hidden, hidden, groups=hidden, stride=stride)
        self.project = nn.Sequential(make.conv(hidden, outputs, 1), nn.BatchNorm2d(outputs))
        self.quant_out = make.identity()
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Add where the shape stays."""
        narrow: Tensor = self.quant_out(self.project(self.depthwise(self.expand(x))))
        return narrow + self.quant_out(x) if self.adds else narrow


def mobilenet_v2(
    weight_quant: Any | None = MSQWeightPerChannelFloat,
    width: float = 1.0,
    classes: int = 1000,
    **weight_options: Any,
) -> nn.Sequential:
    """Build MobileNet-v2: inverted residuals.

    Args:
        width: factor on the numbers of channels, which are rounded to multiples of 8.
        classes: number of logits.
    """
    make = LayerFactory(weight_quant, weight_options)

    def scaled(channels: int) -> int:
        return max(8, int(width * channels + 4) // 8 * 8)

    inputs = scaled(32)
    layers = [make.identity(), make.conv_relu(3, inputs, stride=2)]
    for expansion, channels, number, stride in V2_STAGES:
        outputs = scaled(channels)
        for i in range(number):
            layers.append(InvertedResidual(make, inputs, outputs, expansion, 1 if i else stride))
            inputs = outputs
    last = scaled(1280) if width > 1 else 1280
    layers += [make.conv_relu(inputs, last, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, make.classifier(last, classes))
