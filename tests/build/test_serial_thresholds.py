"""Networks whose thresholds are compared one after another: bit for bit, as planned."""

from __future__ import annotations

import pytest
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.differences import differ
from msq_finn.build.generate import generate
from msq_finn.build.run import build
from msq_finn.build.simulate import reference_outputs, simulate
from msq_finn.build.verdict.judge import judge
from msq_finn.errors import MsqError
from msq_finn.lowering.cycles import node_cycles
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.frontend.graph import network_of_file
from msq_finn.plan.making import make_plan

from .networks import exported, mixed_to_the_end, residual_cnn
from .whole import same_in_rtl

BOARD, PART = "Pynq-Z1", "xc7z020clg400-1"


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
    design, images, *_ = same_in_rtl(lowered, tmp_path, 5, rel=0.02)
    # A threshold that is wrong is a fault of its node: the first of all channels.
    (file,) = tmp_path.glob("finn/*ThresholdingSerial_rtl_0*/*_threshs_0.dat")
    kept = file.read_text()
    words = kept.split()
    words[1::16] = [f"{int(word, 16) ^ 4:x}" for word in words[1::16]]
    file.write_text("\n".join(words) + "\n")
    found = simulate(lowered, design, images)
    reference, step = reference_outputs(source, images), Host(lowered.parent).output_step()
    wrong = differ(found.outputs, reference, step)
    verdict = judge(lowered, images, found, wrong)
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


def test_lanes_go_on_while_a_word_is_searched(tmp_path):
    """The FIFO between them holds a word at most: without it lanes are idle a quarter of the time.

    FIFOs behind the search only delay a word, and go.
    """
    source = exported(mixed_to_the_end(), tmp_path / "model.onnx", (1, 2, 4, 4))
    network = network_of_file(source, BOARD)
    plan = make_plan(network, BOARD, PART, "DSP48E1", target_fps=340_000).plan
    lowered = generate(source, changed(plan, tmp_path, {"threshold_pe": 2}), tmp_path)
    assert same_in_rtl(lowered, tmp_path, 6, rel=0.01)[2].cycles_per_image == 288
    model = lowered.model
    (search,) = model.get_nodes_by_op_type("ThresholdingSerial_rtl")
    before, behind = model.find_producer(search.input[0]), model.find_consumer(search.output[0])
    assert before.op_type == "StreamingFIFO_rtl"
    assert model.find_producer(before.input[0]).op_type == "MVAU_MSQ_rtl"
    assert behind.op_type != "StreamingFIFO_rtl"
