"""Quantizers at ties: FINN's thresholds against QONNX running the exported file."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.basic import qonnx_make_model
from qonnx.util.cleanup import cleanup_model

from ..robustness import models as m

pytestmark = pytest.mark.usefixtures("finn")


def quantizer(scale, bits, signed, narrow, relu, values):
    info = helper.make_tensor_value_info
    node = m.quant("r" if relu else "x", "scale", "bits", "y", signed, narrow)
    nodes = [helper.make_node("Relu", ["x"], ["r"])] * relu + [node]
    ends = [info(name, TensorProto.FLOAT, [1, values]) for name in "xy"]
    model = ModelWrapper(
        qonnx_make_model(helper.make_graph(nodes, "quantizer", ends[:1], ends[1:]))
    )
    for name, value in (("scale", scale), ("zero", 0), ("bits", bits)):
        model.set_initializer(name, np.float32(value))
    return cleanup_model(model)


def converted(model):
    from finn.builder.build_dataflow_steps import step_tidy_up
    from finn.transformation.qonnx.convert_qonnx_to_finn import ConvertQONNXtoFINN

    class Config:
        def _resolve_verification_steps(self):
            return []

    return step_tidy_up(model.transform(ConvertQONNXtoFINN()), Config())


def around_ties(scale):
    """Every tie of 4 bits and more, and the floats beside it."""
    values = [np.float32((k + 0.5) * np.float64(scale)) for k in range(-20, 20)]
    for direction in (-np.inf, np.inf):
        near = values[:40]
        for _ in range(3):
            near = [np.nextafter(value, np.float32(direction)) for value in near]
            values += near
    return np.array([values], dtype=np.float32)


@pytest.mark.parametrize("scale", [1 / 16, 1.0, 0.0372, 0.7351, 3.3e-5])
@pytest.mark.parametrize(
    ("bits", "signed", "narrow", "relu"),
    [(4, 0, 0, 0), (4, 0, 0, 1), (4, 1, 0, 0), (3, 1, 1, 0), (2, 1, 1, 0)],
)
def test_every_float_at_a_tie_is_rounded_as_qonnx_does(scale, bits, signed, narrow, relu):
    from msq_finn.transforms.round_ties_to_even import RoundTiesToEven

    images = around_ties(scale)
    model = quantizer(scale, bits, signed, narrow, relu, images.shape[1])
    name, output = model.graph.input[0].name, model.graph.output[0].name
    expected = execute_onnx(model, {name: images})[output]
    model = converted(model)
    assert model.graph.node[0].op_type == "MultiThreshold"
    before = execute_onnx(model, {name: images})[output]
    after = execute_onnx(model.transform(RoundTiesToEven()), {name: images})[output]
    assert (np.abs(before - expected) > scale / 2).any()  # FINN's own differ
    np.testing.assert_allclose(after, expected, atol=scale / 4)


def test_other_thresholds_stay(rng):
    from msq_finn.transforms.round_ties_to_even import RoundTiesToEven

    info = helper.make_tensor_value_info
    node = helper.make_node("MultiThreshold", ["x", "t"], ["y"], domain=m.QONNX, out_dtype="UINT4")
    ends = [info(name, TensorProto.FLOAT, [1, 5]) for name in "xy"]
    model = ModelWrapper(qonnx_make_model(helper.make_graph([node], "t", ends[:1], ends[1:])))
    thresholds = np.sort(rng.normal(size=(1, 15)).astype(np.float32))
    model.set_initializer("t", thresholds)
    model = model.transform(RoundTiesToEven())
    np.testing.assert_array_equal(model.get_initializer("t"), thresholds)


def test_ties_inside_a_network_of_powers_of_two(tmp_path, rng):
    """Every scale is a power of two and no normalisation is between, so that sums hit ties."""
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode

    from msq_finn.build.generate import generate
    from msq_finn.build.simulate import reference_outputs
    from msq_finn.lowering.host_side import Host
    from msq_finn.lowering.lower import Target

    model = m.valid()
    nodes = [node for node in model.graph.node if node.name != "bn"]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    m.set_end(model, "relu", "input", "c")
    m.set_tensor(model, "step", 1.0)
    onnx.save(model, tmp_path / "model.onnx")
    target = Target("Pynq-Z1", target_fps=10_000)
    lowered = generate(
        tmp_path / "model.onnx", target, tmp_path, stop_before="step_msq_insert_streams"
    )
    images = (rng.integers(0, 33, (8, 1, 4, 4)) / 32).astype(np.float32)  # every other one a tie
    host, accelerator = Host(lowered.parent), lowered.model.transform(SetExecMode("cppsim"))
    source, result = accelerator.graph.input[0].name, accelerator.graph.output[0].name
    outputs = [
        host.after(execute_onnx(accelerator, {source: host.before(image[None])})[result])[0]
        for image in images
    ]
    expected = reference_outputs(tmp_path / "model.onnx", images)
    np.testing.assert_array_equal(np.stack(outputs), expected)
