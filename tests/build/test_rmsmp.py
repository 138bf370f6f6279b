"""RMSMP from Brevitas to hardware: powers of two in LUTs, rows of 4 and of 8 bits in DSPs."""

from __future__ import annotations

import numpy as np
from qonnx.custom_op.registry import getCustomOp

from msq_finn.build.hardware_steps import random_images
from msq_finn.build.host import Host
from msq_finn.build.lower import Target, lower
from msq_finn.build.simulate import mismatches, reference_outputs, simulate
from msq_finn.build.stitch import stitch

from .networks import exported, rmsmp_cnn


def test_rows_of_three_schemes_in_luts_and_dsps(tmp_path):
    source = exported(rmsmp_cnn(), tmp_path / "model.onnx")
    lowered = lower(source, Target("Pynq-Z1", target_fps=150_000), tmp_path)
    ops = [getCustomOp(n) for n in lowered.model.graph.node if n.op_type == "MVAU_MSQ_rtl"]
    for op in ops[:2]:
        counts = op.lanes()
        assert counts["pot_4_lut"] == 2 * counts["fixed_8_dsp"] > 0
    images = random_images(lowered, 6, seed=2)
    found = simulate(lowered, stitch(lowered.model, tmp_path), images)
    reference = reference_outputs(source, images)
    step = Host(lowered.parent).output_step()
    assert mismatches(found.outputs, reference, step) == 0
    assert np.ptp(reference) > 5 * step.max()
