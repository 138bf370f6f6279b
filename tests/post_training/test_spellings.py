"""Ways to write one operation: each computes the same once rewritten, and goes to hardware."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import msq_finn
from msq_finn.lowering.lower import Target, lower
from msq_finn.lowering.rtl_nodes import check_rtl
from msq_finn.plan.frontend.source import export
from msq_finn.post_training.quantize import standard_form

from ..build.whole import same_in_python


class Between(nn.Module):
    """A convolution, normalised and activated, something, and a classifier."""

    def __init__(self, form, size, channels=4):
        super().__init__()
        conv, norm = (nn.Conv1d, nn.BatchNorm1d) if len(size) == 2 else (nn.Conv2d, nn.BatchNorm2d)
        self.first, self.norm = conv(size[0], channels, 3, padding=1), norm(channels)
        self.second = conv(channels, channels, 3, padding=1)
        self.gain = nn.Parameter(torch.rand(channels, *(1 for _ in size[1:])) + 0.5)
        self.register_buffer("offset", torch.randn(1, channels, *(1 for _ in size[1:])))
        self.form, self.fc = form, nn.LazyLinear(3)

    def forward(self, x):
        return self.fc(self.form(self, F.relu(self.norm(self.first(x)))).flatten(1))


class Vectors(nn.Module):
    """A map that is flattened, and normalised then."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm1d(80)
        self.fc = nn.Linear(80, 3, bias=False)

    def forward(self, x):
        return self.fc(self.norm(F.relu(self.first(x)).flatten(1)))


class Causal(nn.Module):
    """A temporal convolution block: what its padding adds behind is cut off again."""

    def __init__(self, cut):
        super().__init__()
        self.first = nn.Conv1d(2, 4, 3, padding=4, dilation=2)
        self.second = nn.Conv1d(4, 4, 2, padding=1)
        self.cut, self.fc = cut, nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.cut(self.first(x), 4))
        x = F.relu(self.cut(self.second(x), 1).contiguous()) + x
        return self.fc(x.mean(-1))


class ByShape(nn.Module):
    """Decides by the shapes of what it reads and of what its layers make."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.fc = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 3)

    def forward(self, x):
        if x.dim() == 3:
            x = x.unsqueeze(1)
        assert x.shape[1] == 1
        x = F.relu(self.norm(self.first(x)))
        if x.shape[-1] % 2 != 0:
            x = F.pad(x, (0, 1))
        if x.size(2) > 4 and x.ndim == 4:
            x = F.max_pool2d(x, 2)
        return self.fc(x.mean((2, 3)))


class Viewed(nn.Module):
    """A vector laid out as a map as wide as it has channels, and normalised by channel."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.1, 0.5, 0.8]).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor([0.2, 0.3, 0.6]).view(1, 3, 1, 1))
        self.first, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

    def forward(self, x):
        x = (x.view(x.size(0), 3, 4, 3) - self.mean) / self.spread
        return self.fc(F.relu(self.first(x)).mean((2, 3)))


def swish(x):
    return x * x.sigmoid()


IMAGES, SIGNALS = (1, 6, 7), (2, 9)

CASES = {
    "average, axis by axis": (lambda net, x: x.mean(3).mean(2), IMAGES),
    "average, axis by axis, kept": (lambda net, x: x.mean(2, keepdim=True).mean(3, True), IMAGES),
    "average of flat pixels": (lambda net, x: x.view(x.size(0), 4, -1).mean(2), IMAGES),
    "average of flattened pixels": (lambda net, x: torch.mean(x.flatten(2), dim=-1), IMAGES),
    "average of signals": (lambda net, x: x.mean(dim=2), SIGNALS),
    "amax": (lambda net, x: x.amax((2, 3)), IMAGES),
    "amax, kept": (lambda net, x: torch.amax(x, dim=(-1, -2), keepdim=True), IMAGES),
    "maximum of flat pixels": (lambda net, x: x.flatten(2).max(2)[0], IMAGES),
    "values of maxima": (lambda net, x: torch.max(x, 2, keepdim=True).values, SIGNALS),
    "maximum, axis by axis": (lambda net, x: x.max(-1)[0].max(-1)[0], IMAGES),
    "the pixel there is": (lambda net, x: F.adaptive_avg_pool2d(x, 1)[:, :, 0, 0], IMAGES),
    "the last pixel there is": (lambda net, x: F.adaptive_max_pool1d(x, 1)[..., -1], SIGNALS),
    "averages that count padding": (lambda net, x: F.avg_pool2d(x, 3, 1, 1), IMAGES),
    "averages of signals that count padding": (lambda net, x: F.avg_pool1d(x, 3, 2, 1), SIGNALS),
    "maxima over the edge": (lambda net, x: F.max_pool2d(x, 3, 2, ceil_mode=True), IMAGES),
    "maxima over one edge": (lambda net, x: F.max_pool2d(x, 2, ceil_mode=True), IMAGES),
    "maxima with padding over the edge": (
        lambda net, x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
        (1, 8, 8),
    ),
    "a scaled residual": (lambda net, x: F.relu(x + 0.1 * net.second(x)), IMAGES),
    "a scale of channels": (lambda net, x: F.relu(x + net.gain * net.second(x)), IMAGES),
    "an offset of channels": (lambda net, x: F.relu(net.second(x) + net.offset), IMAGES),
    "a difference": (lambda net, x: torch.relu(1 - net.second(x) / 2), SIGNALS),
    "the negative": (lambda net, x: F.relu(-net.second(x)), IMAGES),
    "half of what a ReLU makes": (lambda net, x: F.max_pool2d(x, 2) / 2, IMAGES),
    "half of a sum": (lambda net, x: net.second((x + F.max_pool2d(x, 3, 1, 1)) * 0.5), IMAGES),
    "half of the channels": (lambda net, x: F.relu(net.second(x))[:, : x.shape[1] // 2], IMAGES),
    "causal, from the front": (lambda cut: Causal(lambda x, n: x[:, :, :-n]), SIGNALS),
    "causal, to a length": (lambda cut: Causal(lambda x, n: x[..., : x.size(2) - n]), SIGNALS),
    "swish": (lambda net, x: swish(net.second(x)), IMAGES),
    "swish of modules": (lambda net, x: torch.sigmoid(y := net.second(x)) * y, IMAGES),
    "hard swish": (lambda net, x: (y := net.second(x)) * F.relu6(y + 3) / 6, IMAGES),
    "hard swish by a hard sigmoid": (
        lambda net, x: (y := net.second(x)).mul(F.relu6(y + 3.0).div(6)),
        IMAGES,
    ),
    "hard sigmoid": (lambda net, x: F.relu6(net.second(x) + 3) * (1 / 6), IMAGES),
    "mish": (lambda net, x: (y := net.second(x)) * torch.tanh(F.softplus(y)), IMAGES),
    "normalised vectors": (lambda _: Vectors(), IMAGES),
    "normalised views": (lambda _: Viewed(), (36,)),
    "by shape": (lambda _: ByShape(), (9, 9)),
    "padding of signals": (
        lambda _: nn.Sequential(
            nn.ConstantPad1d((2, 0), 0.0), nn.Conv1d(2, 4, 3), nn.ReLU(), nn.ZeroPad1d((1, 0)),
            nn.Conv1d(4, 4, 2), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3),
        ),
        SIGNALS,
    ),
}  # fmt: skip

#: Those that are lowered as well in every test run, and in the slow one all.
FAST = {"average, axis by axis", "maxima over the edge", "a scale of channels", "half of a sum"}
FAST |= {
    "hard swish",
    "averages that count padding",
    "causal, from the front",
    "by shape",
    "normalised vectors",
}


def made(case):
    """The network, its normalisation settled, and inputs."""
    torch.manual_seed(1)
    form, size = CASES[case]
    whole = case.startswith(("causal", "by shape", "padding of", "normalised"))
    network = form(None) if whole else Between(form, size)
    inputs = torch.rand(40, *size)
    for _ in range(20):
        network(inputs)
    return network.eval(), inputs


@pytest.mark.parametrize("case", CASES)
def test_it_computes_the_same_and_is_quantized(case):
    network, inputs = made(case)
    names = {name for name, module in network.named_modules() if list(module.parameters(False))}
    form = standard_form(network, inputs[:1])  # which compares a batch of two, for signs
    torch.testing.assert_close(form(inputs), network(inputs), rtol=1e-4, atol=1e-5)
    kept = {name for name, module in form.named_modules() if list(module.parameters(False))}
    assert kept <= names  # layers keep theirs
    quantized = msq_finn.quantize(network, inputs[:1], inputs, epochs=4)
    with torch.no_grad():
        outputs, found = network(inputs), quantized(inputs)
    assert (found - outputs).square().mean() < 0.1 * outputs.var()


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=() if c in FAST else pytest.mark.slow) for c in CASES]
)
def test_it_goes_to_hardware(case, tmp_path):
    network, inputs = made(case)
    quantized = msq_finn.quantize(network, inputs[:1], inputs, epochs=0)
    source = tmp_path / "model.onnx"
    export(quantized, source, tuple(inputs.shape[1:]))
    lowered = lower(source, Target("Pynq-Z1"), tmp_path)
    check_rtl(lowered.model)
    same_in_python(lowered, source, 10)
