"""Labels of equal sums: the lower one in hardware, whichever float32 takes for the greater."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from msq_finn.build.generate import generate
from msq_finn.build.simulate import accelerator_inputs, executed, reference_outputs
from msq_finn.build.verdict.follow import follow
from msq_finn.build.verdict.observe import Observations
from msq_finn.build.verdict.reference import Reference
from msq_finn.lowering.lower import Target

from ..robustness.models import FLOAT, QONNX, quant

LABELS = 6

#: Of the layer's weights; few enough that sums are often equal.
WEIGHTS = np.random.default_rng(1).integers(-3, 4, (8, LABELS))


def model(count):
    """One layer of narrow weights, and the labels of its greatest sums."""
    values = {"zero": 0.0, "bits4": 4.0, "pixel": 0.1, "w": WEIGHTS * np.float32(0.3), "w_s": 0.3}
    tensors = [numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in values.items()]
    tensors.append(numpy_helper.from_array(np.array([count]), "count"))
    nodes = [
        quant("x", "pixel", "bits4", "x_q", signed=0),
        quant("w", "w_s", "bits4", "w_q", narrow=1),
        helper.make_node("MatMul", ["x_q", "w_q"], ["s"], name="layer"),
        helper.make_node("TopK", ["s", "count"], ["greatest", "y"], name="select", axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "labels",
        [helper.make_tensor_value_info("x", FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [1, count])],
        tensors,
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 2)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=7)


@pytest.mark.parametrize("count", [1, 3])
def test_equal_sums_are_ties_and_lower_labels_come_first(tmp_path, count):
    source = tmp_path / "model.onnx"
    onnx.save(model(count), source)
    network = generate(source, Target("Pynq-Z1"), tmp_path, stop_before="step_msq_insert_streams")
    levels = np.random.default_rng(2).integers(0, 16, (8000, 8))
    ordered = np.sort(levels @ WEIGHTS, axis=1)
    levels = levels[ordered[:, -1] == ordered[:, -2]][:100]
    images = levels.astype(np.float32) * np.float32(0.1)
    found = executed(network, accelerator_inputs(network, images)).reshape(-1, count)
    # Stable: of equal sums the lower label first.
    right = np.argsort(-(levels @ WEIGHTS), axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(found, right)
    expected = reference_outputs(source, images).reshape(-1, count)
    differ = np.flatnonzero((expected != found).any(axis=1))
    assert len(images) == 100 and len(differ) > 3  # float32 sees a difference between equal sums
    reference = Reference(source)
    nothing = Observations(network.model, reference, {})
    for image in differ:
        result = follow(reference, images[image], nothing, found[image], 1.0)
        assert result.fault is None and len(result.ties) == (expected != found)[image].sum()
        assert {tie.node for tie in result.ties} == {"select"}
    for image in range(5):
        # The higher of two equal labels first, which hardware must not have.
        first, second = np.argsort(-(levels[image] @ WEIGHTS), kind="stable")[:2]
        other = np.array([second, first, *right[image][2:]])[:count]
        result = follow(reference, images[image], nothing, other, 1.0)
        assert (result.fault is None) == np.array_equal(other, expected[image])
