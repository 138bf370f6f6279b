"""Small row-mixed networks with several heads or several inputs."""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFloat
from torch import nn
from torch.nn import functional

from msq_finn.models import PixelQuant
from msq_finn.training.assign import assign_rows
from msq_finn.training.couple import coupled_layers

from .map_networks import MSQ, conv, relu


def settled(model, *shapes):
    """Couple what is added, and settle statistics on random inputs."""
    example = tuple(torch.rand(1, *shape) for shape in shapes)
    assign_rows(model, 0.5, coupled=coupled_layers(model, example))
    model.train()
    with torch.no_grad():
        for _ in range(40):
            model(*(torch.rand(16, *shape) for shape in shapes))
    return model.eval()


class TwoHeads(nn.Module):
    """A map of boxes at one stage, labels behind a pool at the next, and a tensor from inside."""

    def __init__(self):
        super().__init__()
        self.pixels = qnn.QuantIdentity(act_quant=PixelQuant)
        self.stem, self.deep = conv(2, 6), conv(6, 5)
        self.boxes = qnn.QuantConv2d(6, 3, 1, **MSQ)
        self.labels = qnn.QuantLinear(5, 4, **MSQ)

    def forward(self, x):
        x = self.stem(self.pixels(x))
        low = self.deep(functional.max_pool2d(x, 2))
        pooled = torch.flatten(functional.adaptive_avg_pool2d(low, 1), 1)
        return self.boxes(x), low, self.labels(pooled)


def three_heads():
    """Three outputs of different rates; one of them is read inside too."""
    torch.manual_seed(6)
    return settled(TwoHeads(), (2, 4, 6))


class MultiTask(nn.Module):
    """Two linear heads on one stem."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            qnn.QuantIdentity(act_quant=PixelQuant), qnn.QuantLinear(6, 8, **MSQ), relu()
        )
        self.first, self.second = qnn.QuantLinear(8, 3, **MSQ), qnn.QuantLinear(8, 5, **MSQ)

    def forward(self, x):
        x = self.stem(x)
        return self.first(x), self.second(x)


def two_heads():
    torch.manual_seed(7)
    return settled(MultiTask(), (6,))


class TwoInputs(nn.Module):
    """An image and another of half its size, concatenated behind upsampling and added."""

    def __init__(self, join):
        super().__init__()
        self.join, joined = join, qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=4)
        self.pixels = nn.ModuleList(qnn.QuantIdentity(act_quant=PixelQuant) for _ in range(2))
        self.fine, self.coarse = conv(1, 4, activate=joined), conv(2, 4, activate=joined)
        self.head = qnn.QuantConv2d(4 if join == "add" else 8, 3, 1, **MSQ)

    def forward(self, left, right):
        left = self.fine(self.pixels[0](left))
        right = functional.interpolate(self.coarse(self.pixels[1](right)), scale_factor=2)
        return self.head(left + right if self.join == "add" else torch.cat([left, right], 1))


class FlatHeads(nn.Module):
    """Two linear heads on one flattened map."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(qnn.QuantIdentity(act_quant=PixelQuant), conv(1, 3))
        self.first, self.second = qnn.QuantLinear(18, 3, **MSQ), qnn.QuantLinear(18, 5, **MSQ)

    def forward(self, x):
        x = torch.flatten(self.stem(x), 1)
        return self.first(x), self.second(x)


def flat_heads():
    torch.manual_seed(14)
    return settled(FlatHeads(), (1, 2, 3))


class SmallInputs(nn.Module):
    """Two vectors, concatenated, and two heads of which one gives a label."""

    def __init__(self):
        super().__init__()
        self.left, self.right = (qnn.QuantIdentity(act_quant=PixelQuant) for _ in range(2))
        self.joined = relu()
        self.layers = nn.ModuleList(qnn.QuantLinear(n, 4, **MSQ) for n in (5, 3))
        self.heads = nn.ModuleList(qnn.QuantLinear(8, n, **MSQ) for n in (2, 6))

    def forward(self, left, right):
        left = self.joined(self.layers[0](self.left(left)))
        right = self.joined(self.layers[1](self.right(right)))
        x = torch.cat([left, right], 1)
        return self.heads[0](x), self.heads[1](x)


def small_inputs():
    torch.manual_seed(10)
    return settled(SmallInputs(), (5,), (3,))


def added_inputs():
    torch.manual_seed(8)
    return settled(TwoInputs("add"), (1, 4, 6), (2, 2, 3))


def concatenated_inputs():
    torch.manual_seed(9)
    return settled(TwoInputs("concat"), (1, 4, 6), (2, 2, 3))
