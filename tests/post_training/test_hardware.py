"""From a float network to RTL: the same integers as the exported file has."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import msq_finn
from msq_finn.build.simulate import reference_outputs
from msq_finn.plan.frontend.source import network_of_module
from msq_finn.plan.making import make_plan
from msq_finn.training.assign import mixed_layers, row_schemes

from .architectures import NETWORKS


class SmallResNet(nn.Module):
    """A shortcut, biases, functions, a pool in front of an activation, a log softmax."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.fc = nn.Linear(16, 3)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu6(x + self.bn2(self.conv2(x)))
        return F.log_softmax(self.fc(x.view(x.size(0), -1)), dim=1)


def small():
    torch.manual_seed(3)
    network = SmallResNet()
    with torch.no_grad():
        network.train()(torch.rand(32, 1, 6, 6))
    return network.eval()


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    x = torch.rand(64, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    quantized = msq_finn.quantize(small(), x[:1], x, epochs=1)
    return msq_finn.compile(
        quantized, example=x[:1], out=tmp_path_factory.mktemp("rtl") / "out", target_fps=100_000,
        images=x[:4].numpy(),
    )  # fmt: skip


def test_rtl_computes_what_the_network_does(design):
    assert (design.figures["rtl_mismatches"], design.figures["rtl_faults"]) == (0, 0)
    expected = reference_outputs(design.folder / "model.onnx", design.images)
    np.testing.assert_allclose(design.outputs, expected, rtol=1e-3, atol=1e-3)
    assert np.ptp(expected) > 0.01
    assert not design.figures["layers_on_host"]


def test_layers_of_the_report_are_those_of_the_float_network(design):
    summary = json.loads((design.folder / "summary.json").read_text())
    names = {layer["name"] for layer in summary["layers"]}
    assert names == {"conv1", "conv2", "fc"}


def test_a_board_says_which_rows_are_what():
    """As planning the same network says."""
    x = torch.rand(8, 1, 6, 6)
    plain = msq_finn.quantize(small(), x, epochs=0)
    network = network_of_module(plain, "SmallResNet", "Pynq-Z1", (1, 6, 6))
    plan = make_plan(network, "Pynq-Z1", "xc7z020clg400-1", "DSP48E1").plan
    expected = {layer.name: layer.rows.get("sp2_4", 0) for layer in plan.layers}
    quantized = msq_finn.quantize(small(), x, board="Pynq-Z1", epochs=0)
    mixed = mixed_layers(quantized)
    found = {name: row_schemes(layer).count("sp2_4") for name, layer in mixed.items()}
    assert set(expected) == {"conv1", "conv2", "fc"}
    assert {name: found.get(name, 0) for name in expected} == expected
    assert found.get("conv1", 0) == found.get("conv2", 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_architecture_lowers_to_hardware(name, tmp_path):
    torch.manual_seed(0)
    network = NETWORKS[name]()
    with torch.no_grad():
        network.train()(torch.rand(16, 1, 28, 28))
    x = torch.rand(32, 1, 28, 28)
    quantized = msq_finn.quantize(network.eval(), x, epochs=0)
    design = msq_finn.compile(
        quantized, example=x[:1], out=tmp_path / "out", target_fps=5000, until="estimate"
    )
    layers = [
        n for n, m in network.named_modules() if isinstance(m, nn.Linear | nn.modules.conv._ConvNd)
    ]
    assert {layer["name"] for layer in design.figures["layers"]} == set(layers)
    assert not design.figures["layers_on_host"]
