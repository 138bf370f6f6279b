"""A network all the way to RTL: what has to hold of every one."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.build import fifos
from msq_finn.build.differences import mismatches
from msq_finn.build.generate import generate
from msq_finn.build.host_program import called, programs
from msq_finn.build.simulate import (
    accelerator_inputs,
    executed,
    finished_by_host,
    reference_outputs,
    run_accelerator,
    simulate,
)
from msq_finn.build.stitch import stitch
from msq_finn.build.trial import random_images
from msq_finn.lowering.cycles import predicted_interval
from msq_finn.lowering.ends import each, image, mapped, stacked
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.lower import Target

STALLS = {"stall_in": 0.3, "stall_out": 0.4, "seed": 5}


def rtl_outputs(source, folder, fps, count=5, **stalls):
    """What the stitched RTL of a network makes of random images under stalls.

    Returns:
        the lowered network, the images, and the network's outputs.
    """
    lowered = generate(source, Target("Pynq-Z1", target_fps=fps), folder)
    fifos.size_fifos(lowered, folder / "sizing")
    images = random_images(lowered, count, seed=2)
    design, inputs = stitch(lowered.model, folder), accelerator_inputs(lowered, images)
    raw, _ = run_accelerator(lowered.model, design, inputs, **stalls)
    return lowered, images, finished_by_host(lowered, raw)


def same_in_python(lowered, source, count=6):
    """The lowered graph gives what the exported model does, both executed on random images.

    Returns:
        the images, what the exported model gives, and what an integer is worth in that.
    """
    images = random_images(lowered, count, seed=1)
    found = finished_by_host(lowered, executed(lowered, accelerator_inputs(lowered, images)))
    reference, step = reference_outputs(source, images), Host(lowered.parent).output_step()
    assert mismatches(found, reference, step) == 0
    return images, reference, step


def same_in_rtl(lowered, folder, count, **near):
    """Size FIFOs, and compare bit for bit at full speed and under stalls.

    Returns:
        the stitched design, the images, the simulation at full speed, and that under stalls.
    """
    images = random_images(lowered, count, seed=2)
    inputs = accelerator_inputs(lowered, images)
    fifos.size_fifos(lowered, folder / "sizing")
    design = stitch(lowered.model, folder)
    found = simulate(lowered, design, images)
    reference, step = reference_outputs(lowered.source, images), Host(lowered.parent).output_step()
    assert mismatches(found.outputs, reference, step) == 0
    for values, worth in zip(each(reference), each(step), strict=True):
        assert np.ptp(values) > 5 * worth.max()
    assert found.cycles_per_image == pytest.approx(predicted_interval(lowered.model), **near)
    stalled, run = run_accelerator(lowered.model, design, inputs, **STALLS)
    mapped(np.testing.assert_array_equal, stalled, found.raw)
    return design, images, found, run


def all_the_way(source, folder, fps, count=6):
    """Build, size FIFOs, and compare bit for bit at full speed, under stalls and on the board.

    Returns:
        the lowered network.
    """
    lowered = generate(source, Target("Pynq-Z1", target_fps=fps), folder)
    _, images, found, run = same_in_rtl(lowered, folder, count, rel=0.05)
    inputs, host = accelerator_inputs(lowered, images), Host(lowered.parent)
    # Words move the same without data, so that FIFO depths may be looked for without any.
    (folder / "control").mkdir()
    control = stitch(lowered.model, folder / "control", control_only=True)
    _, moves = run_accelerator(lowered.model, control, mapped(np.zeros_like, inputs), **STALLS)
    assert moves.probes == run.probes
    for stream, cycles in run.output_cycles.items():
        np.testing.assert_array_equal(moves.output_cycles[stream], cycles)
    # A board's processor computes the same around it, with NumPy instead of QONNX.
    before, after = programs(host)
    mapped(np.testing.assert_array_equal, called(before, images), inputs)
    shaped = (host.shaped(image(found.raw, i)) for i in range(count))
    given = called(after, stacked(shaped, np.concatenate))
    mapped(lambda *a: np.testing.assert_allclose(*a, rtol=1e-5, atol=1e-6), given, found.outputs)
    return lowered
