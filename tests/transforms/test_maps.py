"""Pads, flattenings, global pools and transposed or grouped convolutions keep what they compute."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError
from msq_finn.transforms.move_past_splits import MovePastSplits
from msq_finn.transforms.pools_channels_last import PoolsChannelsLast

pytestmark = pytest.mark.usefixtures("finn")


def graph(nodes, shape, result, datatype="FLOAT32", **constants):
    info = helper.make_tensor_value_info
    ends = [info("x", TensorProto.FLOAT, shape)], [info("y", TensorProto.FLOAT, result)]
    opset = [helper.make_opsetid("", 13)]
    model = ModelWrapper(
        qonnx_make_model(helper.make_graph(nodes, "maps", *ends), opset_imports=opset)
    )
    for name, value in constants.items():
        model.set_initializer(name, np.asarray(value))
    model.set_tensor_datatype("x", DataType[datatype])
    return model.transform(InferShapes()).transform(InferDataLayouts())


def node(op_type, inputs, output, **attributes):
    domain = "qonnx.custom_op.general" if op_type == "MultiThreshold" else ""
    return helper.make_node(op_type, inputs.split(), [output], domain=domain, **attributes)


def thresholds(inputs, output, **attributes):
    return node("MultiThreshold", inputs, output, out_dtype="UINT2", **attributes)


def kinds(model):
    return [n.op_type for n in model.graph.node]


def integers(rng, model):
    return rng.integers(-8, 8, model.get_tensor_shape("x")).astype(np.float32)


def unchanged(rng, model, *transformations):
    """The model transformed, which has to compute what it did."""
    x = integers(rng, model)
    before = execute_onnx(model, {"x": x})["y"]
    for transformation in transformations:
        model = model.transform(transformation)
    np.testing.assert_array_equal(execute_onnx(model, {"x": x})["y"], before)
    return model


def convolution(inputs, output, pads=(0, 0, 0, 0), op="Conv", **more):
    given = {"group": 1, "kernel_shape": [2, 2], "strides": [1, 1], "dilations": [1, 1]} | more
    return node(op, inputs, output, pads=list(pads), **given)


@pytest.mark.parametrize(
    ("steps", "shape", "moves"),
    [
        ([[-1.0, 0.0, 2.0]], [1, 3, 2, 5], True),  # one set for all elements
        (np.arange(9).reshape(3, 3), [1, 3, 1, 1], True),  # one pixel
        (np.arange(9).reshape(3, 3), [1, 1, 1, 3], True),
        (np.arange(90).reshape(30, 3), [1, 3, 2, 5], False),  # the order of elements counts
    ],
)
@pytest.mark.parametrize("op_type", ["Flatten", "Reshape"])
def test_thresholds_come_before_a_flattening(rng, op_type, steps, shape, moves):
    from msq_finn.transforms.move_flatten_past_thresholds import MoveFlattenPastThresholds

    size = int(np.prod(shape))
    inputs = "x" if op_type == "Flatten" else "x vector"
    nodes = [node(op_type, inputs, "f"), thresholds("f t", "y", data_layout="NC")]
    constants = {"t": np.asarray(steps, np.float32)}
    constants |= {} if op_type == "Flatten" else {"vector": np.array([1, -1])}
    model = graph(nodes, shape, [1, size], **constants)
    model = unchanged(rng, model, MoveFlattenPastThresholds())
    assert kinds(model) == (["MultiThreshold", op_type] if moves else [op_type, "MultiThreshold"])


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1,)])
@pytest.mark.parametrize("op_type", ["Mul", "Add"])
def test_scales_and_shifts_of_channels_pass_global_pools(rng, op_type, shape):
    from msq_finn.transforms.streamline_global_pool import MoveLinearPastGlobalPools

    constant = rng.integers(-3, 4, shape).astype(np.float32)
    nodes = [node(op_type, "x c", "m"), node("GlobalAveragePool", "m", "y")]
    model = graph(nodes, [1, 3, 2, 4], [1, 3, 1, 1], c=constant)
    assert kinds(unchanged(rng, model, MoveLinearPastGlobalPools()))[0] == "GlobalAveragePool"


def test_a_scale_of_pixels_does_not_pass_a_global_pool():
    from msq_finn.transforms.streamline_global_pool import MoveLinearPastGlobalPools

    nodes = [node("Mul", "x c", "m"), node("GlobalAveragePool", "m", "y")]
    model = graph(nodes, [1, 3, 3, 3], [1, 3, 1, 1], c=np.ones((1, 1, 1, 3), np.float32))
    assert kinds(model.transform(MoveLinearPastGlobalPools()))[0] == "Mul"


@pytest.mark.parametrize(
    ("axes", "kept", "expected"),
    [
        ([2, 3], 1, ["GlobalAveragePool"]),
        ([-1, -2], 0, ["GlobalAveragePool", "Flatten"]),
        ([2], 1, ["ReduceMean"]),
        ([1, 2, 3], 1, ["ReduceMean"]),
    ],
)
def test_means_of_maps_are_global_pools(rng, axes, kept, expected):
    from msq_finn.transforms.recognise_global_pools import RecogniseGlobalPools

    reduced = [1 if a in {axis % 4 for axis in axes} else n for a, n in enumerate((1, 3, 2, 4))]
    result = reduced if kept else [1, 3]
    model = graph([node("ReduceMean", "x", "y", axes=axes, keepdims=kept)], [1, 3, 2, 4], result)
    assert kinds(unchanged(rng, model, RecogniseGlobalPools())) == expected


PADS = [0, 0, 2, 0, 0, 0, 1, 3]


def test_convolutions_pad_for_themselves(rng):
    from msq_finn.transforms.place_pads import PlacePads

    nodes = [
        node("Relu", "x", "r"),
        node("Pad", "r pads", "p"),
        convolution("p w", "a", pads=(1, 0, 0, 2)),
        convolution("p w", "b", pads=(1, 0, 0, 2)),
        node("Add", "a b", "y"),
    ]
    weights = rng.integers(-3, 4, (2, 3, 2, 2)).astype(np.float32)
    model = graph(nodes, [1, 3, 4, 5], [1, 2, 7, 9], w=weights, pads=np.array(PADS))
    model = unchanged(rng, model, PlacePads())
    assert kinds(model) == ["Relu", "Conv", "Conv", "Add"]


def test_convolutions_of_signals_pad_for_themselves(rng):
    """As causal ones do, on one side."""
    from msq_finn.transforms.place_pads import PlacePads

    given = {"kernel_shape": [3], "strides": [1], "dilations": [1]}
    nodes = [
        node("Relu", "x", "r"),
        node("Pad", "r pads", "p"),
        convolution("p w", "y", pads=(0, 1), **given),
    ]
    weights = rng.integers(-3, 4, (2, 3, 3)).astype(np.float32)
    pads = np.array([0, 0, 2, 0, 0, 0])
    model = unchanged(rng, graph(nodes, [1, 3, 5], [1, 2, 6], w=weights, pads=pads), PlacePads())
    assert kinds(model) == ["Relu", "Conv"]


@pytest.mark.parametrize(
    ("pads", "concats"), [(PADS, 2), ([0, 0, 0, 1, 0, 0, 0, 0], 1), ([0] * 8, 0)]
)
def test_the_host_pads_images(rng, pads, concats):
    from msq_finn.transforms.place_pads import PlacePads

    lines, columns = 4 + pads[2] + pads[6], 5 + pads[3] + pads[7]
    nodes = [node("Pad", "x pads", "p"), thresholds("p t", "y", data_layout="NCHW")]
    steps = np.array([[-1.0, 0.5, 2.0]], np.float32)
    shape = [1, 3, lines, columns]
    model = graph(nodes, [1, 3, 4, 5], shape, t=steps, pads=np.array(pads))
    model = unchanged(rng, model, PlacePads(), InferDataLayouts())
    assert kinds(model) == ["Concat"] * concats + ["MultiThreshold"]
    assert model.get_tensor_layout(model.graph.node[-1].input[0]) == list("NCHW")


@pytest.mark.parametrize(
    ("pads", "value", "mode", "message"),
    [
        ([0, 1, 0, 0, 0, 0, 0, 0], 0, "constant", r"no hardware for pads \[0, 1"),
        ([0, 0, -1, 0, 0, 0, 0, 0], 0, "constant", "no hardware for pads"),
        (PADS, 2, "constant", "pads with 2"),
        (PADS, 0, "reflect", "no hardware for mode 'reflect'"),
    ],
)
def test_other_pads_are_refused(pads, value, mode, message):
    from msq_finn.transforms.place_pads import PlacePads

    pad = node("Pad", "x pads value", "y", mode=mode)
    shape = [n + pads[a] + pads[a + 4] for a, n in enumerate((1, 3, 4, 5))]
    constants = {"pads": np.array(pads), "value": np.float32(value)}
    model = graph([pad], [1, 3, 4, 5], shape, **constants)
    with pytest.raises(MsqError, match=rf"\(Pad\): {message}.*nn.ZeroPad2d"):
        model.transform(PlacePads())


@pytest.mark.parametrize(
    ("shape", "weights", "given", "result"),
    [
        ([1, 3, 2, 5], (3, 4, 3, 2), {"strides": [2, 3], "pads": [1, 0, 0, 1]}, [1, 4, 4, 13]),
        ([1, 1, 1, 3], (1, 1, 2, 2), {"strides": [2, 2], "output_padding": [1, 0]}, [1, 1, 3, 6]),
        ([1, 6, 3, 2], (6, 2, 2, 2), {"group": 3, "strides": [1, 2]}, [1, 6, 4, 4]),
        ([1, 4, 3, 2], (4, 1, 2, 2), {"group": 4, "strides": [3, 2]}, [1, 4, 8, 4]),
        ([1, 2, 3, 3], (2, 3, 3, 3), {"strides": [1, 1], "pads": [2, 2, 2, 2]}, [1, 3, 1, 1]),
    ],
)
def test_transposed_convolutions_are_convolutions(rng, shape, weights, given, result):
    from msq_finn.transforms.plain_convolutions import PlainConvolutions

    layer = convolution("x w", "y", op="ConvTranspose", kernel_shape=weights[2:], **given)
    values = rng.integers(-3, 4, weights).astype(np.float32)
    model = graph([layer], shape, result, w=values)
    model = unchanged(rng, model, PlainConvolutions())
    padded = ["Transpose", "FMPadding_Pixel", "Transpose"] if max(given["strides"]) > 1 else []
    assert kinds(model) == [*padded, "Conv"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dilations": [2, 1]}, "no hardware for dilations"),
        ({"pads": [2, 0, 0, 0]}, r"no hardware for padding \[2, 0, 0, 0\] of a 2x2 kernel"),
    ],
)
def test_transposed_convolutions_without_a_form_are_refused(given, message):
    from msq_finn.transforms.plain_convolutions import PlainConvolutions

    layer = convolution("x w", "y", op="ConvTranspose", **given)
    model = graph([layer], [1, 3, 4, 5], None, w=np.ones((3, 2, 2, 2), np.float32))
    with pytest.raises(MsqError, match=rf"\(ConvTranspose\): {message}"):
        model.transform(PlainConvolutions())


@pytest.mark.parametrize(
    ("channels", "weights", "groups", "left"),
    [(6, (9, 2, 2, 2), 3, 1), (3, (6, 1, 2, 2), 3, 1), (3, (3, 1, 2, 2), 3, 3)],
)
def test_groups_but_depthwise_ones_become_one(rng, channels, weights, groups, left):
    from msq_finn.transforms.plain_convolutions import PlainConvolutions

    values = rng.integers(-3, 4, weights).astype(np.float32)
    layer = convolution("x w", "y", group=groups)
    model = graph([layer], [1, channels, 3, 4], [1, weights[0], 2, 3], w=values)
    model = unchanged(rng, model, PlainConvolutions())
    assert next(a.i for a in model.graph.node[0].attribute if a.name == "group") == left


@pytest.mark.parametrize(
    ("nodes", "result", "expected"),
    [
        ([node("Pad", "x pads", "y")], [1, 3, 7, 8], "FMPadding"),
        (
            [
                node(
                    "Resize",
                    "x none factors",
                    "y",
                    mode="nearest",
                    nearest_mode="floor",
                    coordinate_transformation_mode="asymmetric",
                )
            ],
            [1, 3, 12, 10],
            "UpsampleNearestNeighbour",
        ),
        (
            [node("Resize", "x none factors", "y", mode="nearest")],
            [1, 3, 12, 10],
            "UpsampleNearestNeighbour",
        ),
    ],
)
def test_maps_of_integers_have_their_channels_last_in_hardware(rng, nodes, result, expected):
    from msq_finn.transforms.streamline_maps import StreamlineMaps

    constants = {"pads": np.array(PADS), "factors": np.array([1, 1, 3, 2], np.float32)}
    nodes[0].input[:] = ["" if name == "none" else name for name in nodes[0].input]
    model = graph(nodes, [1, 3, 4, 5], result, "INT4", **constants)
    model = unchanged(rng, model, StreamlineMaps())
    assert kinds(model) == ["Transpose", expected, "Transpose"]


@pytest.mark.parametrize(
    ("given", "result", "message"),
    [
        ({"mode": "linear"}, [1, 3, 12, 10], "no hardware for its mode"),
        (
            {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"},
            [1, 3, 12, 10],
            "no hardware for its mode",
        ),
        ({"mode": "nearest"}, [1, 3, 6, 10], r"no hardware to make \[1, 3, 6, 10\] of"),
    ],
)
def test_upsampling_that_repeats_no_pixels_is_refused(given, result, message):
    """Nearest to asymmetric coordinates, rounded, a pixel of three belongs to the next one."""
    from msq_finn.transforms.streamline_maps import StreamlineMaps

    factors = np.array([1, 1, result[2] / 4, 2], np.float32)
    model = graph([node("Resize", "x none factors", "y", **given)], [1, 3, 4, 5], result, "INT4",
                  factors=factors)  # fmt: skip
    model.graph.node[0].input[1] = ""
    with pytest.raises(MsqError, match=rf"\(Resize\): {message}"):
        model.transform(StreamlineMaps())


def test_float_maps_stay(rng):
    from msq_finn.transforms.streamline_maps import StreamlineMaps

    model = graph([node("Pad", "x pads", "y")], [1, 3, 4, 5], [1, 3, 7, 8], pads=np.array(PADS))
    assert kinds(unchanged(rng, model, StreamlineMaps())) == ["Pad"]


def test_a_pool_that_others_read_too_is_what_they_read(rng):
    """FINN's MakeMaxPoolNHWC gives the Add what the pool reads instead."""
    pool = node("MaxPool", "x", "p", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1])
    branches = (
        node("Transpose", "p", "l", perm=[0, 2, 3, 1]),
        node("Transpose", "l", "f", perm=[0, 3, 1, 2]),
        node("Add", "p f", "y"),
    )
    model = graph([pool, *branches], [1, 3, 4, 5], [1, 3, 4, 5], "UINT4")
    assert "MaxPoolNHWC" in kinds(unchanged(rng, model, PoolsChannelsLast()))


@pytest.mark.parametrize("ceil_mode, size", [(0, [2, 3]), (1, [3, 3])])
def test_a_pool_behind_a_transposition(rng, ceil_mode, size):
    nodes = (
        node("Transpose", "x", "f", perm=[0, 3, 1, 2]),
        node("MaxPool", "f", "y", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=ceil_mode),
    )
    model = graph(nodes, [1, 5, 6, 3], [1, 3, *size], "UINT4")
    assert "MaxPoolNHWC" in kinds(unchanged(rng, model, PoolsChannelsLast()))


def splits(before, shape, axis=1):
    """A Mul, an Add or a Transpose before a split, whose parts are put together otherwise."""
    nodes = (
        before,
        helper.make_node("Split", ["s", "sizes"], ["a", "b"], axis=axis),
        node("Mul", "b factor", "c"),
        node("Concat", "c a", "y", axis=axis),
    )
    sizes = np.array([1, 2], np.int64)
    return graph(nodes, shape, None, sizes=sizes, number=np.float32(3), factor=np.float32(2))


@pytest.mark.parametrize(
    "before, shape, axis",
    [
        (node("Mul", "x number", "s"), [1, 3, 4, 4], 1),
        (node("Add", "x number", "s"), [1, 3, 4, 4], 1),
        (node("Transpose", "x", "s", perm=[0, 3, 1, 2]), [1, 4, 5, 3], 1),
        (node("Transpose", "x", "s", perm=[0, 2, 3, 1]), [1, 3, 4, 5], -1),
    ],
)
def test_scales_and_transpositions_move_past_splits(rng, before, shape, axis):
    model = unchanged(rng, splits(before, shape, axis), MovePastSplits())
    moved = [n for n in model.graph.node if n.op_type == before.op_type and n.name]
    assert kinds(model)[0] == "Split"
    assert len(moved) == 2
    assert len({name for n in moved for name in n.input}) == sum(len(n.input) for n in moved)


def test_a_scale_that_others_read_too_stays_before_a_split(rng):
    """FINN's MoveScalarLinearPastSplit leaves the others a tensor that nothing makes."""
    model = splits(node("Mul", "x number", "s"), [1, 3, 4, 4])
    model.graph.node[-1].output[0] = "z"
    model.graph.node.append(node("Add", "z s", "y"))
    model = unchanged(rng, model.transform(InferShapes()), MovePastSplits())
    assert kinds(model)[0] == "Mul"
