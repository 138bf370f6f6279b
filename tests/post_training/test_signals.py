"""Float networks on signals, with all that those on images have, through to hardware."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import msq_finn
from msq_finn.lowering.lower import Target, lower
from msq_finn.lowering.rtl_nodes import check_rtl
from msq_finn.plan.frontend.source import export

from ..build.whole import same_in_python


class Inception(nn.Module):
    """Convolutions of several lengths and a pool, concatenated, as InceptionTime has them."""

    def __init__(self):
        super().__init__()
        self.narrow = nn.Conv1d(3, 4, 1, bias=False)
        self.convs = nn.ModuleList(nn.Conv1d(4, 3, k, padding="same", bias=False) for k in (5, 3))
        self.pooled = nn.Conv1d(3, 3, 1, bias=False)
        self.norm, self.shortcut = nn.BatchNorm1d(9), nn.Conv1d(3, 9, 1)
        self.fc = nn.Linear(9, 4)

    def forward(self, x):
        narrow = self.narrow(x)
        parts = [*(conv(narrow) for conv in self.convs)]
        parts.append(self.pooled(F.max_pool1d(x, 3, 1, 1)))
        return self.fc((self.norm(torch.cat(parts, 1)).relu() + self.shortcut(x)).mean(-1))


class Steps(nn.Module):
    """Parts of channels, averages of windows, and a way back to the full length."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv1d(2, 6, 3, padding=1), nn.Conv1d(3, 5, 3, padding=1)
        self.last = nn.Conv1d(11, 2, 1)

    def forward(self, x):
        x = F.relu(self.first(x))
        kept, changed = x.chunk(2, dim=1)
        y = F.relu(self.second(F.avg_pool1d(changed, 2)))
        y = F.interpolate(y, scale_factor=2)
        return self.last(torch.cat([kept, y, F.avg_pool1d(changed, 3, 1, 1)], -2))


class TwoPools(nn.Module):
    """Average and maximum of each channel side by side, behind a normalisation of the input."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([[0.4], [0.6]]))
        self.first, self.fc = nn.Conv1d(2, 5, 3), nn.Linear(10, 3)

    def forward(self, x):
        x = F.relu(self.first((x - self.mean) / 0.3))
        return self.fc(torch.cat([x.mean(-1), x.max(-1).values], 1))


NETWORKS = {
    "two pools": (TwoPools, (2, 9)),
    "inception": (Inception, (3, 11)),
    "steps": (Steps, (2, 12)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_hardware_computes_what_the_quantized_network_does(name, tmp_path):
    torch.manual_seed(2)
    make, shape = NETWORKS[name]
    network, inputs = make(), torch.rand(48, *shape)
    with torch.no_grad():
        for _ in range(10):
            network(inputs)
        floats = network.eval()(inputs)
    quantized = msq_finn.quantize(network, inputs[:1], inputs, epochs=8)
    with torch.no_grad():
        assert (quantized(inputs) - floats).square().mean() < 0.1 * floats.var()
    export(quantized, tmp_path / "model.onnx", shape)
    lowered = lower(tmp_path / "model.onnx", Target("Pynq-Z1"), tmp_path)
    check_rtl(lowered.model)
    same_in_python(lowered, tmp_path / "model.onnx", 10)
