"""Residual adds become RTL; what FINN must keep stays FINN's."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from qonnx.core.datatype import DataType
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp

from ..ops.streaming.nodes import DOMAIN, PART, one_node, op_of

pytestmark = pytest.mark.usefixtures("finn")
SHAPE = [1, 2, 2, 4]


def add(lhs="UINT4", rhs="INT4", rhs_shape=SHAPE, **attributes):
    given = {
        "lhs_shape": SHAPE,
        "rhs_shape": rhs_shape,
        "out_shape": SHAPE,
        "lhs_dtype": lhs,
        "rhs_dtype": rhs,
        "out_dtype": "INT32",
        "PE": 2,
    } | attributes
    sides = [(SHAPE, lhs), (rhs_shape, rhs)]
    return one_node("ElementwiseAdd", sides, [(SHAPE, "INT32")], **given)


def specialized(model):
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers

    from msq_finn.transforms.specialize_integer_add import SpecializeIntegerAdd

    return model.transform(SpecializeIntegerAdd()).transform(SpecializeLayers(PART))


def test_two_integer_streams_become_rtl(rng):
    model = add()
    lhs, rhs = rng.integers(0, 16, SHAPE), rng.integers(-8, 8, SHAPE)
    model = specialized(model)
    node = model.graph.node[0]
    assert (node.op_type, node.domain) == ("ElementwiseAddInt_rtl", f"{DOMAIN}.rtl")
    assert (node.name, op_of(model).get_nodeattr("PE")) == ("ElementwiseAddInt_rtl_0", 2)
    given = {"in0": lhs.astype(np.float32), "in1": rhs.astype(np.float32)}
    np.testing.assert_array_equal(execute_onnx(model, given)["out0"], lhs + rhs)


@pytest.mark.parametrize(
    "attributes",
    [
        {"preferred_impl_style": "hls"},
        {"rhs_style": "const"},
        {"rhs_shape": [1, 1, 1, 4]},
        {"rhs": "FLOAT32"},
    ],
)
def test_other_adds_stay_finns(attributes):
    assert specialized(add(**attributes)).graph.node[0].op_type == "ElementwiseAdd_hls"


def test_an_initializer_is_a_constant_whatever_the_style_says(rng):
    model = add()
    model.set_initializer("in1", rng.integers(-8, 8, SHAPE).astype(np.float32))
    assert specialized(model).graph.node[0].op_type == "ElementwiseAdd_hls"


def test_a_sum_of_a_sum(rng):
    """FINN makes both 32 bits wide at first, and 32 bits do not hold the second."""
    model = add()
    first = model.graph.node[0]
    second = copy.deepcopy(first)
    second.name, second.input[0], second.output[0] = "ElementwiseAdd_1", "middle", "out0"
    first.output[0] = "middle"
    model.graph.node.append(second)
    model.set_tensor_shape("middle", SHAPE)
    model.set_tensor_datatype("middle", DataType["INT32"])
    getCustomOp(model.graph.node[1]).set_nodeattr("lhs_dtype", "INT32")
    model = specialized(model)
    assert [node.op_type for node in model.graph.node] == ["ElementwiseAddInt_rtl"] * 2
    assert model.get_tensor_datatype("out0") == DataType["INT7"]
    lhs, rhs = rng.integers(0, 16, SHAPE), rng.integers(-8, 8, SHAPE)
    given = {"in0": lhs.astype(np.float32), "in1": rhs.astype(np.float32)}
    np.testing.assert_array_equal(execute_onnx(model, given)["out0"], lhs + 2 * rhs)
