"""Networks for the demo, tests and benchmarks, with the weight quantizer as an argument.

Each function takes ``weight_quant``, the quantizer of the hidden layers' weights, and keywords for
these layers such as ``weight_sp2_ratio=0.6``. ``weight_quant=None`` builds the float network of the
same shape and with the same names of layers. Quantized networks have unsigned 4-bit activations on
one scale per tensor, no biases in front of batch normalisation, and a 4-bit classifier with one
scale per tensor, as FINN wants them; their first layer sees quantized inputs.
"""

from collections import OrderedDict
from itertools import pairwise
from typing import Any

from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from brevitas.quant.scaled_int import (
    Int8ActPerTensorFloat,
    Uint8ActPerTensorFloat,
    Uint8ActPerTensorFloatMaxInit,
)
from torch import Tensor, nn

from msq_finn.quant import FixedWeightPerTensorFloat, MSQWeightPerChannelFloat


class PixelQuant(Uint8ActPerTensorFloatMaxInit):
    """Unsigned 4-bit pixels on the fixed scale 1/16; brighter pixels than 15/16 saturate."""

    scaling_impl_type = "const"
    bit_width = 4
    max_val = 15 / 16


class ActQuant(Uint8ActPerTensorFloat):
    """Unsigned 4-bit activations on one learned scale, first taken from 50 batches."""

    bit_width = 4
    collect_stats_steps = 50


class SignedActQuant(Int8ActPerTensorFloat):
    """Signed 8-bit activations on one learned scale: inputs, and the operands of adds."""

    collect_stats_steps = 50


class Layers:
    """Makes layers, quantized or float alike; see the module's text for the arguments."""

    def __init__(self, weight_quant: Any | None, weight_options: dict[str, Any]) -> None:
        self.quantized = weight_quant is not None
        self.weights = {"weight_quant": weight_quant, **weight_options} if self.quantized else {}

    def conv(self, inputs: int, outputs: int, kernel: int, **shape: Any) -> Any:
        """Make a convolution without bias that pads to keep the size, divided by the stride."""
        shape = {"kernel_size": kernel, "padding": kernel // 2, "bias": False, **shape}
        make = QuantConv2d if self.quantized else nn.Conv2d
        return make(inputs, outputs, **shape, **self.weights)

    def linear(self, inputs: int, outputs: int) -> Any:
        """Make a fully connected layer without bias."""
        make = QuantLinear if self.quantized else nn.Linear
        return make(inputs, outputs, bias=False, **self.weights)

    def classifier(self, inputs: int, outputs: int) -> Any:
        """Make the last layer, with one scale for all rows."""
        if not self.quantized:
            return nn.Linear(inputs, outputs, bias=False)
        return QuantLinear(inputs, outputs, bias=False, weight_quant=FixedWeightPerTensorFloat)

    def relu(self) -> Any:
        """Make an activation."""
        return QuantReLU(act_quant=ActQuant) if self.quantized else nn.ReLU()

    def identity(self, act_quant: Any = SignedActQuant) -> Any:
        """Make a quantizer of inputs, or of operands of an add that have to share a scale."""
        return QuantIdentity(act_quant=act_quant) if self.quantized else nn.Identity()

    def conv_relu(self, inputs: int, outputs: int, kernel: int = 3, **shape: Any) -> nn.Sequential:
        """Make a convolution, its normalisation and activation."""
        conv = self.conv(inputs, outputs, kernel, **shape)
        return nn.Sequential(conv, nn.BatchNorm2d(outputs), self.relu())


def digits_cnn(
    weight_quant: Any | None = MSQWeightPerChannelFloat, **weight_options: Any
) -> nn.Sequential:
    """Build a network of three convolutions and a classifier for 8x8 images of one channel.

    Made for lowering to FINN, so it has no pooling.

    Returns:
        A network from images (N, 1, 8, 8) of values in [0, 1] to ten logits.

    Examples:
        >>> [name for name, _ in digits_cnn().named_children()][:4]
        ['quant_in', 'conv1', 'bn1', 'relu1']
    """
    make = Layers(weight_quant, weight_options)
    return nn.Sequential(
        OrderedDict(
            quant_in=make.identity(PixelQuant),
            conv1=make.conv(1, 16, 3),
            bn1=nn.BatchNorm2d(16),
            relu1=make.relu(),
            conv2=make.conv(16, 32, 3, stride=2),
            bn2=nn.BatchNorm2d(32),
            relu2=make.relu(),
            conv3=make.conv(32, 32, 3, stride=2),
            bn3=nn.BatchNorm2d(32),
            relu3=make.relu(),
            flatten=nn.Flatten(),
            fc=make.classifier(128, 10),
        )
    )


def tfc(
    weight_quant: Any | None = MSQWeightPerChannelFloat, inputs: int = 784, **weight_options: Any
) -> nn.Sequential:
    """Build three hidden layers of 64 neurons, FINN's TFC, from images to ten logits."""
    make = Layers(weight_quant, weight_options)
    hidden = [make.identity(PixelQuant), nn.Flatten()]
    for width in (inputs, 64, 64):
        hidden += [make.linear(width, 64), nn.BatchNorm1d(64), make.relu()]
    return nn.Sequential(*hidden, make.classifier(64, 10))


def cnv(
    weight_quant: Any | None = MSQWeightPerChannelFloat, **weight_options: Any
) -> nn.Sequential:
    """Build FINN's CNV, six convolutions and two hidden layers, from images (N, 3, 32, 32)."""
    make = Layers(weight_quant, weight_options)
    layers = [make.identity()]
    for inputs, outputs, pool in (
        (3, 64, False),
        (64, 64, True),
        (64, 128, False),
        (128, 128, True),
        (128, 256, False),
        (256, 256, False),
    ):
        layers.append(make.conv_relu(inputs, outputs, padding=0))
        layers += [nn.MaxPool2d(2)] * pool
    layers.append(nn.Flatten())
    for inputs in (256, 512):
        layers += [make.linear(inputs, 512), nn.BatchNorm1d(512), make.relu()]
    return nn.Sequential(*layers, make.classifier(512, 10))


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut; the operands of the add share a scale."""

    def __init__(self, make: Layers, inputs: int, outputs: int, stride: int) -> None:
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
    """Build the ResNet-8 of MLPerf Tiny, from images (N, 3, 32, 32) to ten logits."""
    make = Layers(weight_quant, weight_options)
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
    """Build ResNet-18 from images (N, 3, 224, 224)."""
    make = Layers(weight_quant, weight_options)
    layers = [make.identity(), make.conv_relu(3, 64, 7, stride=2), nn.MaxPool2d(3, 2, padding=1)]
    for inputs, outputs in ((64, 64), (64, 128), (128, 256), (256, 512)):
        layers.append(ResidualBlock(make, inputs, outputs, stride=outputs // inputs))
        layers.append(ResidualBlock(make, outputs, outputs, stride=1))
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *pool, make.classifier(512, classes))


def mobilenet_v1(
    weight_quant: Any | None = MSQWeightPerChannelFloat,
    width: float = 1.0,
    classes: int = 1000,
    **weight_options: Any,
) -> nn.Sequential:
    """Build MobileNet-v1 from images (N, 3, 224, 224): depthwise, then pointwise convolutions.

    Args:
        weight_quant: see the module.
        width: factor on the numbers of channels.
        classes: number of logits.
        weight_options: see the module.
    """
    make = Layers(weight_quant, weight_options)
    widths = [int(width * w) for w in (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)]
    layers = [make.identity(), make.conv_relu(3, widths[0], stride=2)]
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        stride = 2 if i in (1, 3, 5, 11) else 1
        layers.append(make.conv_relu(inputs, inputs, groups=inputs, stride=stride))
        layers.append(make.conv_relu(inputs, outputs, 1))
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *pool, make.classifier(widths[-1], classes))
