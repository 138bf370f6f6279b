"""Equal quantizers of one tensor become one; others, and those of results, stay."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import qonnx_make_model

from msq_finn.transforms.merge_quantizers import MergeQuantizers


def quantized_twice(second=0.5, signed=1, named=False):
    """Two quantizers of one tensor, whose results are subtracted; the second's may be a result."""
    info = helper.make_tensor_value_info
    attributes = {"narrow": 0, "rounding_mode": "ROUND"}
    nodes = [
        helper.make_node(
            "Quant",
            ["x", f"scale{i}", "zero", "bits"],
            [f"q{i}"],
            domain="qonnx.custom_op.general",
            signed=(1, signed)[i],
            **attributes,
        )
        for i in range(2)
    ]
    nodes.append(helper.make_node("Sub", ["q0", "q1"], ["y"]))
    results = ["y", "q1"] if named else ["y"]
    ends = [[info(n, TensorProto.FLOAT, [1, 4]) for n in names] for names in (["x"], results)]
    model = ModelWrapper(qonnx_make_model(helper.make_graph(nodes, "g", *ends)))
    for name, value in (("scale0", 0.5), ("scale1", second), ("zero", 0), ("bits", 4)):
        model.set_initializer(name, np.array(value, np.float32))
    return model.transform(InferShapes())


@pytest.mark.parametrize(
    ("options", "left"),
    [({}, 1), ({"second": 0.25}, 2), ({"signed": 0}, 2), ({"named": True}, 2)],
)
def test_equal_quantizers_of_a_tensor_are_merged(options, left):
    model = quantized_twice(**options)
    merged = quantized_twice(**options).transform(MergeQuantizers())
    assert [n.op_type for n in merged.graph.node].count("Quant") == left
    x = {"x": np.array([[-3.2, 0.3, 1.7, 9.0]], np.float32)}
    before, after = execute_onnx(model, x), execute_onnx(merged, x)
    for name in before:
        np.testing.assert_array_equal(after[name], before[name])
