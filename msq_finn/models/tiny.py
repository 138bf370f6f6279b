"""Networks of the MLPerf Tiny benchmark: keyword spotting, and anomalies in a machine's sound."""

from itertools import pairwise
from typing import Any

from torch import nn

from msq_finn.models.layers import LayerFactory
from msq_finn.quant import MSQWeightPerChannelFloat


def ds_cnn(
    weight_quant: Any | None = MSQWeightPerChannelFloat,
    width: int = 64,
    classes: int = 12,
    **weight_options: Any,
) -> nn.Sequential:
    """Build MLPerf Tiny's DS-CNN for keywords: a convolution, then depthwise and pointwise ones.

    Args:
        width: channels.
        classes: number of logits.

    Returns:
        A network from spectra (N, 1, 49, 10), 10 coefficients at 49 times, to logits (N, classes).
    """
    make = LayerFactory(weight_quant, weight_options)
    # TensorFlow's padding for the same size, which is one more row at the end.
    layers = [make.identity(), nn.ZeroPad2d((1, 1, 4, 5))]
    layers.append(make.conv_relu(1, width, (10, 4), stride=2))
    for _ in range(4):
        layers.append(make.conv_relu(width, width, groups=width))
        layers.append(make.conv_relu(width, width, 1))
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *pool, make.classifier(width, classes))


def autoencoder(
    weight_quant: Any | None = MSQWeightPerChannelFloat,
    inputs: int = 640,
    width: int = 128,
    **weight_options: Any,
) -> nn.Sequential:
    """Build MLPerf Tiny's autoencoder, whose error of reconstruction tells anomalies.

    Args:
        inputs: numbers in and out: five frames of 128 bands of a spectrum.
        width: neurons of the eight hidden layers around the code, which has 8.

    Returns:
        A network from spectra (N, inputs) to reconstructions (N, inputs).
    """
    make = LayerFactory(weight_quant, weight_options)
    layers = [make.identity()]
    for narrow, wide in pairwise((inputs, *[width] * 4, 8, *[width] * 4)):
        layers += make.linear_relu(narrow, wide)
    return nn.Sequential(*layers, make.classifier(width, inputs))
