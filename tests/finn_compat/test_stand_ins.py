"""Our stand-ins leave the same graph as finn-plus's transformations, and compute the same."""

from __future__ import annotations

import json
from importlib import import_module

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import qonnx_make_model

from msq_finn.finn_compat import stand_ins

HOMES = {
    "ApplyConfig": "finn.transformation.general",
    "AbsorbScalarBiasIntoMultiThreshold": "finn.transformation.streamline.absorb",
}


def theirs(name):
    return getattr(import_module(HOMES.get(name, "finn.transformation.streamline.reorder")), name)


def model_of(nodes, inputs, outputs, constants, types=()):
    def info(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "graph",
        [info(name, shape) for name, shape in inputs.items()],
        [info(name, shape) for name, shape in outputs.items()],
    )
    model = ModelWrapper(qonnx_make_model(graph))
    for name, value in constants.items():
        model.set_initializer(name, np.array(value, dtype=np.float32))
    for name, datatype in dict(types).items():
        model.set_tensor_datatype(name, DataType[datatype])
    return model.transform(InferShapes()).transform(InferDataTypes())


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, list(inputs), [output], name=f"{kind}_{output}", **attributes)


def im2col(source, output):
    return node(
        "Im2Col", [source], output, domain="qonnx.custom_op.general", kernel_size=[2, 2],
        stride=[1, 1], pad_amount=[1, 1, 1, 1], input_shape="(1, 4, 4, 3)",
    )  # fmt: skip


def quantizer(source, output):
    return node(
        "MultiThreshold", [source, "t"], output, domain="qonnx.custom_op.general",
        out_dtype="UINT2", out_bias=0.0, out_scale=1.0, data_layout="NHWC",
    )  # fmt: skip


MAP = {"x": [1, 4, 4, 3]}
MAPS = MAP | {"y": [1, 4, 4, 3]}
THRESHOLDS = {"t": [[-1.0, 0.0, 1.0]]}


def past_im2col(kind, value):
    return model_of(
        [node(kind, ["x", "c"], "m"), im2col("m", "z")],
        MAP, {"z": [1, 5, 5, 12]}, {"c": value}, {"x": "INT4", "m": "FLOAT32"},
    )  # fmt: skip


def join(kind, producers, constants, out, **attributes):
    """x and y through a producer each, then a join."""
    nodes = [
        node(op, [source, *rest], f"{source}_", **kept)
        for (op, rest, kept), source in zip(producers, "xy", strict=True)
    ]
    return model_of([*nodes, node(kind, ["x_", "y_"], "z", **attributes)], MAPS, out, constants)


SAME, WIDE = {"z": [1, 4, 4, 3]}, {"z": [1, 4, 4, 6]}


MULS = [("Mul", ["a"], {}), ("Mul", ["b"], {})]
ADDS = [("Add", ["a"], {}), ("Add", ["b"], {})]
BOTH = [MULS[0], ADDS[1]]

TURN = ("Transpose", [], {"perm": [0, 3, 1, 2]})
TURNED, DEEP = {"z": [1, 3, 4, 4]}, {"z": [1, 6, 4, 4]}
CHANNELS = {"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]}
FULL = {"a": [[[[1.0, 2.0, 3.0]]]], "b": [[[[4.0, 5.0, 6.0]]]]}

MOVED = {
    "scale past patches": ("MoveScalesPastIm2Col", past_im2col("Mul", 0.5)),
    "quotient past patches": ("MoveScalesPastIm2Col", past_im2col("Div", [4.0])),
    "common factor": (
        "MoveLinearPastEltwiseAdd", join("Add", MULS, {"a": 3, "b": 3}, SAME),
    ),
    "common factors of channels": (
        "MoveLinearPastEltwiseAdd",
        join("Add", MULS, {"a": [1, 2, 3], "b": [1, 2, 3]}, SAME),
    ),
    "summands": ("MoveLinearPastEltwiseAdd", join("Add", ADDS, CHANNELS, SAME)),
    "factor of all": (
        "MoveMulPastJoinConcat",
        join("Concat", MULS, {"a": 3, "b": 3}, WIDE, axis=3),
    ),
    "factors of channels": (
        "MoveMulPastJoinConcat", join("Concat", MULS, FULL, WIDE, axis=3),
    ),
    "summands of channels": (
        "MoveAddPastJoinConcat", join("Concat", ADDS, FULL, WIDE, axis=3),
    ),
    "transposes before a sum": ("MoveTransposePastJoinAdd", join("Add", [TURN, TURN], {}, TURNED)),
    "transposes before a concatenation": (
        "MoveTransposePastJoinConcat", join("Concat", [TURN, TURN], {}, DEEP, axis=1),
    ),
    "bias": (
        "AbsorbScalarBiasIntoMultiThreshold",
        model_of(
            [quantizer("x", "m"), node("Add", ["m", "c"], "z")],
            MAP, SAME, THRESHOLDS | {"c": -2.0},
        ),
    ),
}  # fmt: skip

KEPT = {
    "scales of channels": ("MoveScalesPastIm2Col", past_im2col("Mul", [1.0, 2.0, 3.0])),
    "other factors": (
        "MoveLinearPastEltwiseAdd", join("Add", MULS, {"a": 3, "b": 4}, SAME),
    ),
    "a factor and a summand": (
        "MoveLinearPastEltwiseAdd", join("Add", BOTH, {"a": 3, "b": 3}, SAME),
    ),
    "other factors before a concatenation": (
        "MoveMulPastJoinConcat",
        join("Concat", MULS, {"a": 3, "b": 4}, WIDE, axis=3),
    ),
    "a bias that needs more bits": (
        "AbsorbScalarBiasIntoMultiThreshold",
        model_of(
            [quantizer("x", "m"), node("Add", ["m", "c"], "z")], MAP, SAME, THRESHOLDS | {"c": 1.0},
        ),
    ),
    "biases of channels": (
        "AbsorbScalarBiasIntoMultiThreshold",
        model_of(
            [quantizer("x", "m"), node("Add", ["m", "c"], "z")],
            MAP, SAME, THRESHOLDS | {"c": [-2.0, -1.0, -2.0]},
        ),
    ),
}  # fmt: skip


def content(model):
    """Every node in order: its type, what it reads (types of producers, constants), attributes."""

    def read(tensor):
        value, producer = model.get_initializer(tensor), model.find_producer(tensor)
        if value is not None:
            return value.tolist()
        return tensor if producer is None else producer.name

    kept = {"pad_amount", "perm", "axis", "out_dtype", "out_bias", "out_scale"}
    return [
        (
            each.op_type,
            [read(tensor) for tensor in each.input],
            {a.name: helper.get_attribute_value(a) for a in each.attribute if a.name in kept},
            model.get_tensor_shape(each.output[0]),
            str(model.get_tensor_datatype(each.output[0])),
        )
        for each in model.graph.node
    ]


def outputs(model):
    draw = np.random.default_rng(0)
    feeds = {
        info.name: draw.integers(-4, 5, model.get_tensor_shape(info.name)).astype(np.float32)
        for info in model.graph.input
    }
    return execute_onnx(model, feeds)["z"]


@pytest.mark.parametrize("name", MOVED)
def test_it_does_as_finn_plus(finn, name):
    transformation, model = MOVED[name]
    ours = model.transform(getattr(stand_ins, transformation)())
    assert content(ours) == content(model.transform(theirs(transformation)()))
    assert [n.op_type for n in ours.graph.node] != [n.op_type for n in model.graph.node]
    assert np.array_equal(outputs(ours), outputs(model))


@pytest.mark.parametrize("name", KEPT)
def test_it_leaves_alone_what_finn_plus_does(finn, name):
    transformation, model = KEPT[name]
    before = content(model)
    assert content(model.transform(getattr(stand_ins, transformation)())) == before
    assert content(model.transform(theirs(transformation)())) == before


def test_other_permutations_stay():
    """finn-plus takes one for the other."""
    turns = [TURN, ("Transpose", [], {"perm": [0, 3, 2, 1]})]
    model = join("Add", turns, {}, TURNED)
    assert content(model.transform(stand_ins.MoveTransposePastJoinAdd())) == content(model)


def test_what_feeds_others_stays():
    nodes = [
        node("Mul", ["x", "a"], "x_"), node("Mul", ["y", "b"], "y_"),
        node("Add", ["x_", "y_"], "s"), node("Sub", ["s", "x_"], "z"),
    ]  # fmt: skip
    model = model_of(nodes, MAPS, SAME, {"a": 3, "b": 3})
    assert content(model.transform(stand_ins.MoveLinearPastEltwiseAdd())) == content(model)


def test_attributes_come_from_defaults_and_by_name(finn, tmp_path):
    config = {
        "Defaults": {"out_bias": [-1.0, ["MultiThreshold"]], "out_scale": [2.0, "all"]},
        "MultiThreshold_m": {"out_dtype": "INT3"},
    }
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    nodes = [quantizer("x", "m"), quantizer("m", "z")]
    model = model_of(nodes, MAP, SAME, THRESHOLDS)
    results = [
        model.transform(kind(file)) for kind in (stand_ins.ApplyConfig, theirs("ApplyConfig"))
    ]
    ours, finns = (
        [
            [getCustomOp(n).get_nodeattr(a) for a in ("out_bias", "out_scale", "out_dtype")]
            for n in m.graph.node
        ]
        for m in results
    )
    assert ours == finns == [[-1.0, 2.0, "INT3"], [-1.0, 2.0, "UINT2"]]
