"""Build an exported model stage by stage: what ``msq-finn build`` and the demo run."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from msq_finn.build import report, times
from msq_finn.build.checkpoints import check_record, follow, load_before, record
from msq_finn.build.cycles import predicted_interval, slowest_node
from msq_finn.build.hardware_steps import (
    RESOURCES,
    SIMULATION,
    Run,
    read_resources,
)
from msq_finn.build.hardware_steps import Labelled as Labelled
from msq_finn.build.hardware_steps import random_images as random_images
from msq_finn.build.inputs import check_board
from msq_finn.build.lower import (
    Target,
    configure,
    lowered_of,
    open_source,
    resolve,
    run_steps,
)
from msq_finn.build.progress import Progress, silent
from msq_finn.build.publish import PAGE, publish
from msq_finn.build.simulate import FloatArray
from msq_finn.build.stages import STAGES, check_folder, check_vivado, stage_steps
from msq_finn.build.summary import Summary, layers_of
from msq_finn.doctor import tool_versions
from msq_finn.errors import MsqError
from msq_finn.finn_compat import check_dependencies


def build(
    source: Path,
    target: Target,
    out: Path,
    work: Path,
    images: FloatArray | int,
    *,
    seed: int = 0,
    labelled: Labelled | None = None,
    until: str = "synth",
    start: str | None = None,
    progress: Progress = silent,
) -> Summary:
    """Build an exported model, and write the results.

    Args:
        source: exported QONNX model.
        target: board, clock and throughput.
        out: gets ``summary.json``, ``report.html``, ``model.onnx``, ``dataflow.onnx``, the folder
            ``report`` and, of the last stage, ``deploy``; what an earlier build made and this one
            does not goes.
        work: existing folder for everything else.
        images: network inputs without the batch axis, [images, ...], or how many to draw at random.
        seed: of random images.
        labelled: labels, where accuracies are wanted.
        until: last stage to run, of :data:`msq_finn.build.stages.STAGES`.
        start: stage or step to go on from, in the ``work`` of an earlier build that was killed; it
            may have been moved since, also to another machine.
        progress: told of every stage.

    Returns:
        the summary, as written; figures of stages that did not run are None.

    Raises:
        MsqError: the model cannot be built.
        MissingToolError: the stage ``bitfile`` is asked for, and there is no Vivado.
    """
    check_vivado(until)
    check_folder(until, work)
    if until == "deploy":
        _check_driver(target.board)
    started = time.monotonic()
    work = work.absolute()  # FINN writes folders' names into files
    steps = stage_steps(until)
    first = 0
    if start is None:
        record(work, source, target, images, seed)
    else:
        first = _position(start, list(steps), until)
        check_record(work, source, target, images, seed)
        follow(work)
    progress("FINN: loading", first, len(steps))  # takes seconds
    config = configure(source, target, work)
    if "step_msq_bitfile" in steps:
        check_dependencies()
    config.msq_run = Run(images, seed, labelled, progress)
    resolved = [resolve(step) for step in steps.values()]
    names = [name for name, _ in resolved]
    if first == 0:
        shutil.rmtree(work / "report", ignore_errors=True)
        model = open_source(source, work)
    else:
        model = load_before(work, names[first], names)
    model = run_steps(model, config, resolved[first:], progress)
    summary = _summarise(model, source, config, target, seed)
    _publish(summary, model, source, out, work, time.monotonic() - started)
    return summary


def _check_driver(board: str) -> None:
    """Refuse a package for a board whose shell the package has no code for."""
    check_board(board)
    from finn.util.basic import pynq_native_port_width

    if board not in pynq_native_port_width:  # those of FINN's Zynq flow
        raise MsqError(
            f"--until deploy: packages are for boards with a Zynq, not for {board}; build "
            "--until bitfile, and use finn-plus-driver itself"
        )


def _position(start: str, names: list[str], until: str) -> int:
    """Which of the steps ``start`` names; a stage stands for its first step."""
    if start in STAGES:
        earlier = stage_steps(STAGES[STAGES.index(start) - 1]) if start != STAGES[0] else {}
        position = len(earlier)
    elif start in names:
        position = names.index(start)
    else:
        known = ", ".join((*STAGES, *names))
        raise MsqError(f"--start {start}: no such step before --until {until}; known are {known}")
    if position >= len(names):
        raise MsqError(f"--start {start} lies behind --until {until}; nothing is left to run")
    return position


def _summarise(model: Any, source: Path, config: Any, target: Target, seed: int) -> Summary:
    """Gather what the steps have left in the report folder."""
    work = Path(config.output_dir)
    folder = work / "report"
    figures: dict[str, Any] = {
        "predicted_cycles_per_image": predicted_interval(model),
        "slowest_node": slowest_node(model).name,
    }
    measured = None
    if (folder / SIMULATION).exists():
        figures |= json.loads((folder / SIMULATION).read_text())
        rate = 1e9 / target.clk_ns / figures["cycles_per_image"]
        figures["fps_at_clock"] = round(rate, 1)
    if (folder / RESOURCES).exists():
        measured = read_resources(folder)
        for field in ("lut_sites", "ff", "dsp", "bram36"):
            figures[field] = sum(getattr(r, field) for r in measured.values())
        figures["synthesis"] = "Yosys estimate, modules one by one, no place and route"
    from msq_finn.build.partition import layers_on_host

    finn, ours = times.share(folder, "step_msq_generate_rtl")
    return Summary(
        model=os.fsencode(source.name).decode(errors="replace"),
        board=target.board,
        part=check_board(target.board),
        clk_ns=target.clk_ns,
        seed=seed,
        versions=tool_versions(),
        layers=layers_of(model, measured),
        layers_on_host=layers_on_host(lowered_of(model, config).parent),
        finn_seconds=round(finn, 2),
        msq_seconds=round(ours, 2),
        bitfile=(work / "bitfile" / "finn-accel.bit").exists(),
        **figures,
    )


def _publish(
    summary: Summary, model: Any, source: Path, out: Path, work: Path, seconds: float
) -> None:
    model.save(str(work / "dataflow.onnx"))
    files: dict[str, str | bytes] = {
        "dataflow.onnx": (work / "dataflow.onnx").read_bytes(),
        "model.onnx": source.read_bytes(),
    }
    if summary.lut_sites is not None:
        measured = read_resources(work / "report")
        depths = {
            node.name: int(a.i)
            for node in model.graph.node
            if node.op_type.startswith("StreamingFIFO")
            for a in node.attribute
            if a.name == "depth"
        }
        files[PAGE] = report.render(summary, measured, depths, seconds)
    files["summary.json"] = summary.model_dump_json(indent=2) + "\n"
    package = work / "deploy"
    publish(out, files, (work / "report").iterdir(), package if package.exists() else None)
