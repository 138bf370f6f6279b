"""Layers that meet in an add, and what couples their rows."""

import pytest
import torch
from brevitas.nn import QuantConv2d, QuantLinear, QuantReLU
from torch import nn

from msq_finn.errors import MsqError
from msq_finn.models import digits_cnn, resnet8, resnet18
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows
from msq_finn.training.couple import coupled_layers


def conv(inputs, outputs, **options):
    return QuantConv2d(
        inputs, outputs, 1, bias=False, weight_quant=MSQWeightPerChannelFloat, **options
    )


class Branches(nn.Module):
    """Two branches added, one behind a normalisation; a third layer behind; a stray one."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a = conv(3, 8)
        self.norm = nn.BatchNorm2d(8)
        self.relu = QuantReLU()
        self.b = conv(3, 8)
        self.after = conv(8, 8)
        self.last = conv(8, 6)

    def forward(self, x):
        y = self.relu(self.norm(self.a(x))) + self.b(x)
        return self.last(torch.add(y, self.after(y)))


def test_adds_couple_through_what_keeps_channels():
    assert coupled_layers(Branches()) == [["a", "b", "after"]]


def test_resnets_are_coupled_stage_by_stage():
    assert coupled_layers(resnet8()) == [
        ["1.0", "2.second.0"],
        ["3.second.0", "3.shortcut.0"],
        ["4.second.0", "4.shortcut.0"],
    ]
    assert [len(group) for group in coupled_layers(resnet18())] == [3, 3, 3, 3]


def test_chains_are_not_coupled():
    assert coupled_layers(digits_cnn()) == []


class Undecided(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = QuantLinear(3, 3, bias=False, weight_quant=MSQWeightPerChannelFloat)

    def forward(self, x):
        return self.fc(x) if x.sum() > 0 else x


def test_networks_that_decide_on_values_are_refused():
    with pytest.raises(MsqError, match=r"torch\.fx can't trace Undecided"):
        coupled_layers(Undecided())


@pytest.mark.parametrize("strategy", ["variance", "mse", "hessian"])
def test_coupled_rows_get_the_same_schemes(strategy):
    model = Branches()
    x = torch.rand(2, 3, 4, 4)
    before = assign_rows(model, {})
    names = assign_rows(
        model, {"a": 3}, strategy, lambda: model(x).square().sum(), coupled_layers(model)
    )
    assert names["a"] == names["b"] == names["after"]
    assert names["a"].count("sp2_4") == 3
    assert names["last"] == before["last"]


def test_coupled_layers_count_alike():
    """Rows that are narrow in all layers, for the layers' sizes, are SP2."""
    model = Branches()
    with torch.no_grad():
        for layer, size in ((model.a, 100.0), (model.b, 1.0), (model.after, 0.01)):
            layer.weight.copy_(torch.randn_like(layer.weight))
            layer.weight[:4] /= 10
            layer.weight *= size
        model.a.weight[0] *= 3
    names = assign_rows(model, {"a": 0.5}, coupled=coupled_layers(model))
    assert names["after"] == ["sp2_4"] * 4 + ["fixed_4"] * 4


def test_contradictions_are_refused():
    model = Branches()
    groups = coupled_layers(model)
    with pytest.raises(MsqError, match="layers a, b, after must have the same rows"):
        assign_rows(model, {"a": 3, "b": 4}, coupled=groups)
    with pytest.raises(MsqError, match="layers a, last: coupled layers must have the same number"):
        assign_rows(model, {"a": 0.5}, coupled=[["a", "last"]])
    with pytest.raises(MsqError, match="no row-mixed layer is named 'z'"):
        assign_rows(model, {"a": 0.5}, coupled=[["a", "z"]])
