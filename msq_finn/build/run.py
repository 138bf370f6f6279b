"""Build an exported model stage by stage: what ``msq-finn build`` and the demo run."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.build import node_summary
from msq_finn.build.gate import GATE_LEVEL
from msq_finn.build.host_program import check_programs, programs
from msq_finn.build.kernels import runtime_kernels
from msq_finn.build.publish import PAGE, publish
from msq_finn.build.report.page import render
from msq_finn.build.report_files import RESOURCES, SIMULATION, read_resources, refuse_faults
from msq_finn.build.resume import check_record, follow, record
from msq_finn.build.run_time import longest_sequence
from msq_finn.build.stages import (
    STAGES,
    check_folder,
    check_vivado,
    stage_steps,
    stages_before,
    steps_of,
)
from msq_finn.build.summary import Summary, layers_of
from msq_finn.build.trial import Labelled as Labelled
from msq_finn.build.trial import Trial, images_of
from msq_finn.build.trial import random_images as random_images
from msq_finn.doctor import tool_versions
from msq_finn.errors import MsqError
from msq_finn.finn_compat import check_dependencies, report_folder
from msq_finn.lowering import times
from msq_finn.lowering.cycles import predicted_interval, slowest_node
from msq_finn.lowering.ends import Ends, image
from msq_finn.lowering.host_side import Host
from msq_finn.lowering.inputs import check_board
from msq_finn.lowering.intermediate import forget, load_before, path_of
from msq_finn.lowering.lower import (
    FOLDING_STEP,
    Target,
    configure,
    lowered_of,
    open_source,
    resolve,
    run_steps,
)
from msq_finn.lowering.partition import PARTITION_STEP, layers_on_host
from msq_finn.progress import Progress, silent

#: The step behind which there are results to write, that which sizes FIFOs, and that on netlists.
_ESTIMATED = "step_generate_estimate_reports"
_SIZED = "step_msq_size_fifos"
_GATE = "step_msq_gate"

#: Images that the board's programs are tried on before the long stages.
_TRIED = 4


def build(
    source: Path,
    target: Target,
    out: Path,
    work: Path,
    images: Ends | int,
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
        images: network inputs without the batch axis, [images, ...], a tuple of them where the
            network has several; or how many to draw at random.
        seed: of random images.
        labelled: labels, where accuracies are wanted.
        until: last stage to run, of :data:`msq_finn.build.stages.STAGES`.
        start: stage or step to go on from, in the ``work`` of an earlier build that was killed; it
            may have been moved since, also to another machine.
        progress: told of every stage.

    Returns:
        the summary, as written; figures of stages that did not run are None. Stages behind a
        simulation that finds faults do not run.

    Raises:
        MsqError: the model cannot be built. If that shows behind the stage ``estimate``, the
            summary and the report of what was done are written (``failed`` in the summary).
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
    if start is not None:
        first = _position(start, list(steps), until, work)
        again = "step_msq_simulate" in list(steps)[first:]
        check_record(work, source, target, images, seed, other_images=again)
        follow(work)
        _forget_later(work, list(steps)[first])
    record(work, source, target, images, seed)
    progress("FINN: loading", first, len(steps))  # takes seconds
    config = configure(source, target, work)
    if "step_msq_bitfile" in steps:
        check_dependencies()
    config.msq_run = Trial(images, seed, labelled, progress)
    resolved = [resolve(step) for step in steps.values()]
    names = [name for name, _ in resolved]
    if first == 0:
        shutil.rmtree(work / "report", ignore_errors=True)
        model = open_source(source, work)
    else:
        model = load_before(work, names[first], names)
    done: list[str] = names[:first]

    def check(name: str, model: Any) -> None:
        """Refuse early what no package could be made of."""
        if until == "deploy" and name == PARTITION_STEP:
            programs(Host(lowered_of(model, config).parent))
        if until == "deploy" and name == FOLDING_STEP:
            runtime_kernels(model, config.board)

    def finished(name: str, model: Any) -> None:
        done.append(name)
        if name == "step_msq_place_rows" and until == "deploy":
            lowered = lowered_of(model, config)
            tried = image(images_of(lowered, config.msq_run), slice(_TRIED))
            check_programs(Host(lowered.parent), tried)
        if name == "step_msq_simulate":
            refuse_faults(report_folder(config))

    def write_results(model: Any, failed: str | None = None) -> Summary:
        summary = _summarise(model, source, config, target, seed, failed)
        _publish(summary, model, source, out, work, time.monotonic() - started)
        return summary

    try:
        model = run_steps(model, config, resolved[first:], progress, check, finished)
    except MsqError as error:
        if _ESTIMATED not in done:
            raise
        # What the failed step was at work on is not what it was given.
        summary = write_results(ModelWrapper(str(path_of(work, done[-1]))), str(error))
        error.kept = True
        if summary.faults:
            return summary
        raise
    return write_results(model)


def _check_driver(board: str) -> None:
    """Refuse a package for a board whose shell the package has no code for."""
    check_board(board)
    from finn.util.basic import pynq_native_port_width

    if board not in pynq_native_port_width:  # those of FINN's Zynq flow
        raise MsqError(
            f"--until deploy: packages are for boards with a Zynq, not for {board}; build "
            "--until bitfile, and use finn-plus-driver itself"
        )


def _position(start: str, names: list[str], until: str, work: Path) -> int:
    """Which of the steps ``start`` names; a stage stands for its first step.

    FIFOs that an earlier build has sized are not sized again to simulate.
    """
    if start in STAGES:
        position = len(steps_of(stages_before(start, until)))
        sized = path_of(work, _SIZED).exists()
        if start == "simulate" and _SIZED in names and sized:
            position = names.index(_SIZED) + 1
    elif start in names:
        position = names.index(start)
    else:
        known = ", ".join((*STAGES, *names))
        raise MsqError(
            f"--start {start}: no such step before --until {until}; known are {known}",
            field="--start",
            value=start,
        )
    if position >= len(names):
        raise MsqError(f"--start {start} lies behind --until {until}; nothing is left to run")
    return position


def _forget_later(work: Path, start: str) -> None:
    """Remove what an earlier build made of a design that is made anew from a step on."""
    names = list(steps_of(STAGES))
    position = names.index(start)
    if position < names.index(_GATE):
        (work / "report" / GATE_LEVEL).unlink(missing_ok=True)
    if position <= names.index(_SIZED):
        forget(work, names[position:])
        for name in (SIMULATION, RESOURCES):
            (work / "report" / name).unlink(missing_ok=True)
        for name in ("deploy", "bitfile"):
            shutil.rmtree(work / name, ignore_errors=True)


def _summarise(
    model: Any, source: Path, config: Any, target: Target, seed: int, failed: str | None
) -> Summary:
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
    if (folder / GATE_LEVEL).exists():
        figures |= json.loads((folder / GATE_LEVEL).read_text())
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
        nodes=node_summary.nodes_of(model, measured),
        longest_sequence=longest_sequence(model),
        stage_seconds=times.read(folder)["steps"],
        finn_seconds=round(finn, 2),
        msq_seconds=round(ours, 2),
        bitfile=(work / "bitfile" / "finn-accel.bit").exists(),
        failed=failed,
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
    if summary.images_simulated is not None or summary.failed:
        files[PAGE] = render(summary, seconds)
    files["summary.json"] = summary.model_dump_json(indent=2) + "\n"
    package = work / "deploy"
    # Behind a failure it is half made, or an earlier build's.
    whole = package.exists() and not summary.failed
    publish(out, files, (work / "report").iterdir(), package if whole else None)
