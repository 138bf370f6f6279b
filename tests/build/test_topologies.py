"""Whole networks of other shapes: bit for bit, under stalls, and as fast as predicted."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.build import fifos
from msq_finn.build.generate import generate
from msq_finn.build.host_program import programs
from msq_finn.build.simulate import (
    accelerator_inputs,
    mismatches,
    reference_outputs,
    run_accelerator,
    simulate,
)
from msq_finn.build.stitch import stitch
from msq_finn.build.trial import random_images
from msq_finn.lowering.cycles import predicted_interval
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target

from . import map_networks
from .networks import (
    brevitas_mobilenet,
    channels_last_mlp,
    dense_cnn,
    depthwise_input_cnn,
    detector_cnn,
    exported,
    feature_map_cnn,
    float_head_cnn,
    input_residual_cnn,
    plain_mlp,
    pooled_signal_cnn,
    pyramid_cnn,
    residual_cnn,
    signal_cnn,
    signal_map_cnn,
    signed_mlp,
)

CASES = {
    "residual": (residual_cnn, (1, 1, 4, 4), 100_000),
    "input residual": (input_residual_cnn, (1, 4, 4, 4), 100_000),
    "depthwise input": (depthwise_input_cnn, (1, 8, 4, 4), 100_000),
    "dense": (dense_cnn, (1, 1, 4, 4), 100_000),
    "signals": (signal_cnn, (1, 2, 16), 200_000),
    "signal map": (signal_map_cnn, (1, 2, 8), 200_000),
    "channels last": (channels_last_mlp, (1, 4, 3, 4), 200_000),
    "pooled signals": (pooled_signal_cnn, (1, 2, 8), 200_000),
    "feature map": (feature_map_cnn, (1, 1, 4, 5), 200_000),
    "detector": (detector_cnn, (1, 1, 4, 4), 200_000),
    "pyramid": (pyramid_cnn, (1, 1, 4, 4), 100_000),
    "float head": (float_head_cnn, (1, 1, 4, 4), 200_000),
    "brevitas mobilenet": (brevitas_mobilenet, (1, 3, 4, 4), 100_000),
    "u-net": (map_networks.unet, (1, 2, 4, 4), 100_000),
    "plain": (plain_mlp, (1, 8), 1_000_000),
    "signed": (signed_mlp, (1, 8), 1_000_000),
}

SLOW_CASES = {
    "pooled sum": (map_networks.pooled_sum, (1, 1, 3, 5), 100_000),
    "split": (map_networks.split, (1, 2, 3, 5), 100_000),
    "averages": (map_networks.averages, (1, 2, 7, 17), 20_000),
}

STALLS = {"stall_in": 0.3, "stall_out": 0.4, "seed": 5}


@pytest.mark.parametrize(
    "case", [*CASES, *(pytest.param(case, marks=pytest.mark.slow) for case in SLOW_CASES)]
)
def test_a_network_all_the_way(tmp_path, case):
    make, shape, fps = (CASES | SLOW_CASES)[case]
    source = exported(make(), tmp_path / "model.onnx", shape)
    lowered = generate(source, Target("Pynq-Z1", target_fps=fps), tmp_path)
    images = random_images(lowered, 6, seed=2)
    inputs = accelerator_inputs(lowered, images)
    fifos.size_fifos(lowered, tmp_path / "sizing")
    design = stitch(lowered.model, tmp_path)
    found = simulate(lowered, design, images)
    reference = reference_outputs(source, images)
    step = Host(lowered.parent).output_step()
    assert mismatches(found.outputs, reference, step) == 0
    assert np.ptp(reference) > 5 * step.max()
    assert found.cycles_per_image == pytest.approx(predicted_interval(lowered.model), rel=0.05)
    stalled, run = run_accelerator(lowered.model, design, inputs, **STALLS)
    np.testing.assert_array_equal(stalled, found.raw)
    # Words move the same without data, so that FIFO depths may be looked for without any.
    (tmp_path / "control").mkdir()
    control = stitch(lowered.model, tmp_path / "control", control_only=True)
    _, moves = run_accelerator(lowered.model, control, np.zeros_like(inputs), **STALLS)
    assert moves.probes == run.probes
    for stream, cycles in run.output_cycles.items():
        np.testing.assert_array_equal(moves.output_cycles[stream], cycles)
    # A board's processor computes the same around it, with NumPy instead of QONNX.
    before, after = programs(Host(lowered.parent))
    np.testing.assert_array_equal(before(images), inputs)
    raw_shape = lowered.parent.get_tensor_shape(Host(lowered.parent).accelerator_output)
    raw = found.raw.reshape(len(images), *raw_shape[1:]).astype(np.float32)
    np.testing.assert_allclose(after(raw), found.outputs, rtol=1e-5, atol=1e-6)


def test_a_board_that_only_finn_knows(tmp_path):
    """Nothing but the number of its DSP slices would be needed of our table of devices."""
    source = exported(signed_mlp(), tmp_path / "model.onnx", (1, 8))
    lowered = generate(source, Target("ZCU102", target_fps=1_000_000), tmp_path)
    assert lowered.model.get_nodes_by_op_type("MVAU_MSQ_rtl")
