"""What a build would refuse behind training is refused at the plan, with the true reason."""

from __future__ import annotations

import brevitas.nn as qnn
import pytest
import torch
from brevitas.export import export_onnx_qcdq
from brevitas.quant import Int8ActPerTensorFloat, Uint8ActPerTensorFloat
from onnx import helper
from torch import nn

pytest.importorskip("finn")

from msq_finn.errors import MsqError
from msq_finn.lowering.inputs import load_network
from msq_finn.lowering.rtl_nodes import refuse_hls
from msq_finn.models import ActQuant, PixelQuant
from msq_finn.plan.frontend.source import network_of_module
from msq_finn.quant import FixedWeightPerTensorFloat, MSQWeightPerChannelFloat

MIXED = {"bias": False, "weight_quant": MSQWeightPerChannelFloat}
FIXED = {"bias": False, "weight_quant": FixedWeightPerTensorFloat}

pytestmark = pytest.mark.usefixtures("finn")


def conv(inputs, rows, act=None):
    layers = [qnn.QuantConv2d(inputs, rows, 3, padding=1, **MIXED), nn.BatchNorm2d(rows)]
    return nn.Sequential(*layers, *([] if act is None else [act]))


def signed():
    return qnn.QuantIdentity(Int8ActPerTensorFloat, bit_width=6)


class Joined(nn.Module):
    """Two branches, each ended by what is given, and joined."""

    def __init__(self, first, second, join):
        super().__init__()
        self.pixels = qnn.QuantIdentity(act_quant=PixelQuant)
        self.stem = conv(2, 4, qnn.QuantReLU(act_quant=ActQuant))
        self.branch = conv(4, 4)
        self.first, self.second, self.join = first, second, join
        self.last = conv(4 if join is torch.add else 8, 3)
        self.act = qnn.QuantReLU(act_quant=ActQuant)

    def forward(self, x):
        x = self.stem(self.pixels(x))
        parts = self.first(self.branch(x)), self.second(x)
        joined = torch.add(*parts) if self.join is torch.add else torch.cat(parts, 1)
        return self.last(self.act(joined))


def planned(model, *shape):
    torch.manual_seed(0)
    return network_of_module(model, "net", "Pynq-Z1", shape)


@pytest.mark.parametrize("join", [torch.add, torch.cat])
def test_branches_with_a_quantizer_each(join):
    text = (
        r"^net: \w+ \((Add|Concat)\): the branches that are (added|concatenated) have scales of "
        r"their own \(first, scale [\d.]+; second, scale [\d.]+\), .*give them one quantizer"
    )
    with pytest.raises(MsqError, match=text):
        planned(Joined(signed(), signed(), join), 2, 4, 4)


def test_branches_with_no_quantizer():
    """As in networks of floats."""
    with pytest.raises(MsqError, match=r"branch.0, which no quantizer follows, .*; stem.2, "):
        planned(Joined(nn.Identity(), nn.Identity(), torch.add), 2, 4, 4)


def test_branches_with_one_quantizer_are_planned():
    shared = signed()
    assert len(planned(Joined(shared, shared, torch.add), 2, 4, 4).layers) == 3


def test_a_node_without_rtl():
    node = helper.make_node("VVAU_hls", ["x", "w"], ["y"], name="VVAU_hls_0")
    text = r"layer conv: VVAU_hls_0 \(VVAU_hls\): exists in Vitis HLS only for these bits, and msq-"
    with pytest.raises(MsqError, match=text):
        refuse_hls(node, "conv", " for these bits")


def test_a_layer_of_wide_activations_is_named():
    model = nn.Sequential(
        qnn.QuantIdentity(Uint8ActPerTensorFloat, bit_width=9),
        qnn.QuantConv2d(4, 4, 3, groups=4, **FIXED),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantConv2d(4, 3, 1, **MIXED),
    )
    assert planned(model, 4, 4, 4).on_host == ("1 (MatMul)",)


def test_a_layer_whose_input_is_not_quantized_is_named():
    model = nn.Sequential(
        qnn.QuantLinear(8, 8, **FIXED),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantLinear(8, 4, **FIXED),
    )
    assert planned(model, 8).on_host == ("0 (MatMul)",)


def test_files_of_other_exports_are_named(tmp_path):
    path = tmp_path / "qcdq.onnx"
    export_onnx_qcdq(conv(2, 4), torch.rand(1, 2, 4, 4), path, dynamo=False, opset_version=13)
    with pytest.raises(MsqError, match="no quantizers of QONNX in it, but DequantizeLinear; "):
        load_network(path)


def test_a_convolution_over_three_axes_is_named():
    layer = qnn.QuantConv3d(1, 3, 3, **FIXED)
    model = nn.Sequential(qnn.QuantIdentity(act_quant=PixelQuant), layer)
    with pytest.raises(MsqError, match=r"no hardware for a convolution over 3 axes; take Conv2d"):
        planned(model, 1, 5, 5, 5)
