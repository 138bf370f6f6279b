"""Random networks folded for high rates are bit for bit what was exported, or refused by name."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from msq_finn.errors import MsqError
from msq_finn.lowering.cycles import predicted_interval
from msq_finn.lowering.lower import Target, lower
from msq_finn.lowering.rtl_nodes import check_rtl
from msq_finn.models import LayerFactory
from msq_finn.plan.frontend.graph import network_of_model
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows

from .folded import folded, with_pixels
from .networks import _settled, exported
from .random_networks import Wide, network
from .whole import same_in_python

BOARD = "ZCU104"


def one_channel():
    """A depthwise convolution of one channel, in whose weights all channels are one."""
    torch.manual_seed(3)
    make = LayerFactory(MSQWeightPerChannelFloat, {})
    layers = [make.identity(), make.conv_relu(1, 1), nn.MaxPool2d(2), nn.Flatten()]
    model = nn.Sequential(*layers, make.classifier(16, 2))
    assign_rows(model, 0.0)
    return _settled(model, (16, 1, 4, 16)), (1, 4, 16)


def tried(made, folder, fastest_only=False):
    """Nodes of several pixels by interval, of the foldings of a network, each of which was right.

    Args:
        made: the network, and its input's shape.
        fastest_only: fold for the highest rate only, not for lower ones too.
    """
    model, shape = made
    source = exported(model, folder / "model.onnx", (1, *shape))
    try:
        lowered = lower(source, Target(BOARD), folder)
        check_rtl(lowered.model)
        network_of_model(lowered.model, "random")
    except MsqError:  # as test_random_networks.py looks at
        return {}
    area = shape[1] * shape[2]
    found = {}
    for cycles in (1,) if fastest_only else (area, area // 2 + area // 8, area // 4 + 2, 1):
        design = folded(lowered, cycles)
        interval = predicted_interval(design.model)
        if interval not in found:
            found[interval] = len(with_pixels(design))
            same_in_python(design, source, 3)
    return found


def test_a_depthwise_layer_of_one_channel(tmp_path):
    assert max(tried(one_channel(), tmp_path, fastest_only=True).values()) > 1


#: Seeds of networks of few layers, in which 2 and 4 pixels go in a cycle.
QUICK = (161, 191, 206)


def test_some_networks(tmp_path):
    for seed in QUICK:
        (folder := tmp_path / str(seed)).mkdir()
        assert max(tried(network(seed, Wide), folder, fastest_only=True).values()) > 1


@pytest.mark.slow
@pytest.mark.parametrize("start", (160, 180, 220))
def test_many_networks(tmp_path, start):
    found = 0
    for seed in range(start, start + 20):
        (folder := tmp_path / str(seed)).mkdir()
        found += max(tried(network(seed, Wide), folder).values(), default=0) > 1
    assert found >= 2
