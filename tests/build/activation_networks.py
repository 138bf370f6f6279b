"""Small row-mixed networks with one activation function each."""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFloat
from torch import nn

from msq_finn.models import ActQuant, PixelQuant

from .map_networks import MSQ, settled


def quantizer(signed, bits=4):
    return qnn.QuantIdentity(
        act_quant=Int8ActPerTensorFloat if signed else ActQuant, bit_width=bits
    )


class HardSwish(nn.Module):
    """As networks are written that export to older operators."""

    def forward(self, x):
        return x * nn.functional.hardsigmoid(x)


class Falling(nn.Module):
    """Levels fall with what this is of."""

    def forward(self, x):
        return 1 - torch.sigmoid(2 * x)


def slopes():
    """Of every channel its own, among them one that is level."""
    function = nn.PReLU(6)
    with torch.no_grad():
        function.weight.copy_(torch.tensor([0.25, 0.1, 0.0, 0.5, 1.5, 0.01]))
    return function


#: Functions, and whether the quantizer behind them is signed; all of the sums of a layer.
THRESHOLDS = {
    "leaky": (lambda: nn.LeakyReLU(0.1), True),
    "prelu": (nn.PReLU, True),
    "prelu of channels": (slopes, True),
    "hardtanh": (lambda: nn.Hardtanh(-0.7, 0.8), True),
    "relu6": (nn.ReLU6, False),
    "relu, signed": (nn.ReLU, True),
    "sigmoid": (nn.Sigmoid, False),
    "tanh": (nn.Tanh, True),
    "elu": (nn.ELU, True),
    "softplus": (nn.Softplus, False),
    "falling": (Falling, False),
    "silu above 0": (nn.SiLU, False),
}

#: Functions that rise and fall, of integers.
TABLES = {"silu": nn.SiLU, "gelu": nn.GELU, "hard swish": HardSwish}


def with_thresholds(name):
    torch.manual_seed(11)
    function, signed = THRESHOLDS[name]
    return settled(
        nn.Sequential(
            qnn.QuantIdentity(act_quant=PixelQuant),
            qnn.QuantConv2d(2, 6, 3, padding=1, **MSQ),
            nn.BatchNorm2d(6),
            function(),
            quantizer(signed),
            qnn.QuantConv2d(6, 3, 1, **MSQ),
        ),
        (2, 3, 4),
    )


def with_table(name, bits=6):
    torch.manual_seed(12)
    return settled(
        nn.Sequential(
            qnn.QuantIdentity(act_quant=PixelQuant),
            qnn.QuantConv2d(2, 6, 3, padding=1, **MSQ),
            nn.BatchNorm2d(6),
            quantizer(signed=True, bits=bits),
            TABLES[name](),
            quantizer(signed=True, bits=5),
            qnn.QuantConv2d(6, 3, 1, **MSQ),
        ),
        (2, 3, 4),
    )


def on_wide_sums():
    """A function that rises and falls, of sums that no quantizer made small integers."""
    torch.manual_seed(13)
    return settled(
        nn.Sequential(
            qnn.QuantIdentity(act_quant=PixelQuant),
            qnn.QuantConv2d(2, 6, 3, padding=1, **MSQ),
            nn.BatchNorm2d(6),
            nn.SiLU(),
            quantizer(signed=True, bits=8),
            qnn.QuantConv2d(6, 3, 1, **MSQ),
        ),
        (2, 3, 4),
    )
