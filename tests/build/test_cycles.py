"""Predicted cycles of window generators against the RTL at full rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from msq_finn.build.cycles import node_cycles
from msq_finn.sim import axi_streams

pytestmark = pytest.mark.usefixtures("finn")
FRAMES = 6

#: height, width, channels, kernel, stride, dilation, SIMD, depthwise
GENERATORS = [
    (6, 6, 4, (3, 3), (1, 1), (1, 1), 1, 0),
    (5, 7, 2, (3, 3), (2, 2), (1, 1), 2, 0),
    (8, 6, 4, (2, 2), (2, 2), (1, 1), 2, 1),
    (6, 6, 4, (3, 3), (1, 1), (1, 1), 2, 1),
    pytest.param((7, 7, 1, (3, 3), (1, 1), (2, 2), 1, 0), marks=pytest.mark.slow),
    pytest.param((16, 1, 2, (3, 1), (1, 1), (1, 1), 1, 0), marks=pytest.mark.slow),
    pytest.param((8, 8, 1, (2, 2), (4, 4), (1, 1), 1, 0), marks=pytest.mark.slow),
]


def generator(height, width, channels, kernel, stride, dilation, simd, depthwise):
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP

    def size(whole, taps, step, spread):
        return (whole - (taps - 1) * spread - 1) // step + 1

    out = [size(*v) for v in zip((height, width), kernel, stride, dilation, strict=True)]
    node = helper.make_node(
        "ConvolutionInputGenerator_rtl",
        ["inp"],
        ["outp"],
        name="generator",
        domain="finn.custom_op.fpgadataflow.rtl",
        backend="fpgadataflow",
        ConvKernelDim=kernel,
        IFMChannels=channels,
        IFMDim=[height, width],
        OFMDim=out,
        Stride=stride,
        Dilation=dilation,
        SIMD=simd,
        M=1,
        parallel_window=0,
        depthwise=depthwise,
        inputDataType="UINT4",
        outputDataType="UINT4",
    )
    info = helper.make_tensor_value_info
    shapes = [1, height, width, channels], [1, *out, int(np.prod(kernel)) * channels]
    graph = helper.make_graph(
        [node],
        "one_node",
        [info("inp", TensorProto.FLOAT, shapes[0])],
        [info("outp", TensorProto.FLOAT, shapes[1])],
    )
    model = ModelWrapper(qonnx_make_model(graph))
    for tensor in ("inp", "outp"):
        model.set_tensor_datatype(tensor, DataType["UINT4"])
    return getCustomOp(model.transform(PrepareIP("xc7z020clg400-1", 10.0)).graph.node[0])


@pytest.mark.parametrize("case", GENERATORS, ids=str)
def test_predicted_cycles_are_those_of_the_rtl(case):
    op = generator(*case)
    sources = [Path(f) for f in op.get_rtl_file_list(abspath=True)]
    words = int(np.prod(op.get_folded_input_shape()[:-1])) * FRAMES
    given = int(np.prod(op.get_folded_output_shape()[:-1]))
    result = axi_streams.simulate(
        op.get_nodeattr("gen_top_module"),
        sorted(sources, key=lambda path: not path.stem.endswith("_pkg")),
        {"in0_V": np.zeros((words, op.get_instream_width_padded() // 8), np.uint8)},
        {"out0_V": given * FRAMES},
    )
    ends = result.output_cycles["out0_V"].reshape(FRAMES, given)[:, -1]
    assert np.diff(ends)[1:].tolist() == [node_cycles(op)] * (FRAMES - 2)
