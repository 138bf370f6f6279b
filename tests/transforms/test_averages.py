"""Averages of parts of maps, and truncations that round."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError

pytestmark = pytest.mark.usefixtures("finn")


def model_of(node, shape, datatype, **constants):
    info = helper.make_tensor_value_info
    ends = [info("x", TensorProto.FLOAT, shape)], [info("y", TensorProto.FLOAT, None)]
    opset = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 2)]
    graph = helper.make_graph([node], "averages", *ends)
    model = ModelWrapper(qonnx_make_model(graph, opset_imports=opset))
    for name, value in constants.items():
        model.set_initializer(name, np.float32(value))
    model.set_tensor_datatype("x", DataType[datatype])
    return model.transform(InferShapes())


def average(kernel, strides, pads=(0, 0, 0, 0), **more):
    given = {"kernel_shape": kernel, "strides": strides, "pads": pads} | more
    return helper.make_node("AveragePool", ["x"], ["y"], **given)


@pytest.mark.parametrize(
    ("node", "shape", "datatype", "sums"),
    [
        (average([2, 3], [2, 2]), [1, 3, 5, 8], "UINT4", "UINT7"),  # leaves a line and a column
        (average([3, 3], [2, 1], [1, 0, 1, 1], count_include_pad=1), [1, 1, 5, 4], "INT3", "INT7"),
        (average([1, 2], [1, 1]), [1, 5, 1, 3], "INT4", "INT5"),
    ],
)
def test_averages_are_sums_and_a_factor(rng, node, shape, datatype, sums):
    from msq_finn.transforms.streamline_maps import StreamlineMaps

    model = model_of(node, shape, datatype)
    low, high = (int(end) for end in (DataType[datatype].min(), DataType[datatype].max()))
    x = rng.integers(low, high + 1, shape).astype(np.float32)
    before = execute_onnx(model, {"x": x})["y"]
    model = model.transform(StreamlineMaps())
    kinds = [n.op_type for n in model.graph.node]
    assert [k for k in kinds if k != "Transpose"] == ["Im2Col", "Pool", "Mul"]
    (pool,) = model.get_nodes_by_op_type("Pool")
    assert model.get_tensor_datatype(pool.output[0]).name == sums
    np.testing.assert_allclose(execute_onnx(model, {"x": x})["y"], before, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (average([2, 2], [2, 2], [1, 1, 0, 0]), "averages of fewer pixels at the edge"),
        (average([2, 2], [2, 2], ceil_mode=1), "averages of fewer pixels at the edge"),
        (average([1, 1], [2, 2]), r"strides \[2, 2\] beyond the window \[1, 1\]"),
    ],
)
def test_averages_without_a_form_are_refused(node, message):
    from msq_finn.transforms.streamline_maps import StreamlineMaps

    with pytest.raises(MsqError, match=rf"\(AveragePool\): no hardware for {message}"):
        model_of(node, [1, 2, 5, 5], "UINT4").transform(StreamlineMaps())


def truncation(mode):
    return helper.make_node(
        "Trunc", ["x", "scale", "zero", "bits", "to_scale", "to_bits"], ["y"],
        domain="qonnx.custom_op.general", rounding_mode=mode, signed=1, narrow=0,
    )  # fmt: skip


@pytest.mark.parametrize(("to_scale", "to_bits"), [(1.0, 4.0), (0.5, 3.0), (0.0625, 8.0)])
def test_truncations_that_round_are_quantizers(to_scale, to_bits):
    from msq_finn.transforms.round_truncations import RoundTruncations

    constants = {"scale": 0.25, "zero": 0.0, "bits": 6.0}
    constants |= {"to_scale": to_scale, "to_bits": to_bits}
    model = model_of(truncation("round"), [1, 64], "FLOAT32", **constants)
    x = np.arange(-32, 32, dtype=np.float32)[None] / 4
    before = execute_onnx(model, {"x": x})["y"]
    model = model.transform(RoundTruncations())
    assert [n.op_type for n in model.graph.node] == ["Quant"]
    np.testing.assert_array_equal(execute_onnx(model, {"x": x})["y"], before)


@pytest.mark.parametrize(
    ("mode", "changes"), [("floor", {}), ("round", {"zero": 1.0}), ("round", {"to_scale": 0.6})]
)
def test_other_truncations_stay(mode, changes):
    from msq_finn.transforms.round_truncations import RoundTruncations

    constants = {"scale": 0.25, "zero": 0.0, "bits": 6.0, "to_scale": 1.0, "to_bits": 4.0} | changes
    model = model_of(truncation(mode), [1, 64], "FLOAT32", **constants)
    assert [n.op_type for n in model.transform(RoundTruncations()).graph.node] == ["Trunc"]
