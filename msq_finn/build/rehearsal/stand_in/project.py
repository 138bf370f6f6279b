"""Vivado's open project, and the commands that make it and fill it."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

from msq_finn.build.rehearsal.findings import Refusal
from msq_finn.build.rehearsal.stand_in.block_design import BlockDesign
from msq_finn.build.rehearsal.stand_in.command import Args, command
from msq_finn.build.rehearsal.stand_in.component import scan
from msq_finn.build.rehearsal.stand_in.filters import selects
from msq_finn.build.rehearsal.stand_in.hdl import FILE_TYPES
from msq_finn.build.rehearsal.stand_in.project_state import Project
from msq_finn.build.rehearsal.stand_in.session import Session

_PART = re.compile(r"xc\w+-[\w-]+|xck26-[\w-]+")


def project(session: Session) -> Project:
    """The open project.

    Raises:
        Refusal: there is none.
    """
    if session.project is None:
        raise Refusal("command", "no project is open")
    return session.project


@command("create_project", "-part=", "-force", words=(1, 2))
def _create_project(session: Session, args: Args) -> str:
    part = args.need("create_project", "-part")
    if not _PART.fullmatch(part):
        raise Refusal("property", f"{part} is no part")
    name, folder = args.words[0], Path(args.words[1] if args.words[1:] else ".").absolute()
    made = Project(name, folder, part)
    if made.file.exists() and "-force" not in args:
        raise Refusal("name", f"there is a project {made.file} already")
    folder.mkdir(parents=True, exist_ok=True)
    session.project = made
    made.save()
    return name


@command("open_project", words=(1, 1))
def _open_project(session: Session, args: Args) -> str:
    path = session.file(args.words[0]).absolute()
    text = json.loads(path.read_text())
    session.project = opened = Project(path.stem, path.parent, text["part"])
    opened.tops, opened.ports = text["tops"], text["ports"]
    return opened.name


@command("close_project")
def _close_project(session: Session, args: Args) -> None:
    project(session).save()
    session.project = None


@command("current_project")
def _current_project(session: Session, args: Args) -> str:
    return project(session).name


@command("version", "-short")
def _version(session: Session, args: Args) -> str:
    return "msq-finn-rehearsal"


@command("set_msg_config", "-id=", "-suppress", words=(0, 0))
@command("reset_msg_config", "-id=", "-suppress", words=(0, 0))
def _message_config(session: Session, args: Args) -> None:
    args.need("set_msg_config", "-id")


_PARAMETERS = {"board.repoPaths": "", "tcl.collectionResultDisplayLimit": "500"}


@command("get_param", words=(1, 1))
def _get_param(session: Session, args: Args) -> str:
    _check_parameter(args.words[0])
    return str(session.state.get(args.words[0], _PARAMETERS[args.words[0]]))


@command("set_param", words=(2, 2))
def _set_param(session: Session, args: Args) -> None:
    _check_parameter(args.words[0])
    session.state[args.words[0]] = args.words[1]


def _check_parameter(name: str) -> None:
    if name not in _PARAMETERS:
        raise Refusal("property", f"there is no parameter {name} that the stand-in knows")


@command("add_files", "-norecurse", "-fileset=", "-copy_to=", words=(1, 1))
def _add_files(session: Session, args: Args) -> list[str]:
    here = project(session)
    added = []
    for name in session.split(args.words[0]):
        path = session.file(name).absolute()
        if path.suffix not in FILE_TYPES:
            raise Refusal("file", f"{name}: Vivado takes no such file as a source")
        if "-copy_to" in args:
            path = Path(shutil.copy(path, args.get("-copy_to")))
        if path not in here.files:
            here.files.append(path)
            add_source(session, path)
        added.append(str(path))
    return added


def add_source(session: Session, path: Path) -> None:
    """Compile one more source of the open project."""
    here = project(session)
    for rule, text in here.sources.add(path):
        session.complain(rule, text)
    if path.suffix in (".v", ".sv"):
        for memory in here.sources.memory_files(path):
            session.check_place(memory)
        for size in here.sources.remarked(path):
            session.unseen(f"whether Vivado takes the literal of {size} bits in {path.name}")


@command("get_files", "-filter=", "-quiet", "-of_objects=", words=(0, 1))
def _get_files(session: Session, args: Args) -> list[str]:
    here = project(session)
    files = [*here.files, *(design_file(here, design) for design in here.designs.values())]
    found = [str(f) for f in files if not args.words or _is_named(f, args.words[0])]
    if "-filter" in args:
        found = [f for f in found if selects(args.get("-filter"), _file_property(Path(f)))]
    if args.words and not found and "-quiet" not in args:
        raise Refusal("file", f"no file of the project is {args.words[0]}")
    return found


def _is_named(file: Path, name: str) -> bool:
    return file.match(name) or str(file) == str(Path(name).absolute())


def _file_property(path: Path) -> Callable[[str], str]:
    kind = FILE_TYPES.get(path.suffix, "")
    known = {"USED_IN_SYNTHESIS": "1", "FILE_TYPE": kind, "NAME": str(path)}

    def value(name: str) -> str:
        if name.upper() not in known:
            raise Refusal("property", f"files have no property {name} that the stand-in knows")
        return known[name.upper()]

    return value


def design_file(here: Project, design: BlockDesign) -> Path:
    """Where a block design lies."""
    base = here.folder / f"{here.name}.srcs/sources_1/bd"
    return base / design.name / f"{design.name}.bd"


@command("current_fileset")
def _current_fileset(session: Session, args: Args) -> str:
    project(session)
    return "sources_1"


@command("get_filesets", words=(0, 1))
def _get_filesets(session: Session, args: Args) -> list[str]:
    project(session)
    sets = ["sources_1", "sim_1", "constrs_1"]
    found = [name for name in sets if not args.words or name == args.words[0]]
    if not found:
        raise Refusal("property", f"there is no file set {args.words[0]}")
    return found


@command("update_compile_order", "-fileset=")
def _update_compile_order(session: Session, args: Args) -> None:
    project(session)


@command("update_ip_catalog", "-rebuild", "-scan_changes")
def _update_ip_catalog(session: Session, args: Args) -> None:
    here = project(session)
    names = session.split(here.settings.get("ip_repo_paths", ""))
    folders = [session.file(name) for name in dict.fromkeys(names)]
    here.catalog = scan(folders)


def set_board_part(session: Session, board_part: str) -> None:
    """Choose the board, whose files FINN brings along or Vivado has.

    Raises:
        Refusal: FINN's board files are there, and this board's are not among them.
    """
    here = project(session)
    folders = [Path(p) for p in session.split(here.settings.get("board_part_repo_paths", ""))]
    files = [file for folder in folders for file in folder.rglob("board.xml")]
    vendor, name, *_ = [*board_part.split(":"), ""]
    if files and vendor != "xilinx.com":
        roots = [ET.parse(file).getroot() for file in files]
        if not any(root.get("vendor") == vendor and root.get("name") == name for root in roots):
            raise Refusal("file", f"no board.xml under {folders[-1]} is of {board_part}")
    else:
        session.unseen(
            f"whether Vivado finds the board part {board_part}: its files are not on this machine"
        )
    here.settings["board_part"] = board_part
