"""PadInWindows: one node of ours for FINN's padding and windows, with the same words."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from msq_finn.transforms.pad_in_windows import PadInWindows

from .graphs import DOMAIN

pytestmark = pytest.mark.usefixtures("finn")

OURS = "ConvolutionInputGeneratorPadded_rtl"


def windows(pads=(1, 1, 1, 1), kernel=(3, 3), kind="UINT4", channels=4, **more):
    """FINN's padding, if there is any, and its window generator on a map of 5 by 6."""
    dim, stride = [5, 6], [1, 2]
    padded = [dim[0] + pads[0] + pads[2], dim[1] + pads[1] + pads[3]]
    out = [(n - k) // s + 1 for n, k, s in zip(padded, kernel, stride, strict=True)]
    common = {"domain": f"{DOMAIN}.rtl", "backend": "fpgadataflow", "exec_mode": "cppsim"}
    attributes = {
        "ConvKernelDim": kernel, "IFMChannels": channels, "IFMDim": padded, "OFMDim": out,
        "SIMD": 2, "Stride": stride, "Dilation": [1, 1], "parallel_window": 0, "M": 1,
        "inputDataType": kind, "outputDataType": kind, "ram_style": "block",
    }  # fmt: skip
    generator = helper.make_node(
        "ConvolutionInputGenerator_rtl", ["padded" if any(pads) else "inp"], ["outp"],
        name="windows", **common | attributes | more,
    )  # fmt: skip
    nodes = [generator]
    if any(pads):
        padding = helper.make_node(
            "FMPadding_rtl", ["inp"], ["padded"], name="padding", ImgDim=dim, Padding=pads, SIMD=1,
            NumChannels=channels, inputDataType=kind, **common,
        )  # fmt: skip
        nodes.insert(0, padding)
    elements = channels * kernel[0] * kernel[1]
    shapes = {"inp": [*dim, channels], "padded": [*padded, channels], "outp": [*out, elements]}
    infos = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *shape])
        for name, shape in shapes.items()
    }
    graph = helper.make_graph(
        nodes, "maps", [infos["inp"]], [infos["outp"]], value_info=[infos["padded"]]
    )
    model = ModelWrapper(qonnx_make_model(graph))
    for name in infos:
        model.set_tensor_datatype(name, DataType[kind])
    return model


def result(model, values):
    return execute_onnx(model, {"inp": values})["outp"]


@pytest.mark.parametrize("depthwise", [0, 1])
@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (0, 2, 1, 0), (0, 0, 0, 0)])
def test_one_node_gives_what_two_gave(rng, pads, depthwise):
    model = windows(pads, depthwise=depthwise)
    values = rng.integers(0, 16, (1, 5, 6, 4)).astype(np.float32)
    expected = result(model, values)
    model = model.transform(PadInWindows())
    (node,) = model.graph.node
    op = getCustomOp(node)
    assert (node.op_type, node.name, op.get_nodeattr("ram_style")) == (OURS, "windows", "block")
    assert (op.get_nodeattr("IFMDim"), op.get_nodeattr("Padding")) == ([5, 6], list(pads))
    np.testing.assert_array_equal(result(model, values), expected)


@pytest.mark.parametrize(
    "more",
    [
        {"parallel_window": 1, "SIMD": 4},
        {"dynamic_mode": 1},
        {"kind": "BIPOLAR"},
    ],
)
def test_what_ours_does_not_do_stays_finns(more):
    model = windows(**more).transform(PadInWindows())
    kinds = [node.op_type for node in model.graph.node]
    assert kinds == ["FMPadding_rtl", "ConvolutionInputGenerator_rtl"]


def test_padding_as_wide_as_a_window_stays_finns():
    model = windows((3, 0, 0, 0)).transform(PadInWindows())
    assert [node.op_type for node in model.graph.node] == ["FMPadding_rtl", OURS]
    assert getCustomOp(model.graph.node[1]).get_nodeattr("IFMDim") == [8, 6]
