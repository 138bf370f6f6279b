"""RMSMP from Brevitas to hardware: powers of two in LUTs, rows of 4 and of 8 bits in DSPs."""

from __future__ import annotations

import numpy as np
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.differences import mismatches
from msq_finn.build.generate import generate
from msq_finn.build.simulate import reference_outputs, simulate
from msq_finn.build.stitch import stitch
from msq_finn.build.trial import random_images
from msq_finn.lanes import LaneCounts
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.frontend.graph import network_of_file
from msq_finn.plan.making import make_plan

from .networks import exported, rmsmp_cnn

PART = "xc7z020clg400-1"


def test_rows_of_three_schemes_are_planned_and_built(tmp_path):
    source = exported(rmsmp_cnn(), tmp_path / "model.onnx")
    network = network_of_file(source, "Pynq-Z1")
    schemes = [{name for names in layer.demand for name in names} for layer in network.layers]
    assert all({"pot_4", "fixed_4", "fixed_8"} <= found for found in schemes[:2])
    plan = make_plan(network, "Pynq-Z1", PART, "DSP48E1", target_fps=150_000).plan
    for planned, layer in zip(plan.layers, network.layers, strict=True):
        assert layer.demand.fits(planned.lanes)
    # A user puts fixed point on DSPs.
    edited = LaneCounts({"pot_4_lut": 2, "fixed_4_dsp": 1, "fixed_8_dsp": 1})
    for planned in plan.layers[:2]:
        depth = planned.mh // edited.pe
        planned.lanes = edited
        planned.rows = {"pot_4": 2 * depth, "fixed_4": depth, "fixed_8": depth}
    path = tmp_path / "plan.yaml"
    plan.save(path)
    lowered = generate(source, Target("Pynq-Z1", plan=path), tmp_path)
    ops = [getCustomOp(n) for n in lowered.model.graph.node if n.op_type == "MVAU_MSQ_rtl"]
    assert [op.lanes() for op in ops] == [layer.lanes for layer in Plan.load(path).layers]
    images = random_images(lowered, 6, seed=2)
    found = simulate(lowered, stitch(lowered.model, tmp_path), images)
    reference = reference_outputs(source, images)
    step = Host(lowered.parent).output_step()
    assert mismatches(found.outputs, reference, step) == 0
    assert np.ptp(reference) > 5 * step.max()
