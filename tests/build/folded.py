"""A lowered network, folded for a rate as a build does it, up to where RTL is generated."""

from __future__ import annotations

import copy

from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.build.steps import DATAFLOW_STEPS, FRONT_STEPS, step_msq_generate_rtl
from msq_finn.lowering.intermediate import parent_path, save
from msq_finn.lowering.lower import lowered_of, resolve, run_steps
from msq_finn.transforms.pixel_marks import pixels_of


def folded(lowered, cycles):
    """The network folded so that no node takes more cycles a frame, if it can be; else its fastest.

    Args:
        lowered: up to folding; left as it is, but for the file of the graph around it.
        cycles: a frame.
    """
    config = copy.copy(lowered.config)
    config.target_fps = 1e9 / config.synth_clk_period_ns / cycles
    save(lowered.parent, parent_path(config))
    steps = [resolve(step) for step in DATAFLOW_STEPS[len(FRONT_STEPS) :]]
    steps = [(name, step) for name, step in steps if step is not step_msq_generate_rtl]
    model = ModelWrapper(copy.deepcopy(lowered.model.model))
    return lowered_of(run_steps(model, config, steps), config)


def with_pixels(lowered):
    """Nodes into which several pixels go in a cycle."""
    return [node for node in lowered.model.graph.node if pixels_of(node) > 1]
