"""The board's NumPy operations, against QONNX and ONNX Runtime executing the same nodes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.basic import qonnx_make_model

from msq_finn.build.board.host import OPERATIONS, Program
from msq_finn.build.host_program import programs
from msq_finn.errors import MsqError

RANDOM = np.random.default_rng(5)
GENERAL = "qonnx.custom_op.general"


def numbers(*shape, scale=1.0):
    return (scale * RANDOM.standard_normal(shape)).astype(np.float32)


def integers(*values):
    return np.array(values, dtype=np.int64)


def scalar(value):
    return np.array(value, dtype=np.float32)


def quant(bits, zero=0.0, scale=0.25, **attributes):
    attributes = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"} | attributes
    return "Quant", (1, 3, 4, 4), [scalar(scale), scalar(zero), scalar(bits)], attributes


CHANNELS = numbers(3, 1, 1)
THRESHOLDS = np.sort(numbers(3, 7), axis=1)

#: Op, shape of the data, constants behind it (None is an input left out), attributes.
CASES = [
    ("MultiThreshold", (1, 3, 4, 4), [THRESHOLDS], {"out_dtype": "INT4", "out_bias": -4.0}),
    (
        "MultiThreshold",
        (1, 4, 4, 3),
        [THRESHOLDS],
        {"out_dtype": "UINT3", "data_layout": "NHWC", "out_scale": 0.5},
    ),
    *((op, (1, 3, 4, 4), [CHANNELS], {}) for op in ("Mul", "Add", "Sub", "Div")),
    ("Transpose", (1, 3, 4, 5), [], {"perm": [0, 2, 3, 1]}),
    ("Transpose", (1, 3), [], {}),
    ("Reshape", (1, 3, 2, 2), [integers(1, 0, -1)], {}),
    ("Squeeze", (1, 3, 1, 1), [integers(2, -1)], {}),
    ("Unsqueeze", (1, 3), [integers(2, 3)], {}),
    ("Flatten", (1, 3, 4), [], {}),
    ("Flatten", (1, 3, 4), [], {"axis": 2}),
    ("Gather", (1, 6), [integers(5, 0, 0, 2)], {"axis": 1}),
    ("TopK", (1, 9), [integers(3)], {}),
    ("TopK", (1, 9), [integers(2)], {"axis": 1, "largest": 0}),
    ("ArgMax", (1, 9), [], {"axis": 1}),
    ("ArgMax", (1, 9, 3), [], {"axis": -1, "keepdims": 0}),
    ("ArgMax", (1, 9), [], {"axis": 1, "select_last_index": 1}),
    ("MatMul", (1, 8), [numbers(8, 5)], {}),
    ("MatMul", (1, 2, 8), [numbers(8, 5)], {}),
    ("GlobalAveragePool", (1, 3, 4, 5), [], {}),
    ("Identity", (1, 3, 4), [], {}),
    ("Concat", (1, 3, 4), [np.zeros((1, 3, 2), np.float32)], {"axis": 2}),
    ("Clip", (1, 9), [scalar(-0.5), scalar(0.7)], {}),
    ("Clip", (1, 9), [None, scalar(0.7)], {}),
    ("Clip", (1, 9), [scalar(0.0)], {}),
    *((op, (1, 3, 4), [], {}) for op in ("Relu", "Neg", "Exp", "Sigmoid", "Tanh")),
    *((op, (1, 9), [], {}) for op in ("Softmax", "LogSoftmax")),
    *((op, (1, 3, 4), [], {"axis": 1}) for op in ("Softmax", "LogSoftmax")),
    quant(4),
    quant(4, narrow=1),
    quant(4, signed=0, zero=3.0),
    quant(4, signed=0, narrow=1),
    quant(1),
    quant(10, rounding_mode="HALF_EVEN"),
    ("Quant", (1, 3, 4, 4), [np.abs(CHANNELS), scalar(0), scalar(5)], {"signed": 1, "narrow": 1}),
]

#: Of which the results are roundings of what no format holds.
INEXACT = {"GlobalAveragePool", "MatMul", "Exp", "Sigmoid", "Tanh", "Softmax", "LogSoftmax"}


def host_of(op, shape, constants, attributes):
    """One node as the whole of what follows the accelerator."""
    names = [f"c{i}" if value is not None else "" for i, value in enumerate(constants)]
    custom = op in {"Quant", "MultiThreshold"}
    node = helper.make_node(
        op, ["data", *names], ["result"], "node_0", domain=GENERAL if custom else "", **attributes
    )
    if op == "TopK":
        node.output.append("positions")
    graph = helper.make_graph(
        [node],
        "host",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, shape)],
        [],
        [
            numpy_helper.from_array(value, name)
            for name, value in zip(names, constants, strict=True)
            if value is not None
        ],
    )
    kind = TensorProto.INT64 if op == "ArgMax" else TensorProto.FLOAT
    graph.output.append(helper.make_tensor_value_info("result", kind, None))
    if op == "TopK":
        graph.output.append(helper.make_tensor_value_info("positions", TensorProto.INT64, None))
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(GENERAL, 1)]
    model = ModelWrapper(qonnx_make_model(graph, opset_imports=opsets))
    return SimpleNamespace(
        model=model,
        nodes_before=[],
        nodes_after=list(model.graph.node),
        inputs=["data"],
        outputs=["result"],
        accelerator_inputs=["data"],
        accelerator_outputs=["data"],
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_operations_compute_what_qonnx_does(case, tmp_path):
    from qonnx.transformation.infer_shapes import InferShapes

    op, shape, _, _ = case
    host = host_of(*case)
    host.model = host.model.transform(InferShapes())
    programs(host)[1].save(tmp_path / "after.json")
    program = Program.load(tmp_path / "after.json")
    data = numbers(*shape, scale=3)
    # Halves, which are rounded, equals, of which one is found, and sums of exponentials.
    for value in (data, np.round(data * 8) / 8, np.round(data), 30 * data):
        expected = execute_onnx(host.model, {"data": value})["result"]
        with np.errstate(over="ignore"):
            found = program(value)
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        if op in INEXACT:
            np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)
        else:
            np.testing.assert_array_equal(found, expected)


def test_every_operation_is_compared():
    assert {case[0] for case in CASES} == set(OPERATIONS)


def test_an_unknown_operation_is_named():
    with pytest.raises(MsqError, match=r"node_0 \(Sin\) would run on the board's processor, which"):
        programs(host_of("Sin", (1, 3), [], {}))
