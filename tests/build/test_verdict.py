"""Differences between hardware and exported model: ties of float32 are told from faults."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.differences import differ
from msq_finn.build.generate import generate
from msq_finn.build.output import DIFFERENCE
from msq_finn.build.simulate import (
    accelerator_inputs,
    executable,
    reference_outputs,
    simulate,
    tensors,
)
from msq_finn.build.stitch import stitch
from msq_finn.build.verdict.bounded import nearest_even
from msq_finn.build.verdict.exact import Exact
from msq_finn.build.verdict.follow import follow
from msq_finn.build.verdict.judge import judge
from msq_finn.build.verdict.observe import Observations
from msq_finn.build.verdict.record import verdict_figures, write_difference
from msq_finn.build.verdict.reference import Reference
from msq_finn.build.verdict.taps import inner_tensors
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target

from ..robustness.models import FLOAT, QONNX, array, quant
from . import networks
from .networks import exported

SHAPES = {
    "residual_cnn": (1, 1, 4, 4),
    "dense_cnn": (1, 1, 4, 4),
    "signal_cnn": (1, 2, 16),
    "brevitas_mobilenet": (1, 3, 4, 4),
}

#: Those that a quick run leaves out.
SLOW = ("dense_cnn", "residual_cnn", "signal_cnn")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in SHAPES
    ],
)
def network(request, tmp_path_factory):
    """An exported network, lowered up to placed rows, and images for it."""
    folder = tmp_path_factory.mktemp(request.param)
    shape = SHAPES[request.param]
    source = exported(getattr(networks, request.param)(), folder / "model.onnx", shape)
    images = np.random.default_rng(0).random((12, *shape[1:]), np.float32)
    return source, lowered(source, folder), images


def lowered(source, folder):
    target = Target("Pynq-Z1", target_fps=100_000)
    return generate(source, target, folder, stop_before="step_msq_insert_streams")


def followed(source, network, images):
    """Follow images as they are computed by the dataflow graph, whose tensors stand for RTL's."""
    reference, graph, host = Reference(source), executable(network), Host(network.parent)
    names = inner_tensors(network.model)
    results = []
    for image, given in zip(images, accelerator_inputs(network, images), strict=True):
        context = tensors(graph, given)
        seen = {name: np.rint(context[name]).astype(np.int64)[0] for name in names}
        outputs = host.after(context[graph.graph.output[0].name])[0]
        observations = Observations(network.model, reference, seen)
        results.append(follow(reference, image, observations, outputs, host.output_step()))
    return results


def test_the_reference_is_as_near_to_the_exact_values_as_is_said(network):
    """QONNX's own values bound ours from both sides: neither wrong nor vague."""
    source, _, images = network
    reference = Reference(source)
    rng = np.random.default_rng(1)
    off, bounds = [], []
    for image in images[:2]:
        last = len(reference.model.graph.node) - 1
        context = reference.run(reference.started(image), 0, last)
        exact = Exact(reference.model, context)
        for quantizer in reference.quantizers.values():
            scale = context[quantizer.node.input[1]]
            rounded = context[quantizer.node.input[0]] / scale
            for flat in rng.choice(rounded.size, 12):
                place = np.unravel_index(flat, rounded.shape)
                value = exact.steps(quantizer.node, tuple(map(int, place)))
                distance = abs(Fraction(float(rounded[place])) - value.value)
                assert distance <= value.error
                off.append(float(distance))
                bounds.append(float(value.error))
    assert len(reference.quantizers) >= 3
    assert 0 < max(off) < max(bounds) < 2e-4


def test_what_the_graph_computes_needs_no_fault(network):
    source, lowered_network, images = network
    for result in followed(source, lowered_network, images):
        assert result.fault is None and not result.ties


def shift_thresholds(model):
    """By one, in every channel, so that some sum lies between."""
    node = [n for n in model.graph.node if n.op_type.startswith("Thresholding")][1]
    thresholds = model.get_initializer(node.input[1]).copy()
    thresholds[:, 2] -= 1
    return node, 1, thresholds, node


def swap_rows(model):
    node = [n for n in model.graph.node if n.op_type == "MVAU_MSQ_rtl"][1]
    weights = model.get_initializer(node.input[1]).copy()
    kinds = getCustomOp(node).get_nodeattr("rowSchemes")
    other = kinds.index(kinds[0], 1)
    weights[:, [0, other]] = weights[:, [other, 0]]
    return node, 1, weights, behind(model, node)


def change_a_weight(model):
    node = next(n for n in model.graph.node if n.op_type == "MVAU_MSQ_rtl")
    weights = model.get_initializer(node.input[1]).copy()
    weights[0, -1] = 1 - weights[0, -1]
    return node, 1, weights, behind(model, node)


def behind(model, node):
    """The thresholds in which a layer's sums first show."""
    while not node.op_type.startswith("Thresholding"):
        node = model.find_consumer(node.output[0])
    return node


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    source = exported(networks.small_cnn(), folder / "model.onnx", (1, 1, 6, 6))
    return source, lowered(source, folder)


@pytest.mark.parametrize("change", [None, shift_thresholds, swap_rows, change_a_weight])
def test_a_seeded_fault_is_one_at_its_node(small, change):
    source, sound = small
    network = replace(sound, model=copy.deepcopy(sound.model))
    images = np.random.default_rng(2).random((30, 1, 6, 6), np.float32)
    if change is not None:
        node, which, values, seen_at = change(network.model)
        network.model.set_initializer(node.input[which], values)
    results = followed(source, network, images)
    found = [result.fault for result in results if result.fault]
    assert not any(result.ties for result in results) and bool(found) == bool(change)
    if change is not None:
        assert {fault.node.partition(" ")[0] for fault in found} == {seen_at.name}
        assert all((fault.expected != fault.found).sum() == fault.faults for fault in found)


def tie_model(step):
    """Two layers, with a quantizer of such a step between them."""
    rng = np.random.default_rng(3)
    values = {
        "zero": 0.0,
        "bits4": 4.0,
        "pixel": 0.1,
        "step": step,
        "w": rng.integers(-7, 8, (6, 4)) * np.float32(0.3),
        "w_s": 0.3,
        "v": rng.integers(-7, 8, (4, 3)) * np.float32(0.2),
        "v_s": 0.2,
    }
    nodes = [
        quant("x", "pixel", "bits4", "x_q", signed=0),
        quant("w", "w_s", "bits4", "w_q", narrow=1),
        helper.make_node("MatMul", ["x_q", "w_q"], ["s"], name="first"),
        helper.make_node("Relu", ["s"], ["r"], name="relu"),
        quant("r", "step", "bits4", "r_q", signed=0),
        quant("v", "v_s", "bits4", "v_q", narrow=1),
        helper.make_node("MatMul", ["r_q", "v_q"], ["y"], name="second"),
    ]
    graph = helper.make_graph(
        nodes,
        "tie",
        [helper.make_tensor_value_info("x", FLOAT, [1, 6])],
        [helper.make_tensor_value_info("y", FLOAT, [1, 3])],
        [numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in values.items()],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 2)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=7)


@pytest.fixture(scope="module")
def tie(tmp_path_factory):
    """A model and an image of which float32 rounds just one value the other way.

    The step is such that a sum of 45 is 9.5 steps, but for what a float32 loses.
    """
    source = tmp_path_factory.mktemp("tie") / "model.onnx"
    images = np.random.default_rng(4).integers(0, 16, (400, 6)).astype(np.float32) * np.float32(0.1)
    sums = ((images / 0.1).round() @ np.round(array(tie_model(1.0), "w") / 0.3) == 45).any(axis=1)
    near = np.float32(0.1 * 0.3 * 45 / 9.5)
    for ulps in range(-3, 4):
        step = near
        for _ in range(abs(ulps)):
            step = np.nextafter(step, np.float32(np.inf if ulps > 0 else -np.inf))
        onnx.save(tie_model(step), source)
        reference = Reference(source)
        (quantizer,) = [q for q in reference.quantizers.values() if q.name == "quant_r_q"]
        for image in images[sums]:
            last = len(reference.model.graph.node) - 1
            context = reference.run(reference.started(image), 0, last)
            levels = quantizer.levels(context)
            exact = Exact(reference.model, context)
            right = [
                nearest_even(exact.steps(quantizer.node, (0, c)).value, 0, 15) for c in range(4)
            ]
            places = np.flatnonzero(levels[0] != right)
            if len(places):
                return source, image, int(places[0]), right
    raise AssertionError("no tie found")


def test_a_tie_is_no_fault(tie, tmp_path):
    source, image, place, right = tie
    network = lowered(source, tmp_path)
    (result,) = followed(source, network, image[None])
    assert result.fault is None
    (only,) = result.ties
    assert (only.node, only.index, only.rtl) == ("quant_r_q", (0, place), right[place])
    assert only.value == pytest.approx(9.5, abs=1e-5) and abs(only.rtl - only.reference) == 1


@pytest.mark.parametrize("where", ["beside", "behind"])
def test_a_fault_beside_or_behind_a_tie_is_one(tie, tmp_path, where):
    """A tie somewhere excuses nothing else."""
    source, image, place, _ = tie
    network = lowered(source, tmp_path)
    nodes = network.model.graph.node
    if where == "beside":
        node = next(n for n in nodes if n.op_type.startswith("Thresholding"))
        thresholds = network.model.get_initializer(node.input[1]).copy()
        thresholds = np.repeat(thresholds, 4 // len(thresholds), axis=0)
        thresholds[[c for c in range(4) if c != place]] -= 40
        expected = node.name
    else:
        node = [n for n in nodes if n.op_type.startswith("MVAU")][-1]
        thresholds = network.model.get_initializer(node.input[1]).copy()
        thresholds[place] += 1
        expected = "the network's outputs"
    network.model.set_initializer(node.input[1], thresholds)
    (result,) = followed(source, network, image[None])
    assert result.fault is not None and result.fault.node.startswith(expected)


@pytest.fixture(scope="module")
def hardware(tie, tmp_path_factory):
    """RTL of the model with a tie, and the same simulated."""
    source, image, *_ = tie
    others = np.random.default_rng(5).integers(0, 16, (19, 6)).astype(np.float32) * np.float32(0.1)
    images = np.stack([others[0], image, *others[1:]])
    folder = tmp_path_factory.mktemp("hardware")
    # A layer whose weights are in a memory.
    lanes = {"SIMD": 1, "PE": 1, "laneKinds": ["fixed_4_lut"], "lanePE": [1]}
    lanes |= {"mem_mode": "internal_decoupled", "ram_style": "distributed"}
    (folder / "folding.json").write_text(json.dumps({"MVAU_MSQ_rtl_0": lanes}))
    target = Target("Pynq-Z1", target_fps=1_000_000, folding_config=folder / "folding.json")
    return generate(source, target, folder), images


def verdict_of(network, images):
    """Simulate the RTL as it lies there, and judge where it differs."""
    simulation = simulate(network, stitch(network.model, network.folder), images)
    reference = reference_outputs(network.source, images)
    wrong = differ(simulation.outputs, reference, Host(network.parent).output_step())
    return wrong, judge(network, images, simulation, wrong)


def test_a_tie_in_rtl_is_counted_and_is_no_fault(hardware, tie):
    wrong, verdict = verdict_of(*hardware)
    assert wrong.tolist() == [False, True, *[False] * 18] and not verdict.faults
    ((image, found),) = verdict.ties
    assert (image, found.node, found.index[1], found.rtl) == (1, "quant_r_q", tie[2], 10)
    figures = verdict_figures(verdict)
    assert figures["rtl_ties"] == 1 and figures["rtl_faults"] == 0


MEMORIES = {
    "a flipped threshold": ("Thresholding_rtl_0", "*_threshs_0_3.dat", 0),
    "a wrong weight": ("MVAU_MSQ_rtl_0", "memblock.dat", 0),
}


@pytest.mark.parametrize("fault", MEMORIES)
def test_a_fault_in_rtl_is_one_at_its_node(hardware, tmp_path, fault):
    """A bit of a memory is wrong, in the image with a tie as in all others."""
    network, images = hardware
    node, pattern, position = MEMORIES[fault]
    (file,) = network.folder.glob(f"finn/*{node}*/{pattern}")
    kept = file.read_text()
    words = kept.split()
    words[position] = f"{int(words[position], 16) ^ 4:0{len(words[position])}x}"
    try:
        file.write_text("\n".join(words) + "\n")
        wrong, verdict = verdict_of(network, images)
    finally:
        file.write_text(kept)
    assert wrong.sum() >= 2
    faults = [found for found in verdict.faults if wrong[found.image]]
    assert len(faults) >= wrong.sum() - 1  # the image with a tie may be right but for that
    assert {found.found.node for found in faults} == {node}
    write_difference(tmp_path, verdict)
    with np.load(tmp_path / DIFFERENCE) as tensors_:
        assert (tensors_["found"] != tensors_["expected"]).sum() == faults[0].found.faults
        assert str(tensors_["node"]) == node and tensors_["image"] == faults[0].image
