"""Networks whose thresholds are compared one after another: bit for bit, as planned."""

from __future__ import annotations

import numpy as np
import pytest
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build import fifos
from msq_finn.build.differences import differ, mismatches
from msq_finn.build.generate import generate
from msq_finn.build.run import build
from msq_finn.build.simulate import accelerator_inputs, reference_outputs, run_accelerator, simulate
from msq_finn.build.stitch import stitch
from msq_finn.build.trial import random_images
from msq_finn.build.verdict.judge import judge
from msq_finn.errors import MsqError
from msq_finn.lowering.cycles import node_cycles, predicted_interval
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.frontend.graph import network_of_file
from msq_finn.plan.making import make_plan

from .networks import exported, residual_cnn

BOARD, PART, STALLS = "Pynq-Z1", "xc7z020clg400-1", {"stall_in": 0.3, "stall_out": 0.4, "seed": 5}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A residual network: thresholds of two layers, of the other branch, and of their sum."""
    path = tmp_path_factory.mktemp("residual") / "model.onnx"
    return exported(residual_cnn(), path, (1, 1, 4, 4))


@pytest.fixture(scope="module")
def outcome(source):
    """Its plan for 100 frames a ms."""
    network = network_of_file(source, BOARD)
    return make_plan(network, BOARD, PART, "DSP48E1", target_fps=100_000)


def changed(plan, folder, *changes):
    """The plan with its layers' decisions changed, one after another, as a file."""
    given = [*changes, *[{}] * (len(plan.layers) - len(changes))]
    layers = [
        layer.model_copy(update=change) for layer, change in zip(plan.layers, given, strict=True)
    ]
    plan.model_copy(update={"layers": layers}).save(folder / "plan.yaml")
    return Target(BOARD, clk_ns=plan.clk_ns, plan=folder / "plan.yaml")


def thresholds_of(lowered):
    """Thresholds in the order of the graph: cycles a frame, and the memory of serial ones."""
    nodes = [n for n in lowered.model.graph.node if n.op_type.startswith("Thresholding")]
    ops = [(node, getCustomOp(node)) for node in nodes]
    serial = [node.op_type == "ThresholdingSerial_rtl" for node in nodes]
    return [
        (node_cycles(op), op.get_nodeattr("ram_style") if is_serial else "none")
        for (_, op), is_serial in zip(ops, serial, strict=True)
    ]


def check_simulation(lowered, folder):
    """Whether simulation gives the exported model's results at the rate that nodes say.

    Returns what judges what the RTL gives as it lies there.
    """
    images = random_images(lowered, 5, seed=2)
    inputs = accelerator_inputs(lowered, images)
    fifos.size_fifos(lowered, folder / "sizing")
    design = stitch(lowered.model, folder)
    found = simulate(lowered, design, images)
    reference, step = reference_outputs(lowered.source, images), Host(lowered.parent).output_step()
    assert mismatches(found.outputs, reference, step) == 0
    assert np.ptp(reference) > 5 * step.max()
    assert found.cycles_per_image == pytest.approx(predicted_interval(lowered.model), rel=0.02)
    stalled, _ = run_accelerator(lowered.model, design, inputs, **STALLS)
    np.testing.assert_array_equal(stalled, found.raw)

    def judged():
        simulation = simulate(lowered, design, images)
        wrong = differ(simulation.outputs, reference, step)
        return wrong, judge(lowered, images, simulation, wrong)

    return judged


def test_a_plan_has_them_where_there_is_time(outcome):
    styles = [layer.serial_thresholds for layer in outcome.plan.layers]
    assert styles == ["distributed", "distributed", "none"]
    assert [layer.threshold_pe for layer in outcome.plan.layers] == [1, 1, 0]


def test_a_mixed_network_as_planned(tmp_path, source, outcome):
    """The first layer's in block RAM, the second's in FINN's pipeline, others as time allows."""
    changes = {"serial_thresholds": "block"}, {"serial_thresholds": "none"}
    lowered = generate(source, changed(outcome.plan, tmp_path, *changes), tmp_path)
    # 16 pixels of 4 channels, and 4 comparisons each.
    serial = (256, "distributed")
    assert thresholds_of(lowered) == [(256, "block"), serial, (64, "none"), serial]
    judged = check_simulation(lowered, tmp_path)
    # A threshold that is wrong is a fault of its node: the first of all channels.
    (file,) = tmp_path.glob("finn/*ThresholdingSerial_rtl_0*/*_threshs_0.dat")
    kept = file.read_text()
    words = kept.split()
    words[1::16] = [f"{int(word, 16) ^ 4:x}" for word in words[1::16]]
    file.write_text("\n".join(words) + "\n")
    wrong, verdict = judged()
    file.write_text(kept)
    assert wrong.any()
    assert {fault.found.node for fault in verdict.faults} == {"ThresholdingSerial_rtl_0"}


@pytest.mark.slow
def test_a_whole_build(tmp_path, source, outcome):
    for name in ("out", "work"):
        (tmp_path / name).mkdir()
    target = changed(outcome.plan, tmp_path)
    summary = build(source, target, tmp_path / "out", tmp_path / "work", 4, until="gate")
    assert summary.rtl_mismatches == summary.gate_mismatches == 0
    assert sum(node.name.startswith("ThresholdingSerial_rtl") for node in summary.nodes) == 4
    told = outcome.totals
    assert summary.cycles_per_image == pytest.approx(told.cycles, rel=0.05)
    assert summary.lut_sites == pytest.approx(told.resources.lut, rel=0.1)


def test_serial_thresholds_of_none_are_refused(tmp_path, outcome):
    change = {"serial_thresholds": "block", "threshold_pe": 0}
    target = changed(outcome.plan, tmp_path, change)
    with pytest.raises(MsqError, match="serial_thresholds: no thresholds follow; remove it"):
        Plan.load(target.plan)
