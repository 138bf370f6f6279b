"""Networks on serial lanes: bit for bit under stalls, and what their plan says they take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from msq_finn.build import node_resources
from msq_finn.build.differences import mismatches
from msq_finn.build.gate import gate_level, run_in_four_states
from msq_finn.build.generate import generate
from msq_finn.build.run import build
from msq_finn.build.simulate import (
    accelerator_inputs,
    finished_by_host,
    reference_outputs,
)
from msq_finn.build.stitch import stitch
from msq_finn.build.trial import random_images
from msq_finn.lowering.cycles import predicted_interval
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Lowered, Target
from msq_finn.models import LayerFactory
from msq_finn.plan.frontend.source import network_of_module
from msq_finn.plan.making import make_plan
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.sim import four_state
from msq_finn.training.assign import assign_rows

from .networks import _settled, exported
from .whole import same_in_rtl

SHAPE = (1, 6, 6)


def convolutions() -> nn.Module:
    """Two convolutions, of 9 and 72 columns, and a classifier of 96 columns."""
    torch.manual_seed(2)
    make = LayerFactory(MSQWeightPerChannelFloat, {})
    layers = [make.identity(), make.conv_relu(1, 8), make.conv_relu(8, 6), nn.Flatten()]
    return nn.Sequential(*layers, make.classifier(216, 4))


def held(simd: int, pe: int) -> dict[str, Any]:
    """A layer of serial lanes."""
    lanes = {"PE": pe, "laneKinds": ["serial_lut"], "lanePE": [pe]}
    return lanes | {"SIMD": simd, "mem_mode": "internal_embedded"}


#: One word a sum, three, and padded ones of the last layer, whose sums carry no constant.
FOLDING = {
    "MVAU_MSQ_rtl_0": held(9, 4),
    "MVAU_MSQ_rtl_1": held(24, 2),
    "MVAU_MSQ_rtl_2": held(54, 2),
}


def lowered_to(folder: Path) -> Lowered:
    """The network as folded above."""
    model = convolutions()
    assign_rows(model, 0.5)
    source = exported(_settled(model, (16, *SHAPE)), folder / "model.onnx", (1, *SHAPE))
    (folder / "folding.json").write_text(json.dumps(FOLDING))
    target = Target("Pynq-Z1", target_fps=100_000, folding_config=folder / "folding.json")
    return generate(source, target, folder)


def test_a_network_under_stalls(tmp_path):
    lowered = lowered_to(tmp_path)
    # 36 vectors of two rows of three words, of 4 bits.
    assert predicted_interval(lowered.model) == 36 * 3 * 3 * 4
    same_in_rtl(lowered, tmp_path, 5, rel=0.05)


@pytest.mark.slow
def test_the_netlist_is_right_and_known_whenever_it_is_reset(tmp_path):
    four_state.version()
    lowered = lowered_to(tmp_path)
    design = stitch(lowered.model, tmp_path)
    runs = node_resources.synthesize(design, "xc7z020clg400-1")
    netlists = {name: run.netlist for name, run in runs.items()}
    gates = gate_level(design, netlists, tmp_path / "gate", four_states=True)
    images = random_images(lowered, 3, seed=2)
    inputs = accelerator_inputs(lowered, images)
    reference, step = reference_outputs(lowered.source, images), Host(lowered.parent).output_step()
    for options in ({"stall_in": 0.2, "stall_out": 0.3}, {"restarts": range(1, 90, 7)}):
        raw, found = run_in_four_states(lowered.model, gates, inputs, **options)
        assert mismatches(finished_by_host(lowered, raw), reference, step) == 0
        assert found.unknown == []


@pytest.mark.slow
@pytest.mark.parametrize("target_fps", [150_000, 400_000])
def test_a_plan_with_serial_lanes_is_met(tmp_path, target_fps):
    torch.manual_seed(0)
    board, part = "Pynq-Z1", "xc7z020clg400-1"
    network = network_of_module(convolutions(), "convolutions", board, SHAPE)
    made = make_plan(network, board, part, "DSP48E1", target_fps=target_fps)
    assert made.plan.layers[1].lanes.is_serial
    made.plan.save(tmp_path / "plan.yaml")
    model = convolutions()
    assign_rows(model, made.plan)
    source = exported(_settled(model, (16, *SHAPE)), tmp_path / "model.onnx", (1, *SHAPE))
    for name in ("out", "work"):
        (tmp_path / name).mkdir()
    target = Target(board, clk_ns=made.plan.clk_ns, plan=tmp_path / "plan.yaml")
    summary = build(source, target, tmp_path / "out", tmp_path / "work", 4)
    told = made.totals
    assert summary.rtl_mismatches == 0
    assert summary.lut_sites == pytest.approx(told.resources.lut, rel=0.1)
    assert summary.ff == pytest.approx(told.resources.ff, rel=0.1)
    assert summary.dsp == told.resources.dsp
    assert summary.cycles_per_image == pytest.approx(told.cycles, rel=0.05)
