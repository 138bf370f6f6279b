"""Random small networks of everything that the page "What can be built" lists."""

from __future__ import annotations

import random

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFloat
from torch import nn
from torch.nn import functional

from msq_finn.models import ActQuant, PixelQuant
from msq_finn.quant import FixedWeightPerTensorFloat, MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows, mixed_layers
from msq_finn.training.couple import coupled_layers

WIDTHS = (1, 2, 3, 4, 5, 6, 7, 8)

KINDS = (
    *("conv", "depthwise", "grouped", "add", "concat", "pool", "average", "up", "pad", "split"),
    *("dilated", "transposed"),
)


#: Kinds of blocks that are no modules.
_WITHOUT_WEIGHTS = ("pool", "average", "up", "pad", "overlapping")


class Random(nn.Module):
    """A network that a seed decides: a stem, blocks, and one or two heads.

    Args:
        seed: of every choice.
    """

    rows, pixels_of_rows = (4, 5, 6, 7), (4, 5, 6)
    kernels, kinds_of_blocks = (1, 3, 3), KINDS
    ends_of_maps = ("map", "average", "flat")

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.choose = random.Random(seed)
        self.shape = (
            self.choose.choice((1, 2, 3)),
            self.choose.choice(self.rows),
            self.choose.choice(self.pixels_of_rows),
        )
        signed = self.choose.random() < 0.3
        pixels = qnn.QuantIdentity(act_quant=PixelQuant)
        self.pixels = self._quantizer(True, 8) if signed else pixels
        channels = self.choose.choice(WIDTHS)
        self.blocks = nn.ModuleList([self._conv(self.shape[0], channels)])
        self.kinds = ["stem"]
        for _ in range(self.choose.randrange(1, 4)):
            channels = self._add_block(channels)
        self.pooled = self.choose.choice(self.ends_of_maps)
        size = self._size(channels)
        self.heads = nn.ModuleList(
            self._head(size) for _ in range(self.choose.choice((1, 1, 1, 2)))
        )
        ends = (nn.Identity(), nn.Identity(), nn.Softmax(1), nn.Sigmoid(), nn.ReLU())
        self.end = self.choose.choice(ends)

    def _quantizer(self, signed, bits=4):
        act_quant = Int8ActPerTensorFloat if signed else ActQuant
        return qnn.QuantIdentity(act_quant=act_quant, bit_width=bits)

    def _activation(self, channels):
        kind = self.choose.choice(
            ("relu",) * 4
            + ("signed", "leaky", "prelu", "hardtanh", "sigmoid", "tanh", "elu", "silu")
        )
        bits = self.choose.choice((2, 3, 4, 4, 4, 5))
        if kind == "relu":
            return [qnn.QuantReLU(act_quant=ActQuant, bit_width=bits)]
        if kind == "signed":
            return [self._quantizer(True, max(bits, 3))]
        if kind == "silu":
            return [self._quantizer(True, 6), nn.SiLU(), self._quantizer(True, 4)]
        function = {
            "leaky": nn.LeakyReLU(0.2),
            "prelu": nn.PReLU(self.choose.choice((1, channels))),
            "hardtanh": nn.Hardtanh(),
            "sigmoid": nn.Sigmoid(),
            "tanh": nn.Tanh(),
            "elu": nn.ELU(),
        }[kind]
        return [function, self._quantizer(kind != "sigmoid", 4)]

    def _weights(self):
        if self.choose.random() < 0.2:
            return {"weight_quant": FixedWeightPerTensorFloat}
        ratio = self.choose.choice((0.0, 0.3, 0.5, 1.0))
        return {"weight_quant": MSQWeightPerChannelFloat, "weight_sp2_ratio": ratio}

    def _conv(self, inputs, outputs, activation=None, **more):
        kernel = more.pop("kernel", None) or self.choose.choice(self.kernels)
        make = more.pop("layer", qnn.QuantConv2d)
        # Without a scale of its own a float bias goes into the thresholds too.
        padding = more.pop("padding") if "padding" in more else kernel // 2
        shape = {"padding": padding, "bias": self.choose.random() < 0.3} | more
        layer = make(inputs, outputs, kernel, **shape, **self._weights())
        norm = nn.BatchNorm2d(outputs)
        with torch.no_grad():
            norm.weight.copy_(torch.rand(outputs) + 0.5)
            if self.choose.random() < 0.4:
                norm.weight[::2] *= -1
        return nn.Sequential(layer, norm, *(activation or self._activation(outputs)))

    def _add_block(self, channels):
        kind = self.choose.choice(self.kinds_of_blocks)
        outputs = channels
        if kind == "conv":
            outputs = self.choose.choice(WIDTHS)
            block = self._conv(channels, outputs, stride=self.choose.choice((1, 1, 2)))
        elif kind == "depthwise":
            outputs = channels * self.choose.choice((1, 1, 2))
            block = self._conv(channels, outputs, groups=channels)
        elif kind == "grouped" and channels % 2 == 0:
            block = self._conv(channels, channels, groups=2)
        elif kind == "dilated":
            block = self._conv(channels, channels, kernel=3, padding=2, dilation=2)
        elif kind == "transposed":
            outputs = self.choose.choice(WIDTHS)
            block = self._conv(
                channels, outputs, kernel=self.choose.choice((2, 3)), padding=0,
                stride=self.choose.choice((1, 2)), layer=qnn.QuantConvTranspose2d,
            )  # fmt: skip
        elif kind == "add":
            joined = self._quantizer(True, 4)
            block = nn.ModuleList([self._conv(channels, channels, [joined], kernel=3), joined])
        elif kind == "concat":
            joined = qnn.QuantReLU(act_quant=ActQuant)
            widths = [self.choose.choice(WIDTHS) for _ in range(2)]
            block = nn.ModuleList(self._conv(channels, w, [joined]) for w in widths)
            outputs = sum(widths)
        elif kind == "split" and channels > 1:
            block = self._conv(channels // 2, channels // 2)
        else:
            kind = kind if kind in _WITHOUT_WEIGHTS else "pool"
            block = nn.Identity()
        self.blocks.append(block)
        self.kinds.append(kind)
        return outputs if kind != "split" else channels // 2

    def _size(self, channels):
        with torch.no_grad():
            self.eval()
            x = self._body(torch.rand(1, *self.shape))
            self.train()
        return channels if self.pooled in ("map", "average") else x[0].numel()

    def _head(self, size):
        outputs = self.choose.choice((1, 2, 3, 5))
        quant = self.choose.choice((MSQWeightPerChannelFloat, FixedWeightPerTensorFloat))
        options = {"bias": False, "weight_quant": quant}
        if self.pooled == "map":
            return qnn.QuantConv2d(size, outputs, 1, **options)
        return qnn.QuantLinear(size, outputs, **options)

    def _body(self, x):
        x = self.pixels(x)
        for kind, block in zip(self.kinds, self.blocks, strict=True):
            if kind == "add":
                x = block[0](x) + block[1](x)
            elif kind == "concat":
                x = torch.cat([part(x) for part in block], 1)
            elif kind == "split":
                x = block(x[:, : x.shape[1] // 2])
            elif kind == "pool" and min(x.shape[2:]) > 1:
                x = functional.max_pool2d(x, 2)
            elif kind == "overlapping" and min(x.shape[2:]) > 1:
                x = functional.max_pool2d(x, 3, 2, padding=1)
            elif kind == "average" and min(x.shape[2:]) > 1:
                x = functional.avg_pool2d(x, 2)
            elif kind == "up" and max(x.shape[2:]) < 8:
                x = functional.interpolate(x, scale_factor=2)
            elif kind == "pad":
                x = functional.pad(x, (1, 0, 0, 1))
            else:
                x = block(x)
        return x

    def forward(self, x):
        x = self._body(x)
        if self.pooled == "average":
            x = torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1)
        elif self.pooled == "flat":
            x = torch.flatten(x, 1)
        found = tuple(self.end(head(x)) for head in self.heads)
        return found if len(found) > 1 else found[0]


class Wide(Random):
    """A network of wide maps or of signals, whose rows are often whole words of pixels.

    Args:
        seed: of every choice.
    """

    rows, pixels_of_rows = (1, 2, 3, 4, 5, 8, 16), (8, 12, 16, 16, 24, 30, 32, 1)
    kernels = (1, 2, 3, 3, 3, 4, 5)
    # Fewer of those through which one pixel goes in a cycle.
    kinds_of_blocks = (
        *("conv", "conv", "depthwise", "depthwise", "grouped", "add", "add", "pool", "pool"),
        *("overlapping", "overlapping", "average", "pad", "concat", "split", "dilated"),
    )
    ends_of_maps = ("average", "average", "map", "flat")

    def _conv(self, inputs, outputs, activation=None, **more):
        kernel = more.pop("kernel", None) or self.choose.choice(self.kernels)
        kind = self.choose.random()
        if "padding" not in more and self.shape[2] == 1 and kind < 0.6:
            sizes = {"kernel": (kernel | 1, 1), "padding": (kernel // 2, 0)}
            return super()._conv(inputs, outputs, activation, **sizes, **more)
        if "padding" not in more and (kernel % 2 == 0 or kind < 0.1):
            before, after = (kernel - 1) // 2, kernel // 2
            sides = (before, after) if kind < 0.5 else (after, before)
            conv = super()._conv(inputs, outputs, activation, kernel=kernel, padding=0, **more)
            return nn.Sequential(nn.ZeroPad2d(sides * 2), *conv)
        return super()._conv(inputs, outputs, activation, kernel=kernel, **more)


def network(seed, make=Random):
    """The network of a seed, its rows assigned and statistics settled; and its input's shape.

    Args:
        make: kind of random network.
    """
    model = make(seed)
    example = torch.rand(1, *model.shape)
    if mixed_layers(model):
        assign_rows(model, 0.5, coupled=coupled_layers(model, example))
    model.train()
    with torch.no_grad():
        for _ in range(30):
            model(torch.rand(16, *model.shape))
    return model.eval(), model.shape
