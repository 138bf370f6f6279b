"""A network for every line of the page "What can be built"."""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFloat
from torch import nn

from msq_finn.models import ActQuant, PixelQuant
from msq_finn.nn import QuantGRU
from msq_finn.post_training.value_functions import Rising
from msq_finn.training.assign import assign_rows, mixed_layers
from msq_finn.training.couple import coupled_layers

from .map_networks import MSQ, conv, relu

MAP, VECTOR, SIGNAL = (2, 4, 6), (6,), (2, 8)


def pixels():
    return qnn.QuantIdentity(act_quant=PixelQuant)


def signed(bits=4):
    return qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=bits)


class Body(nn.Module):
    """Quantized pixels, a convolution, what is tried, and a convolution at the end."""

    def __init__(self, tried, channels=4, head=None, stem=None):
        super().__init__()
        self.pixels, self.stem = pixels(), stem or conv(2, 4)
        self.tried = tried if isinstance(tried, nn.Module) else None
        self.function = tried
        self.head = head or qnn.QuantConv2d(channels, 3, 1, **MSQ)

    def forward(self, x):
        return self.head(self.function(self.stem(self.pixels(x))))


def tried(function, channels=4, **more):
    return Body(function, channels, **more), MAP


def layer(*sizes, channels=4, **more):
    """A convolution with a normalisation and an activation behind the first."""
    return tried(conv(4, channels, *sizes, **more), channels)


def activation(*modules, bits=4, unsigned=False):
    behind = qnn.QuantIdentity(
        act_quant=ActQuant if unsigned else Int8ActPerTensorFloat, bit_width=bits
    )
    stem = nn.Sequential(qnn.QuantConv2d(2, 4, 3, padding=1, **MSQ), nn.BatchNorm2d(4))
    return tried(nn.Sequential(*modules, behind), stem=stem)


class Added(nn.Module):
    def __init__(self, first, second, join=torch.add):
        super().__init__()
        self.first, self.second, self.join = first, second, join

    def forward(self, x):
        return self.join(self.first(x), self.second(x))


def join(operation, same):
    one = signed()
    parts = [
        nn.Sequential(qnn.QuantConv2d(4, 4, 3, padding=1, **MSQ), nn.BatchNorm2d(4), q)
        for q in (one, one if same else signed())
    ]
    return tried(Added(*parts, operation), 8 if operation is concatenated else 4)


def concatenated(a, b):
    return torch.cat([a, b], 1)


class Skip(nn.Module):
    """A sum with the block's input, through one quantizer."""

    def __init__(self):
        super().__init__()
        self.conv, self.one = conv(4, 4), signed()

    def forward(self, x):
        return self.one(self.conv(x)) + self.one(x)


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(pixels(), conv(2, 4))
        self.heads = nn.ModuleList(qnn.QuantConv2d(4, n, 1, **MSQ) for n in (2, 3))

    def forward(self, x):
        x = self.body(x)
        return tuple(head(x) for head in self.heads)


class Inputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.pixels = nn.ModuleList(pixels() for _ in range(2))
        joined = relu()
        self.stems = nn.ModuleList(conv(2, 3, activate=joined) for _ in range(2))
        self.head = qnn.QuantConv2d(6, 3, 1, **MSQ)

    def forward(self, *given):
        parts = zip(self.stems, self.pixels, given, strict=True)
        return self.head(torch.cat([stem(q(x)) for stem, q, x in parts], 1))


def mlp(*end, start=()):
    layers = [pixels(), qnn.QuantLinear(6, 8, **MSQ), relu()]
    return nn.Sequential(*start, *layers, qnn.QuantLinear(8, 4, **MSQ), *end), VECTOR


def signals(*tried):
    return nn.Sequential(
        pixels(),
        qnn.QuantConv1d(2, 4, 3, padding=1, **MSQ),
        nn.BatchNorm1d(4),
        relu(),
        *tried,
        nn.Flatten(),
        qnn.QuantLinear(4 if tried else 32, 3, **MSQ),
    ), SIGNAL


def pooled(*behind):
    """A classifier behind the average of the whole map."""
    end = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *behind)
    return tried(end, head=qnn.QuantLinear(4, 3, **MSQ))


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def split(x):
    return torch.split(x, [1, 3], 1)[1]


class Sequences(nn.Module):
    def __init__(self, kind, own_scale=False, **options):
        super().__init__()
        self.rnn = kind(6, 4, batch_first=True, **options, **MSQ)
        self.fc = qnn.QuantLinear(16 if options else 8, 4, **MSQ)
        self.signed = signed() if own_scale else nn.Identity()
        if own_scale:
            self.rnn.layers[0][0].quantize_output_only = True
            self.signed.return_quant_tensor = True

    def forward(self, x):
        return self.fc(self.rnn(self.signed(x))[0].flatten(1))


def recurrent(kind, **options):
    return Sequences(kind, **options), (2, 6)


NETWORKS = {
    "Linear": lambda: mlp(),
    "Conv1d": lambda: signals(),
    "Conv2d": lambda: layer(3, stride=2),
    "Conv2d with groups": lambda: layer(3, groups=2),
    "Conv2d, depthwise": lambda: layer(3, groups=4),
    "Conv2d, depthwise, two outputs a channel": lambda: layer(3, groups=4, channels=8),
    "Conv2d with dilation": lambda: layer(3, dilation=2, padding=2),
    "Conv2d with padding='same'": lambda: layer(3, padding="same"),
    "ConvTranspose2d": lambda: tried(
        nn.Sequential(qnn.QuantConvTranspose2d(4, 4, 2, stride=2, **MSQ), nn.BatchNorm2d(4), relu())
    ),
    "Linear behind the average of a map": lambda: pooled(),
    "Linear behind an average and a quantizer": lambda: pooled(signed(8)),
    "a layer on float inputs": lambda: (
        nn.Sequential(qnn.QuantLinear(6, 8, **MSQ), relu(), qnn.QuantLinear(8, 4, **MSQ)),
        VECTOR,
    ),
    "QuantLSTM": lambda: recurrent(qnn.QuantLSTM),
    "msq_finn.nn.QuantGRU": lambda: recurrent(QuantGRU),
    "both directions": lambda: recurrent(qnn.QuantLSTM, bidirectional=True),
    "inputs that io_quant does not quantize": lambda: recurrent(QuantGRU, own_scale=True),
    "MaxPool2d": lambda: tried(nn.MaxPool2d(2)),
    "MaxPool2d of signed values": lambda: tried(nn.Sequential(signed(), nn.MaxPool2d(2))),
    "MaxPool2d of signed values, padded": lambda: tried(
        nn.Sequential(signed(), nn.MaxPool2d(3, padding=1))
    ),
    "MaxPool2d with dilation": lambda: tried(nn.MaxPool2d(2, dilation=2)),
    "AvgPool2d": lambda: tried(nn.AvgPool2d((2, 3), (2, 1))),
    "Upsample, nearest": lambda: tried(nn.Upsample(scale_factor=2)),
    "Upsample, bilinear": lambda: tried(nn.Upsample(scale_factor=2, mode="bilinear")),
    "ZeroPad2d": lambda: tried(nn.ZeroPad2d((1, 0, 2, 1))),
    "ReflectionPad2d": lambda: tried(nn.ReflectionPad2d(1)),
    "torch.split": lambda: tried(Function(split), 3),
    "a slice of channels": lambda: tried(Function(lambda x: x[:, 1:]), 3),
    "pixels of a map as channels (PixelUnshuffle)": lambda: tried(nn.PixelUnshuffle(2), 16),
    "a sum, one quantizer for both branches": lambda: join(torch.add, True),
    "a sum with a block's input": lambda: tried(Skip()),
    "a sum of branches of two scales": lambda: join(torch.add, False),
    "a concatenation, one quantizer for all": lambda: join(concatenated, True),
    "a concatenation of two scales": lambda: join(concatenated, False),
    "a map concatenated with itself": lambda: tried(
        Added(nn.Identity(), nn.Identity(), concatenated), 8
    ),
    "a product of two branches": lambda: join(torch.mul, True),
    "ReLU": lambda: activation(nn.ReLU(), unsigned=True),
    "ReLU6": lambda: activation(nn.ReLU6(), unsigned=True),
    "LeakyReLU": lambda: activation(nn.LeakyReLU(0.1)),
    "PReLU": lambda: activation(nn.PReLU(4)),
    "Hardtanh": lambda: activation(nn.Hardtanh()),
    "Sigmoid": lambda: activation(nn.Sigmoid(), unsigned=True),
    "Tanh": lambda: activation(nn.Tanh()),
    "ELU": lambda: activation(nn.ELU()),
    "SiLU, unsigned": lambda: activation(nn.SiLU(), unsigned=True),
    "SiLU from its least value on": lambda: activation(Rising(nn.SiLU()), bits=5),
    "SiLU of 8 bits": lambda: activation(signed(8), nn.SiLU(), bits=8),
    "GELU of 6 bits": lambda: activation(signed(6), nn.GELU(), bits=6),
    "SiLU of sums": lambda: activation(nn.SiLU(), bits=8),
    "a function without a quantizer": lambda: tried(nn.Tanh()),
    "activations of 1 bit": lambda: activation(bits=1),
    "activations of 9 bits": lambda: activation(bits=9),
    "several outputs": lambda: (Heads(), MAP),
    "several inputs": lambda: (Inputs(), MAP, MAP),
    "Softmax at the end": lambda: mlp(nn.Softmax(1)),
    "Softmax of a map's channels at the end": lambda: (
        nn.Sequential(pixels(), qnn.QuantConv2d(2, 4, 3, **MSQ), nn.Softmax(1)),
        MAP,
    ),
    "Sigmoid at the end": lambda: mlp(nn.Sigmoid()),
    "Tanh at the end": lambda: mlp(nn.Tanh()),
    "ReLU at the end": lambda: mlp(nn.ReLU()),
    "LogSoftmax at the end": lambda: mlp(nn.LogSoftmax(1)),
    "normalisation of the input": lambda: mlp(start=[nn.BatchNorm1d(6)]),
}


def network(what):
    """The network of a line, settled, and the shapes of its inputs."""
    torch.manual_seed(0)
    model, *shapes = NETWORKS[what]()
    example = tuple(torch.rand(1, *shape) for shape in shapes)
    if mixed_layers(model):
        assign_rows(model, 0.5, coupled=coupled_layers(model, example))
    model.train()
    with torch.no_grad():
        for _ in range(30):
            model(*(torch.rand(16, *shape) for shape in shapes))
    return model.eval(), [(1, *shape) for shape in shapes]
