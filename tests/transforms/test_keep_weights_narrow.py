"""FINN's own layers stay RTL where weights use the least value of their type, or none below 0."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

pytestmark = pytest.mark.usefixtures("finn")

ZYNQ, ULTRASCALE = "xc7z020clg400-1", "xczu7ev-ffvc1156-2-e"


def layer(least, acts="UINT9", weights="INT4"):
    info = helper.make_tensor_value_info
    node = helper.make_node(
        "MVAU", ["x", "w"], ["y"], name="MVAU_0", domain="finn.custom_op.fpgadataflow",
        backend="fpgadataflow", MW=4, MH=2, SIMD=1, PE=1, noActivation=1, numInputVectors=[1],
        inputDataType=acts, weightDataType=weights, outputDataType="INT20",
    )  # fmt: skip
    ends = [info("x", TensorProto.FLOAT, [1, 4])], [info("y", TensorProto.FLOAT, [1, 2])]
    model = ModelWrapper(qonnx_make_model(helper.make_graph([node], "layer", *ends)))
    model.set_initializer("w", np.array([[least, 1]] * 4, np.float32))
    for tensor, kind in (("x", acts), ("w", weights), ("y", "INT20")):
        model.set_tensor_datatype(tensor, DataType[kind])
    return model


@pytest.mark.parametrize(
    ("least", "acts", "weights", "part", "expected"),
    [
        (-8, "UINT9", "INT4", ZYNQ, "INT5"),
        (-7, "UINT9", "INT4", ZYNQ, "INT4"),
        (-2, "UINT9", "INT2", ZYNQ, "INT3"),
        (-8, "UINT9", "INT4", ULTRASCALE, "INT4"),
        (-128, "UINT8", "INT8", ZYNQ, "INT9"),
        (7, "INT9", "UINT3", ZYNQ, "INT4"),
        (7, "INT9", "UINT3", ULTRASCALE, "INT4"),
        (-31, "UINT2", "INT6", ZYNQ, "INT6"),
        (-31, "INT3", "INT6", ULTRASCALE, "INT6"),
    ],
)
def test_finn_takes_the_layer_in_rtl(least, acts, weights, part, expected):
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers

    from msq_finn.transforms.keep_weights_narrow import KeepWeightsNarrow

    model = layer(least, acts, weights).transform(KeepWeightsNarrow(part))
    assert getCustomOp(model.graph.node[0]).get_nodeattr("weightDataType") == expected
    assert model.get_tensor_datatype("w").name == expected
    model = model.transform(SpecializeLayers(part))
    assert model.graph.node[0].op_type == "MVAU_rtl"


def test_a_choice_of_hls_stays():
    from msq_finn.transforms.keep_weights_narrow import KeepWeightsNarrow

    model = layer(-8)
    op = getCustomOp(model.graph.node[0])
    op.set_nodeattr("preferred_impl_style", "hls")
    model = model.transform(KeepWeightsNarrow(ZYNQ))
    assert getCustomOp(model.graph.node[0]).get_nodeattr("preferred_impl_style") == "hls"
