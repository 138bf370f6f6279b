"""Average pools of whole maps, and scales before max-pools."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.basic import qonnx_make_model

from msq_finn.transforms.move_scales_past_pools import MoveScalesPastPools
from msq_finn.transforms.recognise_global_pools import RecogniseGlobalPools


def graph(nodes, shape, result, **constants):
    info = helper.make_tensor_value_info
    ends = [info("x", TensorProto.FLOAT, shape)], [info("y", TensorProto.FLOAT, result)]
    between = [info("m", TensorProto.FLOAT, shape)]
    model = ModelWrapper(
        qonnx_make_model(helper.make_graph(nodes, "pools", *ends, value_info=between))
    )
    for name, value in constants.items():
        model.set_initializer(name, np.array(value, dtype=np.float32))
    return model


def outputs(model, rng):
    x = rng.standard_normal(model.get_tensor_shape("x")).astype(np.float32)
    return x, execute_onnx(model, {"x": x})["y"]


@pytest.mark.parametrize(
    ("window", "pads", "is_global"),
    [
        ([4, 6], [0, 0, 0, 0], True),
        ([4, 4], [0, 0, 0, 0], False),
        ([4, 6], [0, 1, 0, 0], False),
    ],
)
def test_a_window_as_large_as_the_map_is_global(rng, window, pads, is_global):
    strides = [4, 3]
    pool = helper.make_node(
        "AveragePool", ["x"], ["y"], kernel_shape=window, strides=strides, pads=pads
    )
    lines, columns = (
        (size + pads[a] + pads[a + 2] - window[a]) // strides[a] + 1
        for a, size in enumerate((4, 6))
    )
    model = graph([pool], [1, 3, 4, 6], [1, 3, lines, columns])
    x, before = outputs(model, rng)
    model = model.transform(RecogniseGlobalPools())
    assert (model.graph.node[0].op_type == "GlobalAveragePool") == is_global
    np.testing.assert_allclose(execute_onnx(model, {"x": x})["y"], before, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("scale", "moves"),
    [
        (0.25, True),
        ([[[[0.5, 2.0, 1.0]]]], True),
        ([0.5, 2.0, 1.0], True),
        (-0.25, False),
        ([[[[0.5, 0.0, 1.0]]]], False),
        (np.full((1, 3, 1, 1), 0.5), False),  # three, but not along the channels
    ],
)
def test_positive_scales_pass_max_pools(rng, scale, moves):
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["m"]),
        helper.make_node(
            "MaxPoolNHWC", ["m"], ["y"], domain="qonnx.custom_op.general",
            kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0],
        ),
    ]  # fmt: skip
    lines = 3 if np.shape(scale) == (1, 3, 1, 1) else 4
    model = graph(nodes, [1, lines, 4, 3], [1, lines // 2, 2, 3], scale=scale)
    x, before = outputs(model, rng)
    model = model.transform(MoveScalesPastPools())
    kinds = [node.op_type for node in model.graph.node]
    assert kinds == (["MaxPoolNHWC", "Mul"] if moves else ["Mul", "MaxPoolNHWC"])
    np.testing.assert_array_equal(execute_onnx(model, {"x": x})["y"], before)


def test_a_scale_that_others_read_stays():
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["m"]),
        helper.make_node(
            "MaxPoolNHWC", ["m"], ["p"], domain="qonnx.custom_op.general",
            kernel_shape=[1, 1], strides=[1, 1], pads=[0, 0, 0, 0],
        ),
        helper.make_node("Add", ["m", "p"], ["y"]),
    ]  # fmt: skip
    model = graph(nodes, [1, 2, 2, 3], [1, 2, 2, 3], scale=0.5)
    model = model.transform(MoveScalesPastPools())
    assert [node.op_type for node in model.graph.node] == ["Mul", "MaxPoolNHWC", "Add"]
