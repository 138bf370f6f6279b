"""Slices of channels become one Split with the same values; others stay."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import qonnx_make_model

from msq_finn.transforms.slices_to_splits import SlicesToSplits


def sliced(*slices, axis=1, step=1):
    """Slices, as (first, last), of what a Relu gives."""
    nodes = [helper.make_node("Relu", ["x"], ["r"], "relu")]
    nodes += [
        helper.make_node("Slice", ["r", f"a{i}", f"b{i}", "axis", "step"], [f"y{i}"], f"Slice_{i}")
        for i in range(len(slices))
    ]
    info = helper.make_tensor_value_info
    ends = [info(f"y{i}", TensorProto.FLOAT, None) for i in range(len(slices))]
    graph = helper.make_graph(nodes, "slices", [info("x", TensorProto.FLOAT, [1, 7, 3, 5])], ends)
    model = ModelWrapper(qonnx_make_model(graph, opset_imports=[helper.make_opsetid("", 13)]))
    for i, (first, last) in enumerate(slices):
        model.set_initializer(f"a{i}", np.array([first], np.int64))
        model.set_initializer(f"b{i}", np.array([last], np.int64))
    model.set_initializer("axis", np.array([axis], np.int64))
    model.set_initializer("step", np.array([step], np.int64))
    return model.transform(InferShapes())


@pytest.mark.parametrize(
    ("slices", "parts"),
    [
        ([(0, 3), (3, 7)], [3, 4]),
        ([(1, 4)], [1, 3, 3]),
        ([(4, 2**62), (-7, -5)], [2, 2, 3]),
    ],
)
def test_slices_become_a_split(slices, parts, rng):
    model = sliced(*slices)
    new = model.transform(SlicesToSplits())
    assert [node.op_type for node in new.graph.node] == ["Relu", "Split"]
    np.testing.assert_array_equal(new.get_initializer(new.graph.node[1].input[1]), parts)
    values = rng.standard_normal((1, 7, 3, 5)).astype(np.float32)
    found = execute_onnx(new, {"x": values}, return_full_exec_context=True)
    for index, (first, last) in enumerate(slices):
        np.testing.assert_array_equal(found[f"y{index}"], np.maximum(values, 0)[:, first:last])


@pytest.mark.parametrize(
    ("slices", "more"),
    [
        ([(0, 3), (2, 7)], {}),
        ([(0, 2), (0, 2)], {}),
        ([(0, 2)], {"axis": 2}),
        ([(0, 6)], {"step": 2}),
    ],
)
def test_other_slices_stay(slices, more):
    new = sliced(*slices, **more).transform(SlicesToSplits())
    assert {node.op_type for node in new.graph.node} == {"Relu", "Slice"}
