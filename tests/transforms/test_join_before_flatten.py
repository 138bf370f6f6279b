import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import qonnx_make_model

from msq_finn.transforms.join_before_flatten import JoinBeforeFlatten


def joined(*shapes, axis=1):
    """Maps that are flattened each, and concatenated."""
    info, names = helper.make_tensor_value_info, [f"x{i}" for i in range(len(shapes))]
    nodes = [
        helper.make_node("Flatten", [n], [f"f{n}"], name=f"Flatten_{n}", axis=1) for n in names
    ]
    nodes.append(helper.make_node("Concat", [f"f{n}" for n in names], ["y"], axis=axis))
    inputs = [info(n, TensorProto.FLOAT, s) for n, s in zip(names, shapes, strict=True)]
    graph = helper.make_graph(nodes, "joined", inputs, [info("y", TensorProto.FLOAT, None)])
    return ModelWrapper(qonnx_make_model(graph)).transform(InferShapes())


@pytest.mark.parametrize(
    "shapes, joins",
    [
        (((1, 2, 3, 2), (1, 4, 3, 2)), True),
        (((1, 2, 1, 1), (1, 4, 1, 1), (1, 1, 1, 1)), True),
        (((1, 3, 5), (1, 2, 5)), True),
        (((1, 3, 5), (1, 2, 4)), False),
        (((1, 3, 2, 2), (1, 5)), False),
    ],
)
def test_maps_of_one_size_are_joined_before_they_are_flattened(rng, shapes, joins):
    model = joined(*shapes)
    values = {f"x{i}": rng.random(s).astype(np.float32) for i, s in enumerate(shapes)}
    before = execute_onnx(model, values)["y"]
    model = model.transform(JoinBeforeFlatten())
    kinds = [node.op_type for node in model.graph.node]
    assert kinds == (["Concat", "Flatten"] if joins else ["Flatten"] * len(shapes) + ["Concat"])
    np.testing.assert_array_equal(execute_onnx(model, values)["y"], before)
