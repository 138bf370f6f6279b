"""Commands that would synthesise, place and route; they leave files that say they did not."""

from __future__ import annotations

import os
from pathlib import Path

from msq_finn.build.rehearsal.findings import Refusal
from msq_finn.build.rehearsal.marker import MARK, NO_BITFILE
from msq_finn.build.rehearsal.stand_in.command import Args, command
from msq_finn.build.rehearsal.stand_in.project import project
from msq_finn.build.rehearsal.stand_in.project_state import Project, ToolRun
from msq_finn.build.rehearsal.stand_in.session import Session

_UNSEEN = (
    "whether the design fits, meets its clock and synthesises: no synthesis, placement or routing",
    "whether Vivado's own IP take the parameters that are set: only their ports are known here",
)


@command("get_runs", words=(1, 1))
def _get_runs(session: Session, args: Args) -> str:
    return _run(session, args.words[0]).name


def _run(session: Session, name: str) -> ToolRun:
    runs = project(session).runs
    if name not in runs:
        raise Refusal("property", f"there is no run {name}")
    return runs[name]


@command("reset_run", words=(1, 1))
def _reset_run(session: Session, args: Args) -> None:
    _run(session, args.words[0]).complete = False


@command("launch_runs", "-jobs=", "-to_step=", words=(1, 1))
def _launch_runs(session: Session, args: Args) -> None:
    here, run = project(session), _run(session, args.words[0])
    jobs = args.get("-jobs", "1")
    if not jobs.isdecimal() or int(jobs) < 1:
        raise Refusal("command", f"launch_runs -jobs {jobs}")
    if int(jobs) > 4 * (os.cpu_count() or 1):
        session.complain("travel", f"launch_runs -jobs {jobs} is of a machine with more cores")
    if "sources_1" not in here.tops:
        raise Refusal("module", f"launch_runs {run.name}: the project has no top")
    for blocks in here.designs.values():
        if not blocks.validated:
            raise Refusal("command", f"launch_runs: {blocks.name} was changed since its validation")
    for text in _UNSEEN:
        session.unseen(text)
    run.complete = True
    if run.name == "impl_1":
        here.runs["synth_1"].complete = True
        _leave_results(here, args.get("-to_step"))


def _leave_results(here: Project, step: str) -> None:
    folder, top = here.folder / f"{here.name}.runs/impl_1", here.tops["sources_1"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{top}_timing_summary_routed.rpt").write_text(MARK + "\n")
    if step == "write_bitstream":
        (folder / f"{top}.bit").write_text(NO_BITFILE)
    for name in here.designs:
        handoff = here.folder / f"{here.name}.gen/sources_1/bd/{name}/hw_handoff/{name}.hwh"
        handoff.parent.mkdir(parents=True, exist_ok=True)
        handoff.write_text(f"<!-- {NO_BITFILE.strip()} -->\n<rehearsal/>\n")


@command("wait_on_run", words=(1, 1))
def _wait_on_run(session: Session, args: Args) -> None:
    run = _run(session, args.words[0])
    if not run.complete:
        raise Refusal("command", f"wait_on_run {run.name}, which was not launched")


@command("open_run", "-name=", words=(1, 1))
def _open_run(session: Session, args: Args) -> None:
    run = _run(session, args.words[0])
    if not run.complete:
        raise Refusal("command", f"open_run {run.name}, which is not complete")
    project(session).opened = run


def _netlist(session: Session, what: str) -> None:
    if project(session).opened is None:
        raise Refusal("command", f"{what}: no run is open")


@command("opt_design")
@command("place_design")
@command("route_design")
def _implement(session: Session, args: Args) -> None:
    _netlist(session, "opt_design")


@command("get_ports", words=(1, 1))
def _get_ports(session: Session, args: Args) -> str:
    _netlist(session, "get_ports")
    if args.words[0] not in project(session).ports:
        raise Refusal("port", f"the top has no port {args.words[0]}")
    return args.words[0]


@command("create_clock", "-period=", "-name=", words=(1, 1))
def _create_clock(session: Session, args: Args) -> None:
    period = args.need("create_clock", "-period")
    if float(period) <= 0:
        raise Refusal("clock", f"a clock period of {period} ns")


@command("report_timing_summary", "-file=")
@command("report_power", "-file=", "-format=")
@command(
    "report_utilization", "-file=", "-format=", "-hierarchical", "-hierarchical_depth=",
)  # fmt: skip
def _report(session: Session, args: Args) -> None:
    _netlist(session, "report")
    xml = args.get("-format") == "xml"
    _leave(session, args.need("report", "-file"), f"<!-- {MARK} -->\n<r/>\n" if xml else MARK)


@command("write_checkpoint", "-force", words=(1, 1))
@command("write_xdc", "-force", words=(1, 1))
@command("write_verilog", "-force", "-mode=", words=(1, 1))
def _write(session: Session, args: Args) -> None:
    _netlist(session, "write")
    _leave(session, args.words[0], MARK + "\n")


def _leave(session: Session, name: str, text: str) -> None:
    path = Path(name)
    session.check_place(path)
    if not path.absolute().parent.is_dir():
        raise Refusal("file", f"there is no folder for {name}")
    path.write_text(text)
