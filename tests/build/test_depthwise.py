"""A depthwise network: exported by Brevitas, lowered by FINN, stitched, simulated, bit for bit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build import fifos
from msq_finn.build.differences import mismatches
from msq_finn.build.generate import generate
from msq_finn.build.simulate import accelerator_inputs, reference_outputs, run_accelerator, simulate
from msq_finn.build.stitch import stitch
from msq_finn.build.summary import layers_of
from msq_finn.lowering.cycles import predicted_interval
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target

from .networks import depthwise_cnn, exported

IMAGES = 6


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("depthwise")
    source = exported(depthwise_cnn(), folder / "model.onnx")
    # All lane kinds in one layer; the other keeps the DSP lanes that it gets by itself.
    kinds = ["sp2_4_lut", "fixed_4_lut", "int_5_dsp"]
    lanes = {"VVAU_MSQ_rtl_1": {"laneKinds": kinds, "lanePE": [4, 2, 2]}}
    (folder / "folding.json").write_text(json.dumps(lanes))
    target = Target("Pynq-Z1", target_fps=900_000, folding_config=folder / "folding.json")
    lowered = generate(source, target, folder)
    images = np.random.default_rng(1).random((IMAGES, 1, 6, 6), dtype=np.float32)
    # Extremes: a black and a white image.
    images[0], images[1] = 0, 1
    fifos.size_fifos(lowered, folder / "sizing")
    return lowered, stitch(lowered.model, folder), images


def test_depthwise_layers_are_mixed_and_leave_their_constants_to_thresholds(network):
    lowered, *_ = network
    ops = [getCustomOp(node) for node in lowered.model.get_nodes_by_op_type("VVAU_MSQ_rtl")]
    assert [list(op.get_nodeattr("lanePE")) for op in ops] == [[8], [4, 2, 2]]
    assert [op.get_nodeattr("offsetOutput") for op in ops] == [1, 1]
    for op in ops:
        schemes = {name for row in op.row_schemes() for name in row}
        assert {"sp2_4", "fixed_4"} <= schemes


def test_the_summary_has_depthwise_layers(network):
    lowered, *_ = network
    layers = [la for la in layers_of(lowered.model, None) if la.op == "VVAU_MSQ_rtl"]
    assert [(la.mw, la.mh, la.pe_lut, la.pe_dsp) for la in layers] == [(9, 8, 0, 8), (9, 8, 6, 2)]
    assert all(la.rows_sp2 + la.rows_fixed == sum(la.rows.values()) == 8 for la in layers)
    assert all(la.rows["sp2_4"] == la.rows_sp2 for la in layers)


def test_rtl_equals_the_exported_model(network):
    lowered, design, images = network
    result = simulate(lowered, design, images)
    reference = reference_outputs(lowered.source, images)
    step = Host(lowered.parent).output_step()
    assert mismatches(result.outputs, reference, step) == 0
    assert np.ptp(reference) > 10 * step.max()  # the outputs say something
    assert result.cycles_per_image <= 1.05 * predicted_interval(lowered.model)


def test_stalls_change_nothing(network):
    lowered, design, images = network
    inputs = accelerator_inputs(lowered, images)
    smooth, _ = run_accelerator(lowered.model, design, inputs)
    stalled, _ = run_accelerator(lowered.model, design, inputs, stall_in=0.3, stall_out=0.4, seed=1)
    np.testing.assert_array_equal(stalled, smooth)
