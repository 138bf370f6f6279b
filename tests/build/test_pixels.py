"""Networks through which several pixels go in a cycle: bit for bit, as fast as planned."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from msq_finn.build.differences import mismatches
from msq_finn.build.end_ports import input_ports
from msq_finn.build.generate import generate
from msq_finn.build.simulate import reference_outputs
from msq_finn.build.verdict.judge import judge
from msq_finn.lowering.cycles import predicted_interval
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target
from msq_finn.models import ActQuant, LayerFactory
from msq_finn.plan.frontend.graph import network_of_file
from msq_finn.plan.making import make_plan
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows
from msq_finn.training.couple import coupled_layers

from .networks import _settled, exported
from .whole import STALLS, rtl_outputs, same_in_rtl

BOARD, PART, BLOCK = "ZCU104", "xczu7ev-ffvc1156-2-e", "DSP48E2"


class Block(nn.Module):
    """A convolution, one that is added to it, a pool and a strided convolution."""

    def __init__(self, channels: int = 4) -> None:
        super().__init__()
        make = LayerFactory(MSQWeightPerChannelFloat, {})
        self.stem = nn.Sequential(make.identity(), make.conv_relu(2, channels))
        self.operand = make.identity(ActQuant)
        self.branch = nn.Sequential(make.conv(channels, channels, 3), make.norm(channels))
        self.relu = make.relu()
        strided = make.conv_relu(channels, 3, stride=2)
        self.rest = nn.Sequential(nn.MaxPool2d(2), strided, nn.Flatten(), make.classifier(48, 3))

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        return self.rest(self.relu(self.operand(self.branch(x)) + self.operand(x)))


def residual(channels: int = 4) -> nn.Module:
    torch.manual_seed(5)
    model = Block(channels)
    assign_rows(model, 0.5, coupled=coupled_layers(model))
    return _settled(model, (16, 2, 8, 32))


def signal() -> nn.Module:
    torch.manual_seed(7)
    make = LayerFactory(MSQWeightPerChannelFloat, {}, dims=1)
    layers = [make.identity(), make.conv_relu(2, 6), nn.MaxPool1d(2), make.conv_relu(6, 4)]
    layers += [nn.MaxPool1d(4), nn.Flatten(), make.classifier(64, 4)]
    model = nn.Sequential(*layers)
    assign_rows(model, 0.5)
    return _settled(model, (16, 2, 128))


def padded() -> nn.Module:
    """A convolution without padding, a 1x1 one, and a pool with padding."""
    torch.manual_seed(8)
    make = LayerFactory(MSQWeightPerChannelFloat, {})
    layers = [make.identity(), make.conv_relu(1, 4, (3, 3)), make.conv_relu(4, 5, 1)]
    layers += [nn.MaxPool2d(3, stride=2, padding=1), nn.Flatten()]
    model = nn.Sequential(*layers, make.classifier(5 * 5 * 9, 3))
    assign_rows(model, 0.5)
    return _settled(model, (16, 1, 12, 20))


def depthwise() -> nn.Module:
    """A strided convolution, of which four windows leave at once, before a depthwise one."""
    torch.manual_seed(9)
    make = LayerFactory(MSQWeightPerChannelFloat, {})
    layers = [make.identity(), make.conv_relu(1, 4, stride=2), make.conv_relu(4, 4, groups=4)]
    model = nn.Sequential(*layers, nn.Flatten(), make.classifier(256, 3))
    assign_rows(model, 0.0)
    return _settled(model, (16, 1, 8, 32))


#: Network, input, cycles a frame to plan for, pixels of each layer.
CASES = {
    "residual": (residual, (1, 2, 8, 32), 105, [4, 4, 2, 1]),
    "signal": (signal, (1, 2, 128), 40, [4, 2, 1]),
    "padded": (padded, (1, 1, 12, 20), 130, [2, 2, 1]),
    "depthwise": (depthwise, (1, 1, 8, 32), 62, [8, 2, 1]),
}


def all_the_way(folder, case):
    make, shape, cycles, pixels = CASES[case]
    source = exported(make(), folder / "model.onnx", shape)
    network = network_of_file(source, BOARD)
    plan = make_plan(network, BOARD, PART, BLOCK, target_fps=1e8 / cycles).plan
    assert [layer.pixels for layer in plan.layers] == pixels
    plan.save(folder / "plan.yaml")
    lowered = generate(source, Target(BOARD, plan=folder / "plan.yaml"), folder)
    _, images, found, _ = same_in_rtl(lowered, folder, 6, rel=0.02, abs=3)
    assert predicted_interval(lowered.model) <= plan.cycles
    return lowered, images, found


def test_a_build_without_a_plan_takes_the_pixels_that_its_rate_needs(tmp_path):
    _, shape, cycles, _ = CASES["residual"]
    source = exported(residual(channels=2), tmp_path / "model.onnx", shape)
    lowered, images, outputs = rtl_outputs(source, tmp_path, 1e8 / cycles, count=3, **STALLS)
    reference, step = reference_outputs(source, images), Host(lowered.parent).output_step()
    assert mismatches(outputs, reference, step) == 0
    assert np.ptp(reference) > 5 * step.max()
    assert predicted_interval(lowered.model) <= cycles
    kinds = Counter(node.op_type for node in lowered.model.graph.node)
    assert kinds["ConvolutionInputGeneratorPixels_rtl"] == 4
    assert kinds["PoolPixels_rtl"] == 1
    # On a board, words are as wide as a map's.
    (port,) = input_ports(lowered.model)
    assert (port.shape, port.elements, port.folded[0]) == ((8, 32, 2), 4 * 2, 1)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_network_all_the_way(tmp_path, case):
    lowered, images, found = all_the_way(tmp_path, case)
    # What looks into differences finds the pixels of a word, and nothing in any tensor.
    verdict = judge(lowered, images, found, np.ones(len(images), dtype=bool))
    assert verdict.faults == verdict.ties == []
