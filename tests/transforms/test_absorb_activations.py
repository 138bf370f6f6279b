"""Thresholds and tables of functions equal the exported nodes, float by float."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError

pytestmark = pytest.mark.usefixtures("finn")

GENERAL = "qonnx.custom_op.general"
CHANNELS = 3

#: Per function its nodes from "x" to "y" as (op, inputs, attributes), constants, and torch's.
FUNCTIONS = {
    "leaky": ([("LeakyRelu", "x", {"alpha": 0.125})], {}, lambda x: torch.where(x < 0, x / 8, x)),
    "prelu": (
        [("PRelu", "x p", {})],
        {"p": np.array([[[0.25]], [[2.0]], [[0.0]]])},
        lambda x: torch.prelu(x, torch.tensor([0.25, 2.0, 0.0])),
    ),
    "hardtanh": (
        [("Clip", "x l h", {})],
        {"l": np.array(-0.5), "h": np.array(0.75)},
        lambda x: x.clamp(-0.5, 0.75),
    ),
    "relu": ([("Relu", "x", {})], {}, torch.relu),
    "sigmoid": ([("Sigmoid", "x", {})], {}, torch.sigmoid),
    "tanh": ([("Tanh", "x", {})], {}, torch.tanh),
    "elu": ([("Elu", "x", {})], {}, torch.nn.functional.elu),
    "falling": (
        [("Sigmoid", "x", {}), ("Sub", "c t0", {})],
        {"c": np.array(1.0)},
        lambda x: 1 - torch.sigmoid(x),
    ),
    "both ways": (
        [("Tanh", "x", {}), ("Mul", "t0 g", {})],
        {"g": np.array([[[1.0]], [[-0.5]], [[2.0]]])},
        lambda x: torch.tanh(x) * torch.tensor([1.0, -0.5, 2.0]).reshape(-1, 1, 1),
    ),
}

SILU = [("Sigmoid", "x", {}), ("Mul", "x t0", {})]


def graph(nodes, constants, *, bits, signed, scale=0.125, zero=0.0, before=None):
    """A function and the quantizer behind it; ``before`` has the bits of one before it."""
    shape, made = [1, CHANNELS, 5, 7], []
    constants = {**constants, "s": np.array(scale), "z": np.array(zero), "b": np.array(bits)}
    if before is not None:
        constants |= {"s0": np.array(0.25), "z0": np.array(0.0), "b0": np.array(before)}
        inputs = ["given", "s0", "z0", "b0"]
        made.append(
            helper.make_node("Quant", inputs, ["x"], "first", domain=GENERAL, signed=1, narrow=0)
        )
    names = [*(f"t{i}" for i in range(len(nodes) - 1)), "y"]
    for (op, inputs, attributes), name in zip(nodes, names, strict=True):
        made.append(helper.make_node(op, inputs.split(), [name], f"{op}_0", **attributes))
    made.append(
        helper.make_node(
            "Quant", ["y", "s", "z", "b"], ["q"], "last", domain=GENERAL, signed=signed, narrow=0
        )
    )
    source = "x" if before is None else "given"
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in (source, "q")]
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(GENERAL, 1)]
    proto = helper.make_graph(made, "function", ends[:1], ends[1:])
    model = ModelWrapper(qonnx_make_model(proto, opset_imports=opsets))
    for name, value in constants.items():
        model.set_initializer(name, value.astype(np.float32))
    return model.transform(InferShapes())


def absorbed(model):
    from msq_finn.transforms.absorb_activations import AbsorbActivations

    return model.transform(AbsorbActivations())


def run(model, values):
    (result,) = execute_onnx(model, {model.graph.input[0].name: values}).values()
    return result


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("signed", [0, 1])
def test_thresholds_round_as_the_exported_nodes_do(name, signed, rng):
    nodes, constants, function = FUNCTIONS[name]
    model = graph(nodes, constants, bits=4, signed=signed, zero=0.0 if signed else 3.0)
    new = absorbed(model)
    assert new.get_nodes_by_op_type("MultiThreshold") and not new.get_nodes_by_op_type("Quant")
    low, high = (-8, 7) if signed else (0, 15)
    for spread in (0.3, 2.0, 100.0):
        values = rng.normal(0, spread, (1, CHANNELS, 5, 7)).astype(np.float32)
        np.testing.assert_allclose(run(new, values), run(model, values), atol=1e-6)
        zero = 0 if signed else 3
        exact = function(torch.from_numpy(values)).numpy() / 0.125 + zero
        steps = run(new, values) / 0.125 + zero
        assert np.abs(steps - np.clip(exact, low, high)).max() <= 0.501


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "both ways"])
def test_thresholds_are_the_least_floats(name):
    """The float itself is above, its neighbour below, in the exported nodes' own arithmetic."""
    nodes, constants, _ = FUNCTIONS[name]
    model = graph(nodes, constants, bits=4, signed=1)
    new = absorbed(model)
    (node,) = new.get_nodes_by_op_type("MultiThreshold")
    thresholds = new.get_initializer(node.input[1])
    turned = [-1 if name == "both ways" and c == 1 else 1 for c in range(CHANNELS)]
    seen = 0
    for step in range(thresholds.shape[1]):
        values = np.zeros((1, CHANNELS, 5, 7), np.float32)
        for channel in range(CHANNELS):
            least = thresholds[min(channel, len(thresholds) - 1), step]
            if abs(least) < 1e20:
                below = np.nextafter(least, np.float32(-np.inf))
                values[0, channel, 0, :2] = turned[channel] * np.array([below, least], np.float32)
        found = run(model, values)
        for channel in range(CHANNELS):
            if values[0, channel, 0, 1]:
                steps = (found[0, channel, 0, 1] - found[0, channel, 0, 0]) / 0.125
                assert steps == pytest.approx(1)
                seen += 1
    assert seen > 12


def test_a_relu_before_an_unsigned_quantizer_is_left_to_finn():
    nodes, constants, _ = FUNCTIONS["relu"]
    new = absorbed(graph(nodes, constants, bits=4, signed=0))
    assert [node.op_type for node in new.graph.node] == ["Relu", "Quant"]


@pytest.mark.parametrize("bits", [4, 8])
def test_a_table_has_every_integer(bits, rng):
    model = graph(SILU, {}, bits=6, signed=1, scale=1 / 64, before=bits)
    new = absorbed(model)
    assert [node.op_type for node in new.graph.node] == ["Quant", "Div", "StreamingTable", "Mul"]
    every = 0.25 * np.arange(-(2 ** (bits - 1)), 2 ** (bits - 1), dtype=np.float32)
    values = rng.permutation(np.resize(every, CHANNELS * 5 * 7)).reshape(1, CHANNELS, 5, 7)
    for given in (values, values[:, :, ::-1], np.resize(every[::-1], values.shape)):
        given = np.ascontiguousarray(given, np.float32)
        np.testing.assert_array_equal(run(new, given), run(model, given))


def test_integers_on_which_it_only_rises_need_no_table():
    """Of no integer is the function below -1/2 of the coarse quantizer's steps."""
    model = graph(SILU, {}, bits=3, signed=1, scale=1.0, before=6)
    new = absorbed(model)
    assert [node.op_type for node in new.graph.node][1] == "MultiThreshold"
    every = 0.25 * np.arange(-32, 32, dtype=np.float32)
    given = np.resize(every, (1, CHANNELS, 5, 7))
    np.testing.assert_array_equal(run(new, given), run(model, given))


@pytest.mark.parametrize("before", [None, 9])
def test_what_is_neither_is_refused_by_name(before):
    with pytest.raises(MsqError, match=r"Sigmoid_0 \(Sigmoid\), Mul_0 \(Mul\): no hardware for"):
        absorbed(graph(SILU, {}, bits=8, signed=1, scale=1 / 64, before=before))


def test_a_table_per_channel_is_refused():
    nodes = [*SILU[:1], ("Mul", "x t0", {}), ("Mul", "t1 g", {})]
    constants = {"g": np.array([[[1.0]], [[2.0]], [[3.0]]])}
    with pytest.raises(MsqError, match="a table in hardware is one for all channels"):
        absorbed(graph(nodes, constants, bits=8, signed=1, scale=1 / 64, before=6))
