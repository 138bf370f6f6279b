"""Datatypes of weights before signs of gains are multiplied into them."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

from msq_finn.transforms.make_weights_negatable import MakeWeightsNegatable


def product(weights, datatype):
    info = helper.make_tensor_value_info
    ends = [info("x", TensorProto.FLOAT, [1, 2]), info("y", TensorProto.FLOAT, [1, 2])]
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    model = ModelWrapper(qonnx_make_model(helper.make_graph([node], "product", ends[:1], ends[1:])))
    model.set_initializer("w", np.array(weights, dtype=np.float32))
    model.set_tensor_datatype("w", DataType[datatype])
    return model


@pytest.mark.parametrize(
    ("weights", "datatype", "wanted"),
    [
        ([[-8, 7], [0, 1]], "INT4", "INT5"),
        ([[-7, 7], [0, 1]], "INT4", "INT4"),
        ([[-2, 1], [0, 1]], "INT2", "INT3"),
        ([[-128, 0], [0, 1]], "INT8", "INT9"),
        ([[0, 15], [0, 1]], "UINT4", "INT5"),
        ([[-1, 1], [1, 1]], "BIPOLAR", "BIPOLAR"),
        ([[-1, 1], [0, 1]], "TERNARY", "TERNARY"),
        ([[-0.5, 1], [0, 1]], "FLOAT32", "FLOAT32"),
    ],
)
def test_types_hold_the_negatives(weights, datatype, wanted):
    model = product(weights, datatype).transform(MakeWeightsNegatable())
    assert model.get_tensor_datatype("w") == DataType[wanted]
    np.testing.assert_array_equal(model.get_initializer("w"), weights)
    assert DataType[wanted].allowed(-np.min(weights)) and DataType[wanted].allowed(np.min(weights))
