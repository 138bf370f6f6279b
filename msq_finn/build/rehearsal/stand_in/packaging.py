"""Commands of the IP packager (``ipx::``)."""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from msq_finn.build.rehearsal.findings import Refusal
from msq_finn.build.rehearsal.marker import MARK
from msq_finn.build.rehearsal.stand_in import component
from msq_finn.build.rehearsal.stand_in.block_design import BlockDesign, leaf
from msq_finn.build.rehearsal.stand_in.command import Args, command
from msq_finn.build.rehearsal.stand_in.interfaces import Ip
from msq_finn.build.rehearsal.stand_in.project import project
from msq_finn.build.rehearsal.stand_in.project_state import Project
from msq_finn.build.rehearsal.stand_in.session import Session

_CORE = "ipx:core"
_SYNTHESIS, _SIMULATION = (
    "xilinx_anylanguagesynthesis",
    "xilinx_anylanguagebehavioralsimulation",
)
_IMPLEMENTATION = "xilinx_implementation"

#: Properties of a core that FINN sets.
_CORE_PROPERTIES = (
    "ipi_drc", "core_revision", "sdx_kernel", "sdx_kernel_type", "supported_families",
    "xpm_libraries", "auto_family_support_level",
)  # fmt: skip


class Core:
    """The IP that is being packaged.

    Args:
        ip: its description.
        folder: where it goes.
        groups: its files by group.

    Attributes:
        properties: that were set.
        maps: memory maps: name to ranges of their blocks.
        references: interface to the memory map that it is said to have.
    """

    def __init__(self, ip: Ip, folder: Path, groups: dict[str, list[str]]) -> None:
        self.ip, self.folder, self.groups = ip, folder, groups
        self.properties: dict[str, str] = {}
        self.maps: dict[str, dict[str, str]] = {}
        self.references: dict[str, str] = {}

    def save(self) -> None:
        """Write ``component.xml``."""
        component.write(self.ip, self.folder / "component.xml", self.groups)


def _core(session: Session) -> Core:
    core = project(session).core
    if not isinstance(core, Core):
        raise Refusal("command", "no core is open")
    return core


@command(
    "ipx::package_project",
    "-root_dir=", "-vendor=", "-library=", "-taxonomy=", "-module=", "-import_files",
)  # fmt: skip
def _package_project(session: Session, args: Args) -> str:
    here = project(session)
    name, folder = args.get("-module"), Path(args.need("ipx::package_project", "-root_dir"))
    blocks = here.designs.get(name)
    if blocks is None:
        raise Refusal("module", f"ipx::package_project: there is no block design {name}")
    if not (blocks.validated and blocks.saved):
        raise Refusal("command", f"{name} was changed since it was validated and saved")
    session.check_place(folder)
    source = folder / "src"
    source.mkdir(parents=True, exist_ok=True)
    names: dict[str, Path] = {}
    for file in here.files:
        other = names.setdefault(file.name, file)
        if other.read_bytes() != file.read_bytes():
            session.complain("name", f"{other} and {file} would be one file of the IP {name}")
        shutil.copy(file, source / file.name)
    vlnv = ":".join((args.get("-vendor"), args.get("-library"), name, "1.0"))
    files = [f"src/{file}" for file in names]
    cells = [f"src/{leaf(path)}.xci" for path, cell in blocks.cells.items() if cell.kind == "ip"]
    groups = {_SYNTHESIS: files, _SIMULATION: list(files), _IMPLEMENTATION: cells}
    for cell in cells:
        (folder / cell).write_text(MARK + "\n")
    here.core = Core(_description(blocks, vlnv), folder, groups)
    return _CORE


def _description(blocks: BlockDesign, vlnv: str) -> Ip:
    """The design's ports and interfaces as those of an IP."""
    pins = tuple(pin for path, pin in blocks.pins.items() if blocks.is_port(path))
    buses = []
    for path, bus in blocks.buses.items():
        if blocks.is_port(path):
            far = blocks.far_end(path)
            clock = f"{far.rpartition('/')[0]}/{blocks.buses[far].clock}" if far else ""
            source = blocks.source(clock) if clock in blocks.pins else None
            buses.append(replace(bus, clock=leaf(source) if source else "", optional=False))
    return Ip(vlnv, pins, tuple(buses))


@command("ipx::current_core")
def _current_core(session: Session, args: Args) -> str:
    _core(session)
    return _CORE


@command("ipx::find_open_core", words=(1, 1))
def _find_open_core(session: Session, args: Args) -> str:
    if _core(session).ip.vlnv != args.words[0]:
        raise Refusal("ip", f"no open core is {args.words[0]}")
    return _CORE


@command("ipx::create_xgui_files", words=(1, 1))
@command("ipx::update_checksums", words=(1, 1))
def _update(session: Session, args: Args) -> None:
    _core(session)


@command("ipx::save_core", words=(1, 1))
def _save_core(session: Session, args: Args) -> None:
    core = _core(session)
    for bus in core.ip.buses:
        if bus.kind == "aximm" and bus.mode == "Slave" and bus.name not in core.references:
            session.complain("address", f"{core.ip.vlnv}: {bus.name} has no memory map")
    for bus_name, map_name in core.references.items():
        if not core.maps.get(map_name):
            session.complain("address", f"{core.ip.vlnv}: {bus_name}: no memory map {map_name}")
    core.save()


@command("ipx::get_address_spaces", "-of_objects=", words=(1, 1))
def _get_address_spaces(session: Session, args: Args) -> str:
    if not any(bus.name == args.words[0] for bus in _core(session).ip.buses):
        raise Refusal("interface", f"the core has no interface {args.words[0]}")
    return f"ipx:space/{args.words[0]}"


@command("ipx::remove_segment", "-quiet", words=(2, 2))
def _remove_segment(session: Session, args: Args) -> None:
    _core(session)


@command("ipx::get_bus_interfaces", "-of_objects=", words=(0, 1))
def _get_bus_interfaces(session: Session, args: Args) -> list[str]:
    core = _core(session)
    found = [bus.name for bus in core.ip.buses if not args.words or bus.name == args.words[0]]
    if args.words and not found:
        raise Refusal("interface", f"the core has no interface {args.words[0]}")
    return [f"ipx:bus/{name}" for name in found]


@command("ipx::get_bus_parameters", "-of_objects=", words=(0, 1))
def _get_bus_parameters(session: Session, args: Args) -> list[str]:
    buses = {bus.name: bus for bus in _core(session).ip.buses}
    owners = [leaf(h) for h in session.split(args.need("ipx::get_bus_parameters", "-of_objects"))]
    return [f"ipx:parameter/{owner}/{key}" for owner in owners for key in buses[owner].config]


@command("ipx::get_file_groups", "-of_objects=", "-quiet", words=(1, 1))
def _get_file_groups(session: Session, args: Args) -> str:
    if args.words[0] not in _core(session).groups:
        raise Refusal("file", f"the core has no file group {args.words[0]}")
    return f"ipx:group/{args.words[0]}"


@command("ipx::add_file_group", "-type=", words=(1, 2))
def _add_file_group(session: Session, args: Args) -> str:
    name = args.words[0] or args.get("-type")
    groups = _core(session).groups
    if name in groups:
        raise Refusal("name", f"the core has a file group {name} already")
    groups[name] = []
    return f"ipx:group/{name}"


@command("ipx::remove_file_group", words=(2, 2))
def _remove_file_group(session: Session, args: Args) -> None:
    if _core(session).groups.pop(args.words[0], None) is None:
        raise Refusal("file", f"the core has no file group {args.words[0]}")


@command("ipx::add_file", words=(2, 2))
def _add_file(session: Session, args: Args) -> str:
    core, (name, group) = _core(session), args.words
    if not (core.folder / name).exists():
        raise Refusal("file", f"{core.folder / name} is not there")
    core.groups[leaf(group)].append(name)
    return f"ipx:file/{name}"


@command("ipx::get_files", "-of_objects=", words=(0, 1))
def _get_files(session: Session, args: Args) -> list[str]:
    group = leaf(args.need("ipx::get_files", "-of_objects"))
    pattern = args.words[0] if args.words else "*"
    found = [n for n in _core(session).groups[group] if fnmatch.fnmatchcase(n, pattern)]
    return [f"ipx:file/{name}" for name in found]


@command("ipx::remove_file", words=(2, 2))
def _remove_file(session: Session, args: Args) -> None:
    name, group = args.words
    files = _core(session).groups[leaf(group)]
    if name not in files:
        raise Refusal("file", f"{group} has no file {name}")
    files.remove(name)


@command("ipx::remove_all_file", words=(1, 1))
def _remove_all_file(session: Session, args: Args) -> None:
    _core(session).groups[leaf(args.words[0])].clear()


@command("ipx::add_memory_map", words=(2, 2))
def _add_memory_map(session: Session, args: Args) -> str:
    maps = _core(session).maps
    if args.words[0] in maps:
        raise Refusal("name", f"the core has a memory map {args.words[0]} already")
    maps[args.words[0]] = {}
    return f"ipx:map/{args.words[0]}"


@command("ipx::add_address_block", words=(2, 2))
def _add_address_block(session: Session, args: Args) -> str:
    block, owner = args.words[0], leaf(args.words[1])
    _core(session).maps[owner][block] = ""
    return f"ipx:block/{owner}/{block}"


def is_core_object(here: Project, handle: str) -> bool:
    """Whether a script's handle is of the core that is being packaged."""
    return handle.startswith("ipx:") and here.core is not None


def core_writers(here: Project, handle: str) -> Mapping[str, Callable[[str], None]]:
    """Properties of a core or a part of it, to set."""
    core: Core = here.core
    kind, _, name = handle.partition("/")

    def keep(values: Any, key: str) -> Callable[[str], None]:
        def write(value: str) -> None:
            values[key] = value

        return write

    if kind == _CORE:
        return {key: keep(core.properties, key) for key in _CORE_PROPERTIES}
    if kind == "ipx:bus":
        return {"slave_memory_map_ref": keep(core.references, name)}
    if kind == "ipx:block":
        owner, _, block = name.partition("/")
        return {"range": keep(core.maps[owner], block)}
    kept: dict[str, dict[str, str]] = {"ipx:file": {}, "ipx:parameter": {}}
    names = {"ipx:file": ("type", "used_in"), "ipx:parameter": ("value_resolve_type",)}
    return {key: keep(kept[kind], key) for key in names.get(kind, ())}
