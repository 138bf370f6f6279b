import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import qonnx_make_model

from ..build.networks import exported, input_residual_cnn, residual_cnn, small_cnn

pytestmark = pytest.mark.usefixtures("finn")


def streamlined(source, folder):
    from finn.builder import build_dataflow_steps as steps
    from finn.builder.build_dataflow_config import DataflowBuildConfig

    config = DataflowBuildConfig(
        output_dir=str(folder), synth_clk_period_ns=10.0, board="Pynq-Z1", generate_outputs=[]
    )
    model = ModelWrapper(str(source))
    for name in ("step_qonnx_to_finn", "step_tidy_up", "step_streamline"):
        model = getattr(steps, name)(model, config)
    return model


def test_scales_and_transposes_leave_the_branches(tmp_path, rng):
    from msq_finn.transforms.streamline_joins import StreamlineJoins

    model = streamlined(exported(residual_cnn(), tmp_path / "m.onnx", (1, 1, 4, 4)), tmp_path)
    image = {model.graph.input[0].name: rng.random((1, 1, 4, 4), dtype=np.float32)}
    before = next(iter(execute_onnx(model, image).values()))
    model = model.transform(StreamlineJoins())
    operations = [node.op_type for node in model.graph.node]
    # What is left of scales is the last one, behind the classifier.
    assert operations.count("Mul") == 1 and operations[-1] == "Mul"
    assert operations.count("Transpose") == 2  # the input's, and the one before flattening
    add = model.get_nodes_by_op_type("Add")[0]
    assert all(model.get_tensor_datatype(tensor).is_integer() for tensor in add.input)
    after = next(iter(execute_onnx(model, image).values()))
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6)


def test_a_fork_behind_the_input_quantizer_is_transposed_once(tmp_path, rng):
    from msq_finn.transforms.streamline_joins import StreamlineJoins

    shape = (1, 4, 4, 4)
    model = streamlined(exported(input_residual_cnn(), tmp_path / "m.onnx", shape), tmp_path)
    image = {model.graph.input[0].name: rng.random(shape, dtype=np.float32)}
    before = next(iter(execute_onnx(model, image).values()))
    model = model.transform(StreamlineJoins())
    operations = [node.op_type for node in model.graph.node]
    assert operations[:2] == ["MultiThreshold", "Transpose"]
    assert operations.count("Transpose") == 2  # that one, and the one before flattening
    assert len(model.find_consumers(model.graph.node[1].output[0])) == 2
    after = next(iter(execute_onnx(model, image).values()))
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6)


def test_graphs_without_a_join_stay_as_they_are(tmp_path):
    from msq_finn.transforms.streamline_joins import StreamlineJoins

    model = streamlined(exported(small_cnn(), tmp_path / "m.onnx"), tmp_path)
    before = model.model.SerializeToString()
    assert model.transform(StreamlineJoins()).model.SerializeToString() == before


def test_a_scale_that_passes_a_split_belongs_to_each_part_alone(rng):
    """Both parts are scaled again, by different factors, and would share the first's."""
    from msq_finn.transforms.settle import settled

    info = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Mul", ["x", "before"], ["m"], "first"),
        helper.make_node("Split", ["m", "parts"], ["s", "t"], "split", axis=1),
        helper.make_node("Mul", ["s", "two"], ["y"], "left"),
        helper.make_node("Mul", ["t", "three"], ["z"], "right"),
    ]
    ends = [info(name, TensorProto.FLOAT, [1, 2, 3, 3]) for name in ("y", "z")]
    graph = helper.make_graph(nodes, "split", [info("x", TensorProto.FLOAT, [1, 4, 3, 3])], ends)
    model = ModelWrapper(qonnx_make_model(graph, opset_imports=[helper.make_opsetid("", 13)]))
    for name, value in (("before", 0.25), ("two", 2.0), ("three", 3.0)):
        model.set_initializer(name, np.array(value, np.float32))
    model.set_initializer("parts", np.array([2, 2]))
    model = settled(model.transform(InferShapes()))
    x = rng.random((1, 4, 3, 3), dtype=np.float32)
    found = execute_onnx(model, {"x": x})
    np.testing.assert_allclose(found["y"], x[:, :2] * 0.5, rtol=1e-6)
    np.testing.assert_allclose(found["z"], x[:, 2:] * 0.75, rtol=1e-6)
    assert [node.op_type for node in model.graph.node] == ["Split", "Mul", "Mul"]
