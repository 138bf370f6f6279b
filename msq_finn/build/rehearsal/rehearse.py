"""Run the stages ``bitfile`` and ``deploy`` of a build against the stand-ins."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msq_finn
from msq_finn.build.deploy import deploy
from msq_finn.build.hardware_steps import step_msq_bitfile
from msq_finn.build.output import output_folder
from msq_finn.build.rehearsal.contents import traces
from msq_finn.build.rehearsal.environment import stand_ins
from msq_finn.build.rehearsal.findings import Finding, Log
from msq_finn.build.rehearsal.stand_in.hdl import check_slang
from msq_finn.build.rehearsal.stand_in.session import interpreter
from msq_finn.build.reopen import check_simulated, reopen
from msq_finn.build.report_files import REFERENCE, SIMULATION
from msq_finn.errors import MsqError, said_by
from msq_finn.files import write
from msq_finn.finn_compat import report_folder
from msq_finn.lowering.lower import Lowered, logged
from msq_finn.progress import Progress, silent

#: File of the report folder.
REHEARSAL = "msq_rehearsal.json"

#: What no rehearsal of any design can show.
ALWAYS_UNSEEN = (
    "what Vivado itself says: a stand-in checked the scripts, Vivado ran none",
    "a bitfile: the stand-in's is none, and is deleted",
)


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal came to.

    Attributes:
        complaints: what Vivado would stumble over.
        unseen: what the rehearsal cannot show.
        scripts: how many scripts ran.
        seconds: that it took.
    """

    complaints: tuple[Finding, ...]
    unseen: tuple[str, ...]
    scripts: int
    seconds: float


def rehearse_build(out: Path, progress: Progress = silent) -> Rehearsal:
    """Rehearse a build that was simulated.

    Args:
        out: the build's output folder; its report folder gets `REHEARSAL`.
        progress: told of every part.

    Raises:
        MsqError: there is no such build, or its board has no Zynq.
        MissingToolError: this Python has no Tcl, or slang is not installed.
    """
    interpreter()
    check_slang()
    check_simulated(out)
    with output_folder(out, resume=True):
        found = rehearse(_opened(out), (out / "build").resolve(), progress)
        content = {
            "complaints": [asdict(finding) for finding in found.complaints],
            "not_shown": found.unseen,
            "scripts": found.scripts,
        }
        write(out / "report" / REHEARSAL, json.dumps(content, indent=2) + "\n")
    return found


def _opened(out: Path) -> Lowered:
    """Open a simulated build of a board with a Zynq, with what its simulation found."""
    work = (out / "build").resolve()
    board = json.loads((work / "options.json").read_text())["board"]
    from finn.util.basic import pynq_part_map

    if board not in pynq_part_map:
        raise MsqError(f"{board} has no Zynq; a rehearsal is of FINN's flow for boards with one")
    lowered = reopen(out, "rehearsal")
    shutil.copy(work / REFERENCE, lowered.folder)
    shutil.copy(work / "report" / SIMULATION, report_folder(lowered.config))
    return lowered


def rehearse(lowered: Lowered, root: Path, progress: Progress = silent) -> Rehearsal:
    """Run FINN's Vivado steps and ours behind them, each script in a Tcl interpreter.

    Args:
        lowered: a simulated network, and the folder that everything new goes to.
        root: folder of the whole build, which may move to another machine.
        progress: told of every part.
    """
    started, folder = time.monotonic(), lowered.folder
    try:
        with logged(folder / "finn.log"), stand_ins(folder, [root]) as log:
            progress("Rehearsal: FINN's scripts", 0, 2)
            if _run(lambda: step_msq_bitfile(lowered.model, lowered.config), log):
                progress("Rehearsal: deployment", 1, 2)
                _check_results(folder, log)
                _run(lambda: _deploy(lowered, root, log), log)
            complaints, unseen, scripts = *log.read(), log.scripts()
        progress("Rehearsal: done", 2, 2)
    finally:
        _remove_markers(folder)
    return Rehearsal(
        tuple(complaints),
        (*ALWAYS_UNSEEN, *(finding.text for finding in unseen)),
        len(scripts),
        time.monotonic() - started,
    )


def _run(step: Any, log: Log) -> bool:
    """Run one part; FINN's own error is a complaint where no script's is behind it."""
    try:
        step()
    except Exception as error:
        if not log.read()[0]:
            log.add(Finding("flow", f"FINN stopped: {said_by(error)}"))
        return False
    return True


def _check_results(folder: Path, log: Log) -> None:
    """See whether FINN's steps made what the next stage takes."""
    wanted = ("bitfile/finn-accel.bit", "bitfile/finn-accel.hwh", "driver/settings.json")
    for name in wanted:
        if not (folder / name).is_file():
            log.add(Finding("flow", f"FINN's steps ended without {name}"))


def _deploy(lowered: Lowered, root: Path, log: Log) -> None:
    package = deploy(lowered)
    if not (package / "bitfile/finn-accel.bit").is_file():
        log.add(Finding("flow", "the package lacks the bitfile that there is"))
    for finding in traces(package, [root, Path.home(), Path(msq_finn.__file__).parent]):
        log.add(finding)


def _remove_markers(folder: Path) -> None:
    """Delete the package, and everything that stood for a bitfile."""
    for name in ("deploy", "bitfile"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in (*folder.rglob("*.bit"), *folder.rglob("*.hwh")):
        path.unlink()
