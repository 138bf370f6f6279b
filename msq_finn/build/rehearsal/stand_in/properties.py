"""``get_property`` and ``set_property``: what which object has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from msq_finn.build.rehearsal.findings import Refusal
from msq_finn.build.rehearsal.stand_in.addresses import segment_size
from msq_finn.build.rehearsal.stand_in.block_design import Segment
from msq_finn.build.rehearsal.stand_in.blocks import block_properties, design, value_of
from msq_finn.build.rehearsal.stand_in.cells import configure
from msq_finn.build.rehearsal.stand_in.command import Args, command
from msq_finn.build.rehearsal.stand_in.packaging import core_writers, is_core_object
from msq_finn.build.rehearsal.stand_in.project import project, set_board_part
from msq_finn.build.rehearsal.stand_in.session import Session

Writers = Mapping[str, Callable[[str], None]]


@command("get_property", "-quiet", words=(2, 2))
def _get_property(session: Session, args: Args) -> str:
    name, handle = args.words
    return value_of(_properties(session, handle), handle, name, quiet="-quiet" in args)


@command("set_property", "-dict=", "-name=", "-value=", "-objects=", "-quiet", words=(0, 3))
def _set_property(session: Session, args: Args) -> None:
    if "-dict" in args:
        flat = session.split(args.get("-dict"))
        if len(flat) % 2:
            raise Refusal("command", f"set_property -dict: no value for {flat[-1]}")
        pairs, objects = list(zip(flat[::2], flat[1::2], strict=True)), args.words
    elif "-name" in args:
        pairs = [(args.get("-name"), args.need("set_property", "-value"))]
        objects = [args.get("-objects"), *args.words]
    elif len(args.words) == 3:
        pairs, objects = [(args.words[0], args.words[1])], args.words[2:]
    else:
        raise Refusal("command", f"set_property {' '.join(args.words)[:200]}: no object to set")
    handles = [handle for text in objects for handle in session.split(text)]
    if not handles:
        raise Refusal("command", f"set_property {pairs[0][0]}: no object to set")
    for handle in handles:
        _write(session, handle, pairs)


def _properties(session: Session, handle: str) -> dict[str, str]:
    """What can be read of an object."""
    here = project(session)
    if handle == here.name:
        known = ("ip_repo_paths", "board_part_repo_paths", "board_part")
        stored = {key: here.settings.get(key, "") for key in known}
        return {"directory": str(here.folder), "part": here.part} | stored
    if handle in here.runs:
        run = here.runs[handle]
        progress = "100%" if run.complete else "0%"
        return {"PROGRESS": progress, "NEEDS_REFRESH": str(int(not run.complete))}
    if handle.count(":") == 3:
        return {"VLNV": handle, "NAME": handle.split(":")[2]}
    if is_core_object(here, handle):
        return {"NAME": handle.partition("/")[2]}
    if (known_of := block_properties(design(session), handle)) is not None:
        return known_of
    raise Refusal("property", f"get_property of {handle!r}, which is no object")


def _write(session: Session, handle: str, pairs: list[tuple[str, str]]) -> None:
    here = project(session)
    if here.design is not None and handle in here.design.cells:
        settings = {}
        for name, value in pairs:
            kind, _, key = name.partition(".")
            if kind.upper() != "CONFIG":
                raise Refusal("property", f"cell {handle} has no property {name} to set")
            settings[key] = value
        configure(session, here.design.cells[handle], settings)
        return
    writers = {key.upper(): writer for key, writer in _writers(session, handle).items()}
    for name, value in pairs:
        if name.upper() not in writers:
            raise Refusal("property", f"{handle} has no property {name} to set")
        writers[name.upper()](value)


def _writers(session: Session, handle: str) -> Writers:
    here = project(session)

    def keep(key: str) -> Callable[[str], None]:
        def write(value: str) -> None:
            here.settings[key] = value

        return write

    if handle == here.name:
        paths = {key: keep(key) for key in ("ip_repo_paths", "board_part_repo_paths")}
        return {**paths, "board_part": lambda value: set_board_part(session, value)}
    if handle in ("sources_1", "sim_1"):

        def set_top(value: str) -> None:
            if here.sources.file_of(value) is None:
                raise Refusal("module", f"top {value}: no source of the project declares it")
            here.tops[handle] = value
            here.save()

        return {"top": set_top}
    if handle in here.runs:
        options = "STEPS.SYNTH_DESIGN.ARGS.MORE OPTIONS"
        return {options: lambda value: here.runs[handle].settings.update({options: value})}
    if handle.endswith(".bd"):
        return {"SYNTH_CHECKPOINT_MODE": _one_of("None", "Singular", "Hierarchical")}
    if is_core_object(here, handle):
        return core_writers(here, handle)
    return _design_writers(session, handle)


def _design_writers(session: Session, handle: str) -> Writers:
    blocks = design(session)
    if handle in blocks.segments:
        segment = blocks.segments[handle]
        return {
            "offset": lambda value: setattr(segment, "offset", int(value, 0)),
            "range": lambda value: _set_range(segment, value),
        }
    if handle in blocks.pins and blocks.is_port(handle):
        kind = blocks.pins[handle].kind
        names = {"name": lambda value: blocks.rename(handle, f"/{value}")}
        return {**names, "CONFIG.FREQ_HZ": _frequency} if kind == "clk" else names
    if handle in blocks.buses and blocks.is_port(handle):

        def set_config(key: str) -> Callable[[str], None]:
            def write(value: str) -> None:
                bus = blocks.buses[handle]
                blocks.buses[handle] = replace(bus, config={**bus.config, key: value})

            return write

        return {
            "name": lambda value: blocks.rename(handle, f"/{value}"),
            "CONFIG.FREQ_HZ": set_config("FREQ_HZ"),
            "CONFIG.CLK_DOMAIN": set_config("CLK_DOMAIN"),
        }
    raise Refusal("property", f"set_property of {handle!r}, which is no object")


def _one_of(*values: str) -> Callable[[str], None]:
    def write(value: str) -> None:
        if value not in values:
            raise Refusal("property", f"{value} is none of {', '.join(values)}")

    return write


def _frequency(value: str) -> None:
    if not value.isdecimal() or int(value) <= 0:
        raise Refusal("property", f"a clock of {value} Hz")


def _set_range(segment: Segment, value: str) -> None:
    segment.range = segment_size(value)
