"""Plain networks for small images."""

from collections import OrderedDict
from typing import Any

from torch import nn

from msq_finn.models.layers import LayerFactory, PixelQuant
from msq_finn.quant import MSQWeightPerChannelFloat


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
    make = LayerFactory(weight_quant, weight_options)
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
    """Build three hidden layers of 64 neurons, as FINN's TFC has.

    Args:
        inputs: pixels of an image.

    Returns:
        A network from images (N, ...) of ``inputs`` values in [0, 1] to logits (N, 10).
    """
    make = LayerFactory(weight_quant, weight_options)
    hidden = [make.identity(PixelQuant), nn.Flatten()]
    for width in (inputs, 64, 64):
        hidden += make.linear_relu(width, 64)
    return nn.Sequential(*hidden, make.classifier(64, 10))


def cnv(
    weight_quant: Any | None = MSQWeightPerChannelFloat, **weight_options: Any
) -> nn.Sequential:
    """Build FINN's CNV: six convolutions and two hidden layers.

    Returns:
        A network from images (N, 3, 32, 32) to logits (N, 10).
    """
    make = LayerFactory(weight_quant, weight_options)
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
        layers += make.linear_relu(inputs, 512)
    return nn.Sequential(*layers, make.classifier(512, 10))
