"""Networks for the demo, tests and benchmarks, with the weight quantizer as an argument."""

from collections import OrderedDict
from typing import Any

from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from brevitas.quant.scaled_int import Uint8ActPerTensorFloat, Uint8ActPerTensorFloatMaxInit
from torch import nn

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


def digits_cnn(
    weight_quant: Any | None = MSQWeightPerChannelFloat, **weight_options: Any
) -> nn.Sequential:
    """Build a network of three convolutions and a classifier for 8x8 images of one channel.

    Made for lowering to FINN: no pooling and no biases; activations of 4 bits on one scale per
    tensor, which become thresholds; a classifier with one scale, which leaves the order of its
    outputs alone.

    Args:
        weight_quant: quantizer of the convolutions; None builds the float network of the same
            shape and the same names of layers.
        weight_options: keywords for the convolutions, such as ``weight_sp2_ratio=0.6``.

    Returns:
        A network from images (N, 1, 8, 8) of values in [0, 1] to ten logits.

    Examples:
        >>> [name for name, _ in digits_cnn().named_children()][:4]
        ['quant_in', 'conv1', 'bn1', 'relu1']
    """
    quantized = weight_quant is not None

    def conv(inputs: int, outputs: int, stride: int) -> nn.Module:
        shape = {"kernel_size": 3, "stride": stride, "padding": 1, "bias": False}
        if not quantized:
            return nn.Conv2d(inputs, outputs, **shape)
        return QuantConv2d(inputs, outputs, **shape, weight_quant=weight_quant, **weight_options)

    def relu() -> nn.Module:
        return QuantReLU(act_quant=ActQuant) if quantized else nn.ReLU()

    def classifier() -> nn.Module:
        if not quantized:
            return nn.Linear(128, 10, bias=False)
        return QuantLinear(128, 10, bias=False, weight_quant=FixedWeightPerTensorFloat)

    return nn.Sequential(
        OrderedDict(
            quant_in=QuantIdentity(act_quant=PixelQuant) if quantized else nn.Identity(),
            conv1=conv(1, 16, stride=1),
            bn1=nn.BatchNorm2d(16),
            relu1=relu(),
            conv2=conv(16, 32, stride=2),
            bn2=nn.BatchNorm2d(32),
            relu2=relu(),
            conv3=conv(32, 32, stride=2),
            bn3=nn.BatchNorm2d(32),
            relu3=relu(),
            flatten=nn.Flatten(),
            fc=classifier(),
        )
    )
