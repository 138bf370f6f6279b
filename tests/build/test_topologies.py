"""Whole networks of other shapes: bit for bit, under stalls, and as fast as predicted."""

from __future__ import annotations

import pytest

from msq_finn.build.generate import generate
from msq_finn.lowering.lower import Target, lower

from . import map_networks
from .networks import (
    brevitas_mobilenet,
    channels_last_mlp,
    dense_cnn,
    depthwise_input_cnn,
    detector_cnn,
    exported,
    feature_map_cnn,
    fixed_branch_cnn,
    float_head_cnn,
    input_residual_cnn,
    joined_signals,
    plain_mlp,
    pooled_signal_cnn,
    pyramid_cnn,
    residual_cnn,
    signal_cnn,
    signal_map_cnn,
    signed_mlp,
)
from .whole import all_the_way, same_in_python

CASES = {
    "residual": (residual_cnn, (1, 1, 4, 4), 100_000),
    "input residual": (input_residual_cnn, (1, 4, 4, 4), 100_000),
    "depthwise input": (depthwise_input_cnn, (1, 8, 4, 4), 100_000),
    "signals": (signal_cnn, (1, 2, 16), 200_000),
    "channels last": (channels_last_mlp, (1, 4, 3, 4), 200_000),
    "feature map": (feature_map_cnn, (1, 1, 4, 5), 200_000),
    "detector": (detector_cnn, (1, 1, 4, 4), 200_000),
    "pyramid": (pyramid_cnn, (1, 1, 4, 4), 100_000),
    "float head": (float_head_cnn, (1, 1, 4, 4), 200_000),
    "brevitas mobilenet": (brevitas_mobilenet, (1, 3, 4, 4), 100_000),
    "plain": (plain_mlp, (1, 8), 1_000_000),
    "signed": (signed_mlp, (1, 8), 1_000_000),
}

SLOW_CASES = {
    "u-net": (map_networks.unet, (1, 2, 4, 4), 100_000),
    "pooled signals": (pooled_signal_cnn, (1, 2, 8), 200_000),
    "joined signals": (joined_signals, (1, 2, 12), 100_000),
    "signal map": (signal_map_cnn, (1, 2, 8), 200_000),
    "fixed branch": (fixed_branch_cnn, (1, 1, 4, 4), 100_000),
    "dense": (dense_cnn, (1, 1, 4, 4), 100_000),
    "pooled sum": (map_networks.pooled_sum, (1, 1, 3, 5), 100_000),
    "split": (map_networks.split, (1, 2, 3, 5), 100_000),
    "averages": (map_networks.averages, (1, 2, 7, 17), 20_000),
}


@pytest.mark.parametrize(
    "case", [*CASES, *(pytest.param(case, marks=pytest.mark.slow) for case in SLOW_CASES)]
)
def test_a_network_all_the_way(tmp_path, case):
    make, shape, fps = (CASES | SLOW_CASES)[case]
    source = exported(make(), tmp_path / "model.onnx", shape)
    all_the_way(source, tmp_path, fps)


def test_signals_that_are_split_and_joined(tmp_path):
    source = exported(joined_signals(), tmp_path / "model.onnx", (1, 2, 12))
    lowered = lower(source, Target("Pynq-Z1"), tmp_path)
    kinds = {node.op_type for node in lowered.model.graph.node}
    assert {"StreamingSplit_rtl", "StreamingConcat_rtl", "UpsampleNearestNeighbour_rtl"} <= kinds
    same_in_python(lowered, source)


def test_a_board_that_only_finn_knows(tmp_path):
    """Nothing but the number of its DSP slices would be needed of our table of devices."""
    source = exported(signed_mlp(), tmp_path / "model.onnx", (1, 8))
    lowered = generate(source, Target("ZCU102", target_fps=1_000_000), tmp_path)
    assert lowered.model.get_nodes_by_op_type("MVAU_MSQ_rtl")
