import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError
from msq_finn.transforms.signals_to_images import SignalsToImages


def signal_net(rng, activation="Add", constant=(1, 3, 1)):
    info = helper.make_tensor_value_info
    nodes = [
        helper.make_node(
            "Conv", ["inp", "w"], ["c"], name="Conv_0", kernel_shape=[3], strides=[2],
            pads=[1, 2], dilations=[1], group=1,
        ),
        helper.make_node(activation, ["c", "b"] if activation == "Add" else ["c"], ["a"],
                         name="Act_0"),
        helper.make_node("MaxPool", ["a"], ["p"], name="Pool_0", kernel_shape=[2], strides=[2],
                         pads=[0, 0], dilations=[1]),
        helper.make_node("Flatten", ["p"], ["f"], name="Flatten_0", axis=1),
        helper.make_node("MatMul", ["f", "m"], ["outp"], name="MatMul_0"),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "signals",
        [info("inp", TensorProto.FLOAT, [1, 2, 9])],
        [info("outp", TensorProto.FLOAT, [1, 4])],
    )
    model = ModelWrapper(qonnx_make_model(graph))
    for name, shape in (("w", (3, 2, 3)), ("b", constant), ("m", (6, 4))):
        if activation == "Add" or name != "b":
            model.set_initializer(name, rng.integers(-4, 5, shape).astype(np.float32))
    return model


@pytest.mark.parametrize("constant", [(1, 3, 1), (3, 1), (5,), (1,), ()])
def test_it_computes_the_same_from_the_same_input(rng, constant):
    model = signal_net(rng, constant=constant)
    values = {"inp": rng.integers(-8, 8, (1, 2, 9)).astype(np.float32)}
    before = execute_onnx(model.transform(InferShapes()), values)["outp"]
    model = model.transform(SignalsToImages())
    assert model.get_tensor_shape("inp") == [1, 2, 9]
    assert model.get_initializer("w").shape == (3, 2, 3, 1)
    np.testing.assert_array_equal(execute_onnx(model, values)["outp"], before)


def test_images_stay_as_they_are(rng):
    model = signal_net(rng).transform(SignalsToImages())
    once = model.model.SerializeToString()
    assert model.transform(SignalsToImages()).model.SerializeToString() == once


@pytest.mark.parametrize("function", ["Relu", "Sigmoid", "Tanh"])
def test_functions_of_single_values_stay(rng, function):
    model = signal_net(rng, function)
    values = {"inp": rng.integers(-1, 2, (1, 2, 9)).astype(np.float32)}
    before = execute_onnx(model.transform(InferShapes()), values)["outp"]
    model = model.transform(SignalsToImages())
    assert model.get_tensor_shape("a") == [1, 3, 5, 1]
    assert [node.op_type for node in model.graph.node][2] == function
    np.testing.assert_allclose(execute_onnx(model, values)["outp"], before, rtol=1e-6)


def test_an_op_without_a_known_form_is_named(rng):
    with pytest.raises(MsqError, match=r"Act_0 \(Softplus\) has no known form"):
        signal_net(rng, "Softplus").transform(SignalsToImages())
