"""Operations that float networks hold, each through quantization to hardware."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import msq_finn
from msq_finn.lowering.lower import Target, lower
from msq_finn.lowering.partition import layers_on_host
from msq_finn.lowering.rtl_nodes import check_rtl
from msq_finn.plan.frontend.source import export
from msq_finn.post_training.quantize import standard_form

from ..build.whole import same_in_python


class Between(nn.Module):
    """Something between two convolutions."""

    def __init__(self, form, channels=4, norm=True):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4) if norm else nn.Identity()
        self.form = form if isinstance(form, nn.Module) else None
        self.function = form
        self.last = nn.Conv2d(channels, 3, 1)

    def forward(self, x):
        return self.last(self.function(self.norm(self.first(x))))


class Signals(nn.Module):
    """Something between two convolutions of signals; an image's lines are their channels."""

    def __init__(self, form):
        super().__init__()
        self.first, self.form = nn.Conv1d(6, 4, 3), form
        self.last = nn.Conv1d(4, 3, 1)

    def forward(self, x):
        return self.last(self.form(F.relu(self.first(x.squeeze(1)))))


class SignalEnds(nn.Module):
    """Signals that are normalised before the first layer, and a softmax behind the last."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv1d(6, 4, 3), nn.Conv1d(4, 3, 1)
        self.register_buffer("mean", torch.linspace(0.3, 0.7, 6)[None, :, None])

    def forward(self, x):
        x = F.relu(self.one((x.squeeze(1) - self.mean) / 0.3))
        return F.softmax(self.two(x), dim=-2)


class Maxima(nn.Module):
    """What makes one value of a channel's map, or signal, in front of a layer."""

    def __init__(self, form, signal=False):
        super().__init__()
        self.first = nn.Conv1d(6, 4, 1) if signal else nn.Conv2d(1, 4, 3)
        self.form, self.signal, self.fc = form, signal, nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(self.form(F.relu(self.first(x.squeeze(1) if self.signal else x))))


class Ends(nn.Module):
    """Something behind the last layer."""

    def __init__(self, form):
        super().__init__()
        self.fc, self.form = nn.Linear(36, 5), form

    def forward(self, x):
        return self.form(self.fc(x.flatten(1)))


class Heads(nn.Module):
    """Two outputs, one behind an activation."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
        self.one, self.two = nn.Conv2d(4, 2, 1), nn.Conv2d(4, 3, 3)

    def forward(self, x):
        x = F.silu(self.body(x))
        return self.one(x), torch.sigmoid(self.two(x))


class Pyramid(nn.Module):
    """A coarse map that goes to a layer, and enlarged to a finer one, as in a feature pyramid."""

    def __init__(self):
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 2, stride=2)
        self.lateral, self.one, self.two = (nn.Conv2d(4, 4, 1) for _ in range(3))

    def forward(self, x):
        x = F.relu(self.fine(x))
        y = self.coarse(x)
        z = self.lateral(x) + F.interpolate(y, size=x.shape[-2:])
        return self.one(y), self.two(z)


class Padded(nn.Module):
    """A map that nothing activates, padded to the size of its shortcut, as in a U-net."""

    def __init__(self):
        super().__init__()
        self.outer, self.inner = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 3, 3)
        self.last = nn.Conv2d(7, 3, 1)

    def forward(self, x):
        x = F.relu(self.outer(x))
        return self.last(torch.cat([x, F.pad(self.inner(x), (1, 1, 1, 1))], 1))


class Boxes(nn.Module):
    """A detector's heads on two maps: channels last, in fours, one list of all."""

    def __init__(self):
        super().__init__()
        self.fine, self.coarse = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 6, 3, stride=2)
        self.heads = nn.ModuleList([nn.Conv2d(4, 8, 1), nn.Conv2d(6, 4, 1)])

    def forward(self, x):
        maps = [F.relu(self.fine(x))]
        maps.append(F.relu(self.coarse(maps[0])))
        found = [head(x).permute(0, 2, 3, 1) for head, x in zip(self.heads, maps, strict=True)]
        return torch.sigmoid(torch.cat([y.reshape(y.shape[0], -1, 4) for y in found], 1))


class Branches(nn.Module):
    """Two branches whose maps are flattened before they meet, in front of a layer or at the end."""

    def __init__(self, sizes=(3, 3), last=True):
        super().__init__()
        self.one, self.two = (nn.Conv2d(1, 4, size) for size in sizes)
        self.fc = nn.LazyLinear(3) if last else nn.Identity()

    def forward(self, x):
        one, two = self.one(x), self.two(x)
        if not isinstance(self.fc, nn.Identity):
            one, two = F.relu(one), F.relu(two)
        return self.fc(torch.cat([one.flatten(1), two.flatten(1)], 1))


class InputAgain(nn.Module):
    """The network's input beside what a layer makes of it, averaged or summed by windows."""

    def __init__(self, average):
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(4, 4, 3)
        self.average, self.fc = average, nn.LazyLinear(3)

    def forward(self, x):
        x = torch.cat([F.relu(self.one(x)), x], 1)
        return self.fc(self.average(F.relu(self.two(x))).flatten(1))


def halves(x):
    a, b = F.relu(x).chunk(2, 1)
    return torch.cat([b, a], 1)


def uneven(x):
    _, b, c = torch.split(F.silu(x), [1, 2, 1], dim=1)
    return torch.cat([c, F.max_pool2d(b, 3, 1, 1)], 1)


def bracketed(x):
    x = torch.relu(x)
    return x[:, 1:3]


def layer(*made):
    return nn.Sequential(nn.ReLU(), *made, nn.ReLU())


BETWEEN = {
    "sigmoid": lambda: Between(nn.Sigmoid()),
    "tanh": lambda: Between(torch.tanh),
    "leaky": lambda: Between(nn.LeakyReLU(0.1)),
    "a little leaky": lambda: Between(lambda x: F.leaky_relu(x, 0.01)),
    "prelu": lambda: Between(nn.PReLU(4)),
    "elu": lambda: Between(F.elu),
    "celu": lambda: Between(nn.CELU()),
    "selu": lambda: Between(nn.SELU()),
    "softsign": lambda: Between(nn.Softsign()),
    "hardtanh": lambda: Between(nn.Hardtanh(-1, 2)),
    "silu": lambda: Between(nn.SiLU(inplace=True)),
    "silu of sums without normalisation": lambda: Between(F.silu, norm=False),
    "gelu": lambda: Between(F.gelu),
    "gelu by tanh": lambda: Between(lambda x: F.gelu(x, approximate="tanh")),
    "mish": lambda: Between(nn.Mish()),
    "hardswish": lambda: Between(nn.Hardswish()),
    "hardsigmoid": lambda: Between(nn.Hardsigmoid()),
    "softplus": lambda: Between(nn.Softplus()),
    "pooled before it is activated": lambda: Between(lambda x: F.silu(F.max_pool2d(x, 2))),
    "activated, averaged": lambda: Between(lambda x: F.avg_pool2d(F.leaky_relu(x, 0.2), 2)),
    "dilation": lambda: Between(layer(nn.Conv2d(4, 4, 3, padding=2, dilation=2))),
    "depthwise dilation": lambda: Between(layer(nn.Conv2d(4, 4, 3, dilation=2, groups=4))),
    "transposed": lambda: Between(layer(nn.ConvTranspose2d(4, 4, 2, stride=2))),
    "transposed, padded": lambda: Between(
        layer(nn.ConvTranspose2d(4, 6, 3, 2, padding=1, output_padding=1)), 6
    ),
    "transposed groups": lambda: Between(layer(nn.ConvTranspose2d(4, 4, 2, 2, groups=2))),
    "normalisation without weights": lambda: Between(
        nn.Sequential(nn.BatchNorm2d(4, affine=False), nn.ReLU())
    ),
    "enlarged before a sum": Pyramid,
    "padded before a concatenation": Padded,
    "halves that are added": lambda: Between(lambda x: sum(x.chunk(2, 1)), 2),
    "upsampling": lambda: Between(nn.Sequential(nn.ReLU(), nn.Upsample(scale_factor=(2, 3)))),
    "interpolation": lambda: Between(lambda x: F.interpolate(F.relu(x), size=(12, 12))),
    "pads": lambda: Between(lambda x: F.pad(F.relu(x), (1, 0, 2, 1))),
    "averages with padding": lambda: Between(lambda x: F.avg_pool2d(F.relu(x), 3, 1, 1)),
    "averages of signals": lambda: Signals(nn.AvgPool1d(2)),
    "averages of signals with padding": lambda: Signals(lambda x: F.avg_pool1d(x, 3, 2, 1)),
    "signals that meet": lambda: Signals(lambda x: torch.cat([x[:, 2:], x[:, :2]], 1)),
    "signals normalised, and their softmax": lambda: SignalEnds(),
    "pads of signals": lambda: Signals(nn.ConstantPad1d((2, 1), 0.0)),
    "maxima of maps": lambda: Maxima(lambda x: x.amax((2, 3))),
    "maxima of maps that stay": lambda: Maxima(
        lambda x: torch.amax(x, dim=(-1, -2), keepdim=True).flatten(1)
    ),
    "maxima of signals": lambda: Maxima(lambda x: torch.max(x, 2)[0], signal=True),
    "maxima of signals that stay": lambda: Maxima(
        lambda x: x.max(dim=-1, keepdim=True).values.squeeze(2), signal=True
    ),
    "the one pixel": lambda: Maxima(lambda x: F.adaptive_avg_pool2d(x, 1)[:, :, 0, 0]),
    "pads of signed values": lambda: Between(nn.Sequential(nn.Tanh(), nn.ZeroPad2d(1))),
    "halves": lambda: Between(halves),
    "parts of unequal size": lambda: Between(uneven, 3),
    "brackets": lambda: Between(bracketed, 2),
    "an ellipsis": lambda: Between(lambda x: F.relu(x)[:, 1:3, ...], 2),
    "clamps": lambda: Between(lambda x: x.clamp(min=0) + torch.clamp(x, 0, 2).clip(0, 1)),
    "windows of the map's size": lambda: Between(lambda x: F.avg_pool2d(F.relu(x), x.shape[2:])),
    "a window of the map's width": lambda: Between(
        lambda x: F.max_pool2d(F.relu(x), kernel_size=x.size(-1))
    ),
    "a sum of a list": lambda: Between(lambda x: sum([F.relu(x), torch.sigmoid(x)])),
    "ceil_mode without a window over the edge": lambda: Between(
        layer(nn.AvgPool2d(2, ceil_mode=True), nn.MaxPool2d((3, 1), ceil_mode=True))
    ),
    "softmax at the end": lambda: Ends(nn.Softmax(1)),
    "sigmoid at the end": lambda: Ends(nn.Sigmoid()),
    "relu at the end": lambda: Ends(lambda y: F.relu(y)),
    "scaled and shifted at the end": lambda: Ends(lambda y: 2 * torch.tanh(y / 3) - 1),
    "one number an image": lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 1), nn.Flatten(0)),
    "boxes": Boxes,
    "channels as pixels at the end": lambda: nn.Sequential(nn.Conv2d(1, 8, 3), nn.PixelShuffle(2)),
    "flattened maps": Branches,
    "flattened maps at the end": lambda: Branches((3, 1), last=False),
    "softmax of pixels at the end": lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.Softmax(1)),
    "two outputs": Heads,
    "the input again, average of the map": lambda: InputAgain(nn.AdaptiveAvgPool2d(1)),
    "the input again, averages": lambda: InputAgain(nn.AvgPool2d(2)),
}

FAST = {"silu", "leaky", "transposed", "parts of unequal size", "two outputs"}
FAST |= {"averages with padding", "pads of signals", "maxima of maps", "maxima of signals"}
FAST |= {"averages of signals", "signals that meet", "signals normalised, and their softmax"}
FAST |= {"boxes", "channels as pixels at the end", "flattened maps", "flattened maps at the end"}
FAST |= {"scaled and shifted at the end", "one number an image"}
FAST |= {"padded before a concatenation", "halves that are added"}
FAST |= {"gelu by tanh", "enlarged before a sum", "normalisation without weights"}
FAST |= {"the input again, average of the map", "the input again, averages"}


def made(case):
    """The network, its normalisation settled, and inputs."""
    torch.manual_seed(0)
    network = BETWEEN[case]()
    with torch.no_grad():
        for _ in range(10):
            network.train()(torch.rand(16, 1, 6, 6))
    return network.eval(), torch.rand(32, 1, 6, 6)


@pytest.mark.parametrize("case", BETWEEN)
def test_the_standard_form_computes_what_the_network_does(case):
    network, x = made(case)
    with torch.no_grad():
        torch.testing.assert_close(standard_form(network, x)(x), network(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "case", [c if c in FAST else pytest.param(c, marks=pytest.mark.slow) for c in BETWEEN]
)
def test_hardware_computes_what_the_quantized_network_does(case, tmp_path):
    network, x = made(case)
    quantized = msq_finn.quantize(network, x, epochs=0)
    source = tmp_path / "model.onnx"
    export(quantized, source, (1, 6, 6))
    lowered = lower(source, Target("Pynq-Z1"), tmp_path)
    check_rtl(lowered.model)
    assert not layers_on_host(lowered.parent)
    images, reference, _ = same_in_python(lowered, source)
    with torch.no_grad():
        expected, floats = quantized(torch.from_numpy(images)), network(torch.from_numpy(images))
    for ours, exported, real in zip(each(expected), each(reference), each(floats), strict=True):
        torch.testing.assert_close(torch.from_numpy(exported), ours, rtol=1e-3, atol=1e-4)
        assert (ours - real).square().mean() < 0.3 * real.var() + 1e-4


def each(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)
