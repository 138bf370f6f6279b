"""A network of `msq_finn.quantize`, whose channels inside are scaled, beside its float form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import msq_finn
from msq_finn.plan.frontend.source import export, export_float
from msq_finn.post_training.quantize import float_form
from msq_finn.trace import trace

IMAGES = torch.rand(16, 2, 6, 6, generator=torch.Generator().manual_seed(3))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.norm = nn.Conv2d(2, 6, 3, bias=False), nn.BatchNorm2d(6)
        self.narrow = nn.Conv2d(6, 4, 3)

    def forward(self, x):
        return torch.relu(self.narrow(torch.relu(self.norm(self.wide(x)))))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.block, self.head = Block(), nn.Linear(16, 3, bias=False)

    def forward(self, x):
        return self.head(self.block(x).flatten(1))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A network with channels of very different size, of 8 bits so that little noise is its own."""
    folder = tmp_path_factory.mktemp("equalized")
    torch.manual_seed(0)
    network = Net()
    with torch.no_grad():
        sizes = torch.logspace(-2, 2, 6)
        network(IMAGES)
        network.eval()
        network.block.norm.weight.mul_(sizes)
        network.block.norm.bias.mul_(sizes)
        network.block.narrow.weight.div_(sizes.view(1, -1, 1, 1))
    quantized = msq_finn.quantize(network, IMAGES, weight_bits=8, act_bits=8, epochs=0)
    export(quantized, folder / "model.onnx", (2, 6, 6))
    export_float(float_form(network, IMAGES), folder / "float.onnx", IMAGES[:1])
    export_float(network, folder / "original.onnx", IMAGES[:1])
    return folder


def test_its_form_is_what_it_is_to_be_compared_with(files):
    found, original = (
        trace(files / "model.onnx", IMAGES.numpy(), files / name)
        for name in ("float.onnx", "original.onnx")
    )
    assert [layer.name for layer in found.layers] == ["block.wide", "block.narrow", "head"]
    assert found.unmatched == original.unmatched == []
    assert min(layer.own_snr_db for layer in found.layers) > 20
    assert min(layer.own_snr_db for layer in original.layers) < 15
    last = [result.layers[-1].snr_db for result in (found, original)]
    assert last[0] == pytest.approx(last[1], abs=0.1) and np.isfinite(last).all()


class Smooth(nn.Module):
    """Functions that export as several nodes, the first of them read again beside a layer."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6)
        self.second, self.third = nn.Conv2d(6, 6, 1), nn.Conv2d(6, 3, 1)

    def forward(self, x):
        x = nn.functional.silu(self.norm(self.first(x)))
        return self.third(nn.functional.gelu(self.second(x)) + x)


def test_functions_of_several_nodes_are_compared_behind_them(tmp_path):
    torch.manual_seed(1)
    network = Smooth()
    with torch.no_grad():
        network.train()(IMAGES)
    network.eval()
    quantized = msq_finn.quantize(network, IMAGES, weight_bits=8, act_bits=7, epochs=0)
    export(quantized, tmp_path / "model.onnx", (2, 6, 6))
    export_float(float_form(network, IMAGES), tmp_path / "float.onnx", IMAGES[:1])
    found = trace(tmp_path / "model.onnx", IMAGES.numpy(), tmp_path / "float.onnx")
    first, second, _ = found.layers
    for layer in (first, second):
        assert layer.saturated is not None  # a quantizer is behind the function, and counted
        assert -0.3 < layer.float_range[0] < 0 and layer.own_snr_db > 30
    with torch.no_grad():
        values = nn.functional.silu(float_form(network, IMAGES).get_submodule("norm")(
            float_form(network, IMAGES).get_submodule("first")(IMAGES)
        ))  # fmt: skip
    assert first.float_range == pytest.approx((values.min().item(), values.max().item()), rel=1e-4)
