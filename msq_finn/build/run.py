"""Lower, simulate and synthesise an exported model: what ``msq-finn build`` and the demo run."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msq_finn.build import fifos, report, resources
from msq_finn.build.host import Host
from msq_finn.build.inputs import check_board
from msq_finn.build.lower import Lowered, Target, lower
from msq_finn.build.output import write
from msq_finn.build.progress import Progress, silent
from msq_finn.build.simulate import (
    FloatArray,
    accelerator_inputs,
    mismatches,
    reference_outputs,
    simulate,
)
from msq_finn.build.stitch import stitch
from msq_finn.build.summary import Summary, layers_of
from msq_finn.sim.xsi import SIMULATOR

#: Different frames that FIFO depths are found with.
SIZING_FRAMES = 4


@dataclass(frozen=True)
class Labelled:
    """Accuracy figures of the training run, and the labels of the images to simulate."""

    labels: NDArray[np.int64]
    accuracy_float: float


def build(
    source: Path,
    target: Target,
    out: Path,
    work: Path,
    images: FloatArray | int,
    *,
    seed: int = 0,
    labelled: Labelled | None = None,
    progress: Progress = silent,
) -> Summary:
    """Build an exported model as far as it goes without Vivado, and write the results.

    Args:
        source: exported QONNX model.
        target: board, clock and throughput.
        out: gets ``summary.json``, ``report.html``, ``model.onnx`` and ``dataflow.onnx``.
        work: existing folder for everything else.
        images: network inputs without the batch axis, [images, ...], or how many to draw at random.
        seed: of random images.
        labelled: labels, where accuracies are wanted.
        progress: told of every stage.

    Returns:
        the summary, as written.

    Raises:
        MsqError: the model cannot be built.
    """
    started = time.monotonic()
    lowered = lower(source, target, work, progress)
    if isinstance(images, int):
        images = random_images(lowered, images, seed)
    frames = accelerator_inputs(lowered, images[:SIZING_FRAMES])
    depths = fifos.size_fifos(lowered, frames, work / "sizing", progress)
    design = stitch(lowered.model, work)
    reference = reference_outputs(source, images, progress)
    simulation = simulate(lowered, design, images, progress)
    part = check_board(target.board)
    measured = resources.measure(design, part, progress)
    total = {
        field: sum(getattr(r, field) for r in measured.values())
        for field in ("lut_sites", "ff", "dsp", "bram36")
    }
    summary = Summary(
        model=os.fsencode(source.name).decode(errors="replace"),
        board=target.board,
        part=part,
        clk_ns=target.clk_ns,
        seed=seed,
        accuracy_float=labelled.accuracy_float if labelled else None,
        accuracy_quant=_accuracy(reference, labelled),
        accuracy_rtl=_accuracy(simulation.outputs, labelled),
        images_simulated=len(images),
        rtl_mismatches=mismatches(
            simulation.outputs, reference, Host(lowered.parent).output_step()
        ),
        cycles_per_image=simulation.cycles_per_image,
        predicted_cycles_per_image=fifos.predicted_interval(lowered.model),
        latency_cycles=simulation.latency,
        fps_at_clock=round(1e9 / target.clk_ns / simulation.cycles_per_image, 1),
        simulator=SIMULATOR,
        synthesis="Yosys estimate, modules one by one, no place and route",
        versions={p: version(p) for p in ("msq-finn", "finn-plus", "qonnx", "brevitas")},
        layers=layers_of(lowered.model, measured),
        **total,
    )
    lowered.model.save(str(work / "dataflow.onnx"))
    write(out / "dataflow.onnx", (work / "dataflow.onnx").read_bytes())
    write(out / "model.onnx", source.read_bytes())
    write(
        out / "report.html",
        report.render(summary, measured, depths, time.monotonic() - started),
    )
    write(out / "summary.json", summary.model_dump_json(indent=2) + "\n")
    return summary


def random_images(lowered: Lowered, count: int, seed: int) -> FloatArray:
    """Uniform network inputs over the range that the input quantiser tells apart."""
    low, high = Host(lowered.parent).input_range()
    shape = lowered.parent.get_tensor_shape(lowered.parent.graph.input[0].name)
    values = np.random.default_rng(seed).uniform(low, high, (count, *shape[1:]))
    return values.astype(np.float32)


def _accuracy(outputs: FloatArray, labelled: Labelled | None) -> float | None:
    if labelled is None:
        return None
    return float((outputs.reshape(len(outputs), -1).argmax(1) == labelled.labels).mean())
