"""Small row-mixed networks that pad, enlarge, split, join and average their maps."""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFloat
from torch import nn
from torch.nn import functional

from msq_finn.models import ActQuant, PixelQuant
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows
from msq_finn.training.couple import coupled_layers

MSQ = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}


def relu():
    return qnn.QuantReLU(act_quant=ActQuant)


def conv(inputs, outputs, kernel=3, activate=None, **more):
    """A convolution that keeps the map's size, a normalisation and an activation."""
    layer = qnn.QuantConv2d(inputs, outputs, kernel, **({"padding": kernel // 2} | MSQ | more))
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), activate or relu())


def settled(model, shape):
    """Couple what is added, and settle statistics on random images."""
    assign_rows(model, 0.5, coupled=coupled_layers(model, torch.rand(1, *shape)))
    model.train()
    with torch.no_grad():
        for _ in range(40):
            model(torch.rand(16, *shape))
    return model.eval()


class UNet(nn.Module):
    """A map, its pool enlarged twice over and by a transposed convolution, and all of them."""

    def __init__(self):
        super().__init__()
        joined = relu()  # one scale for what is concatenated
        self.pixels = qnn.QuantIdentity(act_quant=PixelQuant)
        self.pad = nn.ZeroPad2d((0, 1, 0, 0))
        self.fine = conv(2, 3, activate=joined)
        self.coarse = conv(3, 5)
        self.enlarged = conv(5, 2, 1, activate=joined)
        turned = qnn.QuantConvTranspose2d(5, 3, (2, 3), stride=2, padding=(0, 1), **MSQ)
        # Some gains are negative.
        normalise = nn.BatchNorm2d(3)
        with torch.no_grad():
            normalise.weight[::2] *= -1
        self.transposed = nn.Sequential(turned, normalise, joined)
        self.head = qnn.QuantConv2d(8, 3, 1, **MSQ)

    def forward(self, x):
        x = self.fine(self.pad(self.pixels(x)))  # 4x5
        low = self.coarse(functional.pad(functional.max_pool2d(x, 2, 2), (0, 1, 0, 0)))  # 2x3
        high = self.enlarged(functional.interpolate(low, scale_factor=2))
        high = functional.max_pool2d(high, (1, 2), 1)  # 4x5
        return self.head(torch.cat([high, x, self.transposed(low)], 1))


def unet():
    torch.manual_seed(1)
    return settled(UNet(), (2, 4, 4))


class PooledSum(nn.Module):
    """Padded images, a sum that is pooled, and a quantizer behind the pool and a flattening."""

    def __init__(self):
        super().__init__()
        self.pixels = qnn.QuantIdentity(act_quant=PixelQuant)
        self.stem = conv(1, 5, padding=0)
        self.branch = conv(5, 5)
        self.operand = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=4)
        self.pooled = qnn.QuantIdentity(act_quant=PixelQuant, bit_width=8)
        self.classifier = qnn.QuantLinear(5, 3, **MSQ)

    def forward(self, x):
        x = self.stem(self.pixels(functional.pad(x, (2, 0, 1, 1))))
        x = self.operand(self.branch(x)) + self.operand(x)
        return self.classifier(self.pooled(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1)))


def pooled_sum():
    torch.manual_seed(2)
    return settled(PooledSum(), (1, 3, 5))


class Split(nn.Module):
    """Channels in three parts, of which one goes through another layer, joined again."""

    def __init__(self):
        super().__init__()
        self.pixels, self.act = qnn.QuantIdentity(act_quant=PixelQuant), relu()
        self.stem = conv(2, 9, 1, activate=self.act)
        self.branch = conv(5, 3, activate=self.act)
        self.head = qnn.QuantConv2d(12, 4, 1, **MSQ)

    def forward(self, x):
        first, second, third = torch.split(self.stem(self.pixels(x)), [1, 5, 3], 1)
        return self.head(torch.cat([first, second, third, self.branch(second)], 1))


def split():
    torch.manual_seed(3)
    return settled(Split(), (2, 3, 5))


def averages():
    """Averages of parts, one of them truncated to a nearest integer, and a wide sum at the end."""
    torch.manual_seed(4)
    last = qnn.QuantLinear(3, 4, **MSQ)
    traced = qnn.QuantReLU(act_quant=ActQuant, return_quant_tensor=True)
    model = nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuant),
        conv(2, 6, groups=2),
        nn.AvgPool2d((2, 3), (1, 2)),
        conv(6, 3, activate=traced),
        qnn.TruncAvgPool2d(2, stride=1, bit_width=4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        last,
    )
    with torch.no_grad():  # -8 is the largest weight of every row
        last.weight.clamp_(-0.2, 0.2)
        last.weight[:, 0] = -0.5
    return settled(model, (2, 7, 17))
