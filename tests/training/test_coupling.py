"""Couplings of the same network written in many ways, against groups found by hand."""

import operator
import warnings

import pytest
import torch
from brevitas.nn import QuantEltwiseAdd, QuantIdentity, QuantReLU
from torch import nn
from torch.ao.nn.quantized import FloatFunctional
from torch.nn import functional as F

from msq_finn.training.couple import coupled_layers
from tests.training.test_couple import conv

IMAGES = torch.rand(2, 3, 4, 4)


class Residual(nn.Module):
    """A stem and two residual layers; ``branch`` and ``add`` are written in the style to test."""

    def __init__(self):
        super().__init__()
        self.stem, self.a, self.b = conv(3, 8), conv(8, 8), conv(8, 8)
        self.gamma = nn.Parameter(torch.ones(8, 1, 1))
        self.bias = nn.Parameter(torch.zeros(4))
        self.register_buffer("mean", torch.zeros(8))
        self.register_buffer("var", torch.ones(8))
        self.gate = nn.Conv2d(8, 8, 1)
        self.eltwise = QuantEltwiseAdd()
        self.relu = QuantReLU()
        self.identity = QuantIdentity(return_quant_tensor=True)
        self.nothing = nn.Identity()
        self.functional = FloatFunctional()

    def written(self, branch, add):
        """The same layers, with another way from one to the next."""
        self.branch, self.add = branch, add
        return self

    def forward(self, x):
        x = self.stem(x)
        for layer in (self.a, self.b):
            x = self.add(self, self.branch(self, layer(x)), x)
        return x


@pytest.fixture(scope="module")
def residual():
    return Residual()


def groups(model, example):
    """The groups, and the layers and reasons of warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = coupled_layers(model, example)
    return found, [str(w.message) for w in caught if "the rows of" in str(w.message)]


def plain(m, y):
    return y


def plus(m, y, x):
    return y + x


def drop_path(y, p, training):
    """As in timm: off in evaluation, else by a random factor per sample."""
    if not training:
        return y
    keep = y.new_empty((y.shape[0],) + (1,) * (y.ndim - 1)).bernoulli_(1 - p)
    return y * keep.div_(1 - p)


@torch.jit.script
def scripted(y):
    return y * 2


class Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y):
        return y.round()

    @staticmethod
    def backward(ctx, g):
        return g


def squeeze_excite(m, y):
    n, c, _, _ = y.size()
    return y * torch.sigmoid(m.gate(F.adaptive_avg_pool2d(y, 1))).view(n, c, 1, 1).expand_as(y)


def channels_last(m, y):
    y = F.layer_norm(y.permute(0, 2, 3, 1), (8,), m.mean + 1, m.var)
    return (F.gelu(y) * m.gamma.flatten()).permute(0, 3, 1, 2)


def tokens(m, y):
    n, c, h, w = y.shape
    return y.flatten(2).transpose(1, 2).contiguous().transpose(-1, -2).reshape(n, c, h, w)


BRANCHES = {
    "F.relu": lambda m, y: F.relu(y),
    "F.relu in place": lambda m, y: F.relu(y, inplace=True),
    "method relu": lambda m, y: y.relu(),
    "method relu_": lambda m, y: y.relu_(),
    "F.hardswish": lambda m, y: F.hardswish(y),
    "leaky": lambda m, y: F.leaky_relu(y, 0.1),
    "clamp": lambda m, y: y.clamp(0, 6),
    "torch.clamp": lambda m, y: torch.clamp(y, min=0),
    "sigmoid by hand": lambda m, y: y * torch.sigmoid(y),
    "F.dropout": lambda m, y: F.dropout(y, 0.1, m.training),
    "F.dropout2d": lambda m, y: F.dropout2d(y, 0.1, m.training),
    "layer scale": lambda m, y: y * m.gamma,
    "layer scale in front": lambda m, y: m.gamma * y,
    "torch.mul": lambda m, y: torch.mul(y, m.gamma),
    "in place": lambda m, y: y.mul_(m.gamma),
    "factor": lambda m, y: 0.5 * y,
    "quotient": lambda m, y: y / 2,
    "negation": lambda m, y: -y,
    "bias of places": lambda m, y: y + m.bias,
    "F.batch_norm": lambda m, y: F.batch_norm(y, m.mean, m.var),
    "F.max_pool2d": lambda m, y: F.max_pool2d(y, 3, 1, 1),
    "F.avg_pool2d": lambda m, y: F.avg_pool2d(y, 3, 1, 1),
    "global pool": lambda m, y: F.adaptive_avg_pool2d(y, 1),
    "mean": lambda m, y: y.mean((2, 3), keepdim=True),
    "mean and view": lambda m, y: y.mean([-1, -2]).view(-1, 8, 1, 1),
    "two means": lambda m, y: y.mean(-1).mean(-1)[..., None, None],
    "maximum along": lambda m, y: y.max(2, keepdim=True)[0],
    "F.interpolate": lambda m, y: F.interpolate(y, scale_factor=1.0),
    "F.pad": lambda m, y: F.pad(y, (1, 1, 1, 1))[:, :, 1:-1, 1:-1],
    "contiguous": lambda m, y: y.contiguous().clone(),
    "to": lambda m, y: y.to(torch.float32).float().type_as(y),
    "identity": lambda m, y: m.nothing(y),
    "quantized identity": lambda m, y: m.identity(y),
    "quantized relu": lambda m, y: m.relu(y),
    "channels last": channels_last,
    "tokens": tokens,
    "unsqueeze": lambda m, y: y.unsqueeze(1).squeeze(1),
    "index of none": lambda m, y: y[:, None][:, 0],
    "roll": lambda m, y: torch.roll(y, 1, dims=2),
    "chunk of rows": lambda m, y: torch.cat(torch.chunk(y, 2, dim=2), 2),
    "halves": lambda m, y: torch.cat([y[:, :4], y[:, 4:]], 1),
    "narrow": lambda m, y: torch.cat([y.narrow(1, 0, 4), torch.narrow(y, 1, 4, 4)], 1),
    "split": lambda m, y: torch.cat(y.split(4, 1), dim=1),
    "where": lambda m, y: torch.where(y > 0, y, 0.1 * y),
    "drop path": lambda m, y: drop_path(y, 0.1, m.training),
    "gate": lambda m, y: y * torch.sigmoid(m.gate(y)),
    "squeeze and excite": squeeze_excite,
    "spatial gate": lambda m, y: y * torch.sigmoid(y.mean(1, keepdim=True)),
    "matrix": lambda m, y: y @ m.bias.diag(),
    "no grad": lambda m, y: y + y.detach().abs(),
    "straight through": lambda m, y: Straight.apply(y),
}
RUN_ONLY = {"setitem", "copy", "straight through", "a function that torch doesn't show"}
"""What torch.fx refuses."""

ADDS = {
    "x + y": lambda m, y, x: x + y,
    "torch.add": lambda m, y, x: torch.add(y, x),
    "alpha": lambda m, y, x: torch.add(y, x, alpha=0.5),
    "method add": lambda m, y, x: y.add(x),
    "add_": lambda m, y, x: y.add_(x, alpha=2),
    "add_ the other way": lambda m, y, x: x.add_(y),
    "iadd": lambda m, y, x: operator.iadd(y, x),
    "difference": lambda m, y, x: y - x,
    "sum": lambda m, y, x: sum([y, x]),
    "stack and sum": lambda m, y, x: torch.stack([y, x]).sum(0),
    "stack and mean": lambda m, y, x: torch.stack((y, x), dim=1).mean(dim=1),
    "lerp": lambda m, y, x: torch.lerp(y, x, 0.5),
    "addcmul": lambda m, y, x: torch.addcmul(x, y, m.gamma),
    "product": lambda m, y, x: y * x.sigmoid(),
    "maximum": lambda m, y, x: torch.maximum(y, x),
    "eltwise layer": lambda m, y, x: m.eltwise(y, x),
    "torch's functional module": lambda m, y, x: m.functional.add_relu(y, x),
    "into zeros": lambda m, y, x: torch.zeros_like(x).add_(y).add_(x),
    "dictionary": lambda m, y, x: sum({"y": y, "x": x}.values()),
    "quantized": lambda m, y, x: m.identity(y) + m.identity(x),
    "halves added": lambda m, y, x: torch.cat([y[:, :4] + x[:, :4], y[:, 4:] + x[:, 4:]], 1),
    "side by side": lambda m, y, x: torch.cat([y, x], dim=2)[:, :, :4],
}


def accumulate(m, y, x):
    out = torch.zeros_like(x)
    out.add_(y)
    out.add_(x)
    return out


ADDS["accumulated"] = accumulate

STYLES = {
    **{name: (branch, plus) for name, branch in BRANCHES.items()},
    **{name: (plain, add) for name, add in ADDS.items()},
}


def both_ways(styles):
    """Each style traced by torch.fx, where it can, and run."""
    cases = [(style, runs) for style in styles for runs in (False, True)]
    possible = [(style, runs) for style, runs in cases if runs or style not in RUN_ONLY]
    ids = [f"{style}, {'run' if runs else 'traced'}" for style, runs in possible]
    return pytest.mark.parametrize(("style", "runs"), possible, ids=ids)


@both_ways(STYLES)
def test_however_it_is_written_all_three_layers_are_coupled(residual, style, runs):
    model = residual.written(*STYLES[style])
    assert groups(model, IMAGES if runs else None) == ([["stem", "a", "b"]], [])


APART = {
    "chain": lambda m, y, x: y,
    "concatenation": lambda m, y, x: torch.cat([y, x], 1)[:, :8],
    "mean over channels": lambda m, y, x: y + x.mean(1, keepdim=True),
    "mean of all": lambda m, y, x: y * x.mean(),
    "parameter": lambda m, y, x: y + m.gamma,
    "another's channels": lambda m, y, x: y + m.gate(x),
    "zeros": lambda m, y, x: y + torch.zeros_like(x),
    "shape": lambda m, y, x: y * x.shape[1],
    "overwritten": lambda m, y, x: y.reshape(x.shape),
}


@both_ways(APART)
def test_layers_that_need_no_coupling_have_none(residual, style, runs):
    assert groups(residual.written(plain, APART[style]), IMAGES if runs else None) == ([], [])


def parts_written(m, y):
    buffer = torch.zeros_like(y)
    buffer[:, :4] = y[:, :4]
    return buffer


def views_written(m, y):
    buffer = torch.zeros_like(y)
    buffer.narrow(1, 0, 4).copy_(y[:, :4])
    return buffer


LOST = {
    "setitem": parts_written,
    "copy": views_written,
    "pixel_shuffle": lambda m, y: F.pixel_unshuffle(F.pixel_shuffle(y, 2), 2),
    "flip": lambda m, y: y.flip(1),
    "getitem": lambda m, y: y[:, [1, 0, 3, 2, 5, 4, 7, 6]],
    "einsum": lambda m, y: torch.einsum("nchw,cd->ndhw", y, m.mean.diag()),
    "cumsum": lambda m, y: y.cumsum(1),
    "index_select": lambda m, y: y.index_select(1, torch.arange(8)),
    "a function that torch doesn't show": lambda m, y: scripted(y),
}


@both_ways(LOST)
def test_what_cannot_be_followed_is_named_with_the_layers(residual, style, runs):
    found, said = groups(residual.written(LOST[style], plus), IMAGES if runs else None)
    assert found == []
    assert len(said) == 1 and f"the rows of stem, a, b meet behind {style}," in said[0]
