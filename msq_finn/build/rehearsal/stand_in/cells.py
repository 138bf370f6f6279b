"""Commands for cells of block designs: modules, IP and hierarchies, and their parameters."""

from __future__ import annotations

import re
from collections.abc import Callable

from msq_finn.build.rehearsal.findings import Refusal
from msq_finn.build.rehearsal.stand_in import catalog
from msq_finn.build.rehearsal.stand_in.block_design import BlockCell
from msq_finn.build.rehearsal.stand_in.blocks import design, value_of
from msq_finn.build.rehearsal.stand_in.command import Args, command
from msq_finn.build.rehearsal.stand_in.filters import selects
from msq_finn.build.rehearsal.stand_in.interfaces import Ip, infer
from msq_finn.build.rehearsal.stand_in.project import project
from msq_finn.build.rehearsal.stand_in.session import Session

_NAME = re.compile(r"/?([A-Za-z]\w*/)*[A-Za-z]\w*")


@command("create_bd_cell", "-type=", "-vlnv=", "-reference=", words=(1, 1))
def _create_bd_cell(session: Session, args: Args) -> str:
    name, kind = args.words[0], args.need("create_bd_cell", "-type")
    if not _NAME.fullmatch(name):
        raise Refusal("name", f"{name} cannot be the name of a cell")
    # Vivado takes "hier" with a reference for a module, as FINN writes it.
    if "-reference" in args and kind in ("module", "hier"):
        ip, kind = _referenced(session, args.get("-reference"), {}), "module"
    elif kind == "hier":
        ip = Ip("hier", (), ())
    elif kind == "ip":
        ip = _instantiated(session, args.need("create_bd_cell", "-vlnv"), {})
    else:
        raise Refusal("command", f"create_bd_cell: -type {kind} without -reference")
    return design(session).add_cell(name, kind, ip).path


def _referenced(session: Session, name: str, settings: dict[str, str]) -> Ip:
    """A module of the project's sources."""
    sources = project(session).sources
    file = sources.file_of(name)
    if file is None:
        raise Refusal("module", f"no source of the project declares {name}")
    if file.suffix != ".v":
        raise Refusal(
            "module",
            f"{name} is declared in {file.name}: Vivado takes Verilog (.v), not SystemVerilog, "
            "for a module in a block design",
        )
    module, faults = sources.module(name, settings)
    for key in settings:
        if key not in module.parameters:
            raise Refusal("parameter", f"module {name} has no parameter {key}")
    pins, buses, more = infer(name, module.ports)
    for rule, text in (*faults, *more):
        session.complain(rule, text)
    return Ip(name, pins, buses, module.parameters)


def _instantiated(session: Session, vlnv: str, settings: dict[str, str]) -> Ip:
    """An IP of Vivado's, or of a repository."""
    ip = catalog.make(vlnv, settings) or project(session).catalog.get(vlnv)
    if ip is None:
        raise Refusal(
            "ip", f"{vlnv}: no repository of the project has it, nor does the stand-in know it"
        )
    for key in settings:
        if key not in ip.parameters:
            raise Refusal("parameter", f"{vlnv} has no parameter {key}")
    return ip


def configure(session: Session, cell: BlockCell, settings: dict[str, str]) -> None:
    """Set parameters of a cell.

    Raises:
        Refusal: it has none of such a name, or cannot have the value.
    """
    wanted = cell.settings | settings
    if cell.kind == "hier":
        raise Refusal("parameter", f"{cell.path} is a hierarchy, which has no parameters")
    make = _referenced if cell.kind == "module" else _instantiated
    design(session).set_ip(cell, make(session, cell.ip.vlnv, wanted))
    cell.settings = wanted


@command("get_ipdefs", "-all", "-filter=", words=(0, 1))
def _get_ipdefs(session: Session, args: Args) -> list[str]:
    known = [*catalog.names(), *project(session).catalog]
    pattern = args.words[0] if args.words else "*"
    expression = re.escape(pattern).replace(r"\*", ".*")
    found = [vlnv for vlnv in known if re.fullmatch(expression, vlnv)]
    if "-filter" in args:
        found = [vlnv for vlnv in found if selects(args.get("-filter"), _ip_reader(vlnv))]
    if not found:
        raise Refusal("ip", f"there is no IP {pattern} {args.get('-filter')}".rstrip())
    return found


def _ip_reader(vlnv: str) -> Callable[[str], str]:
    known = {"NAME": vlnv.split(":")[2], "VLNV": vlnv, "DESIGN_TOOL_CONTEXTS": "IPI"}
    return lambda name: value_of(known, vlnv, name)


@command("apply_bd_automation", "-rule=", "-config=", words=(1, 1))
def _apply_bd_automation(session: Session, args: Args) -> None:
    name = args.need("apply_bd_automation", "-rule").split(":")[-1]
    blocks, (path,) = design(session), session.split(args.words[0])
    cell = blocks.cells[path]
    if cell.ip.vlnv.split(":")[2:3] != [name]:
        raise Refusal("command", f"apply_bd_automation: the rule {name} is not for {path}")
    board = project(session).settings.get("board_part", "")
    if not board:
        raise Refusal("command", f"apply_bd_automation: no board, whose preset {path} could have")
    configure(session, cell, catalog.preset(name, board))
