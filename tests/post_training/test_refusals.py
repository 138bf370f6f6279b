"""What has no hardware is named, all of it, in one line."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import prune

import msq_finn
from msq_finn.errors import MsqError


class Gate(nn.Module):
    """Decides on values."""

    def forward(self, x):
        return x if x.sum() > 0 else -x


class Everything(nn.Module):
    """Several faults at once, in modules and in functions."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.inner = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), Gate())
        self.act, self.rnn = nn.GLU(1), nn.LSTM(2, 4)
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        x = self.act(self.inner(F.interpolate(self.conv(x), scale_factor=2, mode="bilinear")))
        x = F.normalize(x, dim=1)
        x, _ = self.rnn(x.mean((2, 3)))
        return self.fc(x)


def test_every_fault_is_in_one_line():
    with pytest.raises(MsqError) as caught:
        msq_finn.quantize(Everything(), torch.rand(2, 1, 8, 8))
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("Everything cannot be quantized: ")
    for said in (
        "Everything, interpolate: upsamples by mode 'bilinear'; hardware has 'nearest'",
        "inner.0: pads by 'reflect'",
        "inner.1: torch.fx cannot trace it (",
        "act: GLU has no place in it; there is hardware for convolutions",
        "rnn: LSTM has no place in it; train brevitas.nn.QuantLSTM from its parameters",
    ):
        assert said in text
    assert text.count(": ") < 20 and "getitem" not in text


def sequence(*layers):
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(2))


class Twice(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.conv, self.fc, self.body = nn.Conv2d(1, 1, 3, padding=1), nn.Linear(36, 2), forward

    def forward(self, x):
        return self.body(self, x)


def flat(net, x):
    return net.fc(x.flatten(1))


def beside_itself(x, changed):
    return torch.cat([x, torch.relu(changed(x))], 1)[:, :1]


def changed_under_another_name(x):
    before = x
    x += torch.relu(x)
    return before.add(F.max_pool2d(x, 3, 1, 1))


def pruned():
    layer = nn.Linear(36, 4)
    prune.l1_unstructured(layer, "weight", 0.5)
    return nn.Sequential(nn.Flatten(), layer, nn.ReLU(), nn.Linear(4, 2))


CASES = {
    "called twice": (
        Twice(lambda net, x: flat(net, net.conv(net.conv(x).relu()).relu())),
        "conv: is called 2 times; give each call a layer of its own",
    ),
    "a value twice": (
        Twice(lambda net, x: flat(net, (lambda y: y + y)(net.conv(x)))),
        "Twice, add: reads one value twice",
    ),
    "a constant that is no layer's": (
        Twice(lambda net, x: flat(net, beside_itself(net.conv(x), lambda y: y + 1))),
        "adds something else than",
    ),
    "broadcasting": (
        Twice(lambda net, x: flat(net, net.conv(x) + net.conv(x).mean((2, 3), keepdim=True))),
        "different shapes|is called 2 times",
    ),
    "a product": (
        Twice(lambda net, x: flat(net, net.conv(x) * torch.sigmoid(x))),
        "mul has no place in it",
    ),
    "a scale that is no layer's": (
        Twice(lambda net, x: flat(net, beside_itself(net.conv(x), lambda y: 2 * y))),
        "mul has no place in it; layers take constants, where they are next to one",
    ),
    "a constant and a 0": (
        Twice(lambda net, x: flat(net, beside_itself(net.conv(x), lambda y: 0 + (y + 2)))),
        "adds something",
    ),
    "a clamp at one end": (
        Twice(lambda net, x: flat(net, net.conv(x).clamp(max=1))),
        "Twice, clamp: clamps at one end, which is not 0; clamp at both",
    ),
    "a value changed that is read again": (
        Twice(lambda net, x: flat(net, changed_under_another_name(net.conv(x)))),
        "Twice: its graph computes something else than the network, as where .* in place",
    ),
    "a mean of one axis": (
        Twice(lambda net, x: net.fc(net.conv(x).mean(3).flatten(1).repeat(1, 6))),
        "Twice, mean: mean has no place in it; hardware has it of whole maps, and of windows",
    ),
    "a mean": (Twice(lambda net, x: flat(net, net.conv(x).mean(1, keepdim=True))), "mean"),
    "mixed images": (
        Twice(lambda net, x: net.fc(net.conv(x).view(-1, 36 * x.size(0))[:, :36])),
        "reshapes",
    ),
    "its input again": (
        Twice(lambda net, x: (flat(net, net.conv(x)), x)),
        "returns as output 1 what no layer computed",
    ),
    "names of results": (
        Twice(lambda net, x: {"y": flat(net, net.conv(x))}),
        "returns values by name",
    ),
    "axis of a concatenation": (
        Twice(lambda net, x: net.fc(torch.cat([net.conv(x), x], 2).flatten(1)[:, :36])),
        "concatenates along axis 2",
    ),
    "no layer": (nn.Sequential(nn.ReLU(), nn.Flatten()), "has no layer with weights"),
    "softmax between": (
        nn.Sequential(nn.Flatten(), nn.Linear(36, 2), nn.Softmax(1), nn.Linear(2, 2)),
        "2: Softmax between layers has no hardware",
    ),
    "log softmax between": (
        nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.LogSoftmax(1), nn.Linear(4, 2)),
        "2: LogSoftmax between layers",
    ),
    "weights of a function": (
        Twice(lambda net, x: flat(net, F.conv2d(x, net.conv.weight, padding=1))),
        "let a module hold its weights",
    ),
    "uneven adaptive pool": (
        sequence(nn.Conv2d(1, 2, 3, padding=1), nn.AdaptiveAvgPool2d(4)),
        "1: an adaptive pool from 6x6 to 4x4",
    ),
    "dilated pool": (
        sequence(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, dilation=2)),
        "2: no hardware for a pool's dilation",
    ),
    "maxima over the edge": (
        sequence(nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(3, 2, ceil_mode=True)),
        r"1: windows over the edge of 6x6 \(ceil_mode\), where values may be negative; leave",
    ),
    "averages over the edge": (
        sequence(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.AvgPool2d(4, ceil_mode=True)),
        r"2: averages fewer pixels at the edge \(ceil_mode",
    ),
    "pruned weights": (pruned(), "1: its weights are computed from others, as weight_norm, "),
    "normalised weights": (
        nn.Sequential(nn.Flatten(), nn.utils.parametrizations.weight_norm(nn.Linear(36, 2))),
        "1: its weights are computed from others",
    ),
    "averages without the padding": (
        sequence(nn.Conv2d(1, 2, 3), nn.AvgPool2d(3, 1, 1, count_include_pad=False)),
        r"1: averages fewer pixels at the edge \(ceil_mode, count_include_pad=False",
    ),
    "a divisor": (
        sequence(nn.Conv2d(1, 2, 3), nn.AvgPool2d(2, divisor_override=3)),
        "1: an average pool with a divisor of its own",
    ),
    "places of maxima": (
        Twice(lambda net, x: net.fc(net.conv(x).squeeze(1).max(2)[1].float().repeat(1, 6))),
        "max has no place in it",
    ),
    "pixels apart": (
        Twice(lambda net, x: flat(net, torch.cat(net.conv(x).chunk(2, 2), 1)[:, :36])),
        "splits along another axis",
    ),
    "flattened maps of two sizes": (
        Twice(lambda net, x: net.fc(torch.cat([net.conv(x).flatten(1), x.mean((2, 3))], 1)[:, 1:])),
        "concatenates a flattened map with something of another size",
    ),
    "every other channel": (
        Twice(lambda net, x: flat(net, torch.cat([net.conv(x), x], 1)[:, ::2])),
        "in steps of 2",
    ),
    "bilinear": (
        sequence(nn.Conv2d(1, 2, 3), nn.Upsample(scale_factor=2, mode="bilinear")),
        "1: upsamples by mode 'bilinear'",
    ),
    "uneven upsampling": (
        sequence(nn.Conv2d(1, 2, 3), nn.Upsample(size=(6, 6))),
        "1: upsamples 4x4 to 6x6; hardware does by whole factors",
    ),
    "padding with ones": (
        sequence(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.ConstantPad2d(1, 1.0)),
        "2: pads with 1; hardware pads with zeros",
    ),
    "cropping": (
        sequence(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.ZeroPad2d(-1)),
        "crops; hardware only pads",
    ),
    "instances": (sequence(nn.Conv2d(1, 2, 3), nn.InstanceNorm2d(2)), "InstanceNorm2d has no"),
    "batch statistics": (
        sequence(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, track_running_stats=False)),
        "1: normalises by the batch's own statistics",
    ),
    "tokens": (nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2)), "0: a fully connected"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_hardware_does_not_have_is_named(case):
    network, message = CASES[case]
    x = torch.randn(2, 1, 6, 6)  # values of both signs behind any convolution
    network.eval()(x)
    with pytest.raises(MsqError, match=message):
        msq_finn.quantize(network, x)


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, left, right):
        return self.fc(left) + self.fc(right)


def diverged():
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    network[1].running_var[2] = torch.nan
    return network


LINEAR = nn.Linear(4, 2)
GIVEN = {
    "two inputs": ((Pair(), torch.rand(1, 4)), {}, "its forward takes 2 inputs"),
    "no batch": ((LINEAR, torch.rand(4)), {}, "give an input of the network with its batch"),
    "integers": ((LINEAR, torch.ones(1, 4).long()), {}, "a tensor of finite floats"),
    "not finite": ((LINEAR, torch.full((1, 4), torch.nan)), {}, "a tensor of finite floats"),
    "other shape": ((LINEAR, torch.rand(1, 3)), {}, "it does not run on two inputs of 3"),
    "not finite weights": (
        (diverged(), torch.rand(1, 4)),
        {},
        "Sequential: 1.running_var holds values that are not finite",
    ),
    "no data": ((LINEAR, torch.rand(1, 4), []), {}, "at least one batch"),
    "other data": ((LINEAR, torch.rand(1, 4), torch.rand(2, 5)), {}, r"inputs of shape \(5,\)"),
    "plan and board": (
        (LINEAR, torch.rand(1, 4)),
        {"plan": "plan.yaml", "board": "Pynq-Z1"},
        "plan and board",
    ),
    "no plan": ((LINEAR, torch.rand(1, 4)), {"plan": "no.yaml"}, "no.yaml: cannot be read"),
    "board": ((LINEAR, torch.rand(1, 4)), {"board": "Pink"}, "unknown board 'Pink'"),
    "bits": ((LINEAR, torch.rand(1, 4)), {"act_bits": 9}, "act_bits=9; give 2 to 8 bits"),
    "half a bit": ((LINEAR, torch.rand(1, 4)), {"weight_bits": 4.0}, "weight_bits=4.0; give 3"),
}


@pytest.mark.parametrize("case", GIVEN)
def test_arguments_are_checked(case):
    arguments, options, message = GIVEN[case]
    with pytest.raises(MsqError, match=message):
        msq_finn.quantize(*arguments, **options)


def test_a_script_module_is_refused():
    # Scripted here: after Brevitas's export_torch_qcdq, older scripted modules crash Python.
    scripted = torch.jit.script(LINEAR)
    with pytest.raises(MsqError, match="RecursiveScriptModule: it is a ScriptModule, which cannot"):
        msq_finn.quantize(scripted, torch.rand(1, 4))
