"""Nodes that are no layers bound a plan, and are folded as it says."""

from __future__ import annotations

import brevitas.nn as qnn
import pytest
import torch
from brevitas.quant import Int8WeightPerTensorFloat
from torch import nn

pytest.importorskip("finn")

from msq_finn.lowering.cycles import predicted_interval
from msq_finn.lowering.lower import Target, lower
from msq_finn.models import ActQuant, PixelQuant
from msq_finn.plan.apply import apply_plan
from msq_finn.plan.frontend.graph import network_of_file, network_of_model
from msq_finn.plan.frontend.network import Fold, Node
from msq_finn.plan.making import make_plan
from msq_finn.plan.search.design import DESIGNS
from msq_finn.plan.search.side_by_side import foldable
from msq_finn.quant import FixedWeightPerTensorFloat, MSQWeightPerChannelFloat
from msq_finn.transforms.avoid_full_simd import AvoidFullSIMD
from msq_finn.transforms.check_folding import CheckFolding
from msq_finn.transforms.group_pixels import GroupPixels
from msq_finn.transforms.pad_in_windows import PadInWindows
from tests.build.networks import dense_cnn, exported, pyramid_cnn

PART = "xc7z020clg400-1"
MIXED = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
FIXED = {"bias": False, "weight_quant": FixedWeightPerTensorFloat}

pytestmark = pytest.mark.usefixtures("finn")


def settled(*layers, shape):
    model = nn.Sequential(*layers)
    model.train()
    with torch.no_grad():
        for _ in range(10):
            model(torch.rand(8, *shape))
    return model.eval()


def pooled(*end, size=12):
    torch.manual_seed(0)
    return settled(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantConv2d(2, 8, 3, padding=1, **MIXED),
        nn.BatchNorm2d(8),
        qnn.QuantReLU(act_quant=ActQuant),
        *end,
        shape=(2, size, size),
    )


def overlapping():
    return pooled(nn.MaxPool2d(3, 2, 1), qnn.QuantConv2d(8, 3, 1, **MIXED))


def side_by_side():
    return pooled(nn.MaxPool2d(2), qnn.QuantConv2d(8, 3, 1, **MIXED))


def averaged():
    return pooled(nn.AdaptiveAvgPool2d(1), nn.Flatten(), qnn.QuantLinear(8, 3, **FIXED), size=4)


def enlarged():
    """A transposed convolution around whose map there are no zeros."""
    return pooled(
        qnn.QuantConvTranspose2d(8, 6, 2, stride=2, padding=1, **MIXED),
        nn.BatchNorm2d(6),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantConv2d(6, 3, 1, **MIXED),
        size=4,
    )


def wide_first():
    torch.manual_seed(0)
    return settled(
        qnn.QuantIdentity(act_quant=PixelQuant),
        qnn.QuantLinear(8, 16, bias=False, weight_quant=Int8WeightPerTensorFloat),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantLinear(16, 8, **MIXED),
        shape=(8,),
    )


#: Network, shape of its input, and how the bottleneck of its fastest plan begins.
CASES = {
    "overlapping pool": (overlapping, (1, 2, 12, 12), "1 (its windows)"),
    "pool": (side_by_side, (1, 2, 12, 12), "1 (its windows)"),
    "global average": (averaged, (1, 2, 4, 4), ""),
    "concatenation": (dense_cnn, (1, 1, 4, 4), ""),
    "pool with padding, concatenation": (pyramid_cnn, (1, 1, 4, 4), "Pool_rtl_0 (MaxPool of 3x3)"),
    "transposed convolution": (enlarged, (1, 2, 4, 4), ""),
    "FINN's own layer": (wide_first, (1, 8), "MVAU_rtl_0 (layer 1, 16x8, INT8)"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_build_is_as_fast_as_its_plan(case, tmp_path):
    network_function, shape, bottleneck = CASES[case]
    source = exported(network_function(), tmp_path / "model.onnx", shape)
    model = lower(source, Target("Pynq-Z1"), tmp_path / "work").model
    made = make_plan(network_of_model(model, "model"), "Pynq-Z1", PART, "DSP48E1")
    assert made.totals.bottleneck.startswith(bottleneck)
    assert made.plan.cycles == made.totals.cycles
    parts = [part.resources for part in (*made.layers, *made.nodes)]
    assert sum(p.lut for p in parts) == pytest.approx(made.totals.resources.lut, abs=len(parts))
    assert sum(p.dsp for p in parts) == made.totals.resources.dsp
    folded = apply_plan(model, made.plan, "plan.yaml").transform(AvoidFullSIMD())
    folded = folded.transform(CheckFolding()).transform(GroupPixels()).transform(PadInWindows())
    assert predicted_interval(folded) == made.totals.cycles


def test_nodes_are_folded_no_more_than_the_slowest_needs():
    folds = (Fold(400, 1), Fold(200, 2), Fold(100, 4))
    node = Node("pool", "Pool", "max pool", folds, 4)
    assert [node.fold(cycles).pe for cycles in (1000, 400, 399, 100, 7)] == [1, 1, 2, 4, 4]


def test_a_padded_pool_is_as_fast_as_our_windows_and_in_finns_designs_as_finns(tmp_path):
    source = exported(overlapping(), tmp_path / "model.onnx", (1, 2, 12, 12))
    network = network_of_model(lower(source, Target("Pynq-Z1"), tmp_path).model, "model")
    (pool,) = network.nodes  # its padding is no node of its own
    # 36 windows of 9 pixels; FINN's generator also waits for the first window, and between rows.
    ours = {fold.pe: fold.cycles for fold in pool.folds if fold.pixels == 1}
    assert ours == {1: 36 * 9 * 8, 2: 36 * 9 * 4, 4: 36 * 9 * 2, 8: 36 * 9}
    (pool,) = foldable(network, DESIGNS["dsp_only"]).nodes
    assert {fold.pe: fold.cycles for fold in pool.folds} == {1: 3204, 2: 1584, 4: 774, 8: 369}


def test_layers_on_the_host_are_named(tmp_path):
    torch.manual_seed(0)
    model = settled(
        qnn.QuantLinear(8, 8, **FIXED),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantLinear(8, 4, **FIXED),
        shape=(8,),
    )
    network = network_of_file(exported(model, tmp_path / "model.onnx", (1, 8)), "Pynq-Z1")
    assert network.on_host == ("0 (MatMul)",)
    assert [layer.name for layer in network.layers] == ["2"]


def test_the_layer_that_the_input_goes_into_is_known(tmp_path):
    torch.manual_seed(0)
    model = settled(
        qnn.QuantIdentity(act_quant=ActQuant),
        qnn.QuantLinear(8, 8, **FIXED),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantLinear(8, 4, **FIXED),
        shape=(8,),
    )
    network = network_of_file(exported(model, tmp_path / "model.onnx", (1, 8)), "Pynq-Z1")
    assert [layer.first for layer in network.layers] == [True, False]
