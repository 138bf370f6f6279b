"""Commands for block designs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from msq_finn.build.rehearsal.findings import Refusal
from msq_finn.build.rehearsal.stand_in.block_design import (
    ROOT,
    BlockDesign,
    absolute,
    leaf,
    matching,
    parent,
)
from msq_finn.build.rehearsal.stand_in.command import Args, command
from msq_finn.build.rehearsal.stand_in.filters import selects
from msq_finn.build.rehearsal.stand_in.interfaces import BlockPin, Bus
from msq_finn.build.rehearsal.stand_in.project import design_file, project
from msq_finn.build.rehearsal.stand_in.session import Session
from msq_finn.build.rehearsal.stand_in.validation import validate


def design(session: Session) -> BlockDesign:
    """The block design that commands are about.

    Raises:
        Refusal: there is none.
    """
    found = project(session).design
    if found is None:
        raise Refusal("command", "no block design is open")
    return found


@command("create_bd_design", words=(1, 1))
def _create_bd_design(session: Session, args: Args) -> str:
    here, name = project(session), args.words[0]
    if name in here.designs:
        raise Refusal("name", f"there is a block design {name} already")
    here.designs[name] = here.design = BlockDesign(name)
    return name


@command("create_bd_pin", "-dir=", "-type=", "-from=", "-to=", words=(1, 1))
def _create_bd_pin(session: Session, args: Args) -> str:
    path = absolute(args.words[0])
    width = int(args.get("-from", "0")) - int(args.get("-to", "0")) + 1
    kind = args.get("-type", "data")
    pin = BlockPin(leaf(path), args.need("create_bd_pin", "-dir"), width, kind)
    design(session).add_pin(path, pin)
    return path


@command("create_bd_intf_pin", "-mode=", "-vlnv=", words=(1, 1))
def _create_bd_intf_pin(session: Session, args: Args) -> str:
    path = absolute(args.words[0])
    kind = args.need("create_bd_intf_pin", "-vlnv").split(":")[2].removesuffix("_rtl")
    bus = Bus(leaf(path), args.need("create_bd_intf_pin", "-mode"), kind)
    design(session).add_bus(path, bus)
    return path


def found(session: Session, args: Args, paths: Iterable[str], what: str, rule: str) -> list[str]:
    """Objects that a command's patterns and filter name."""
    blocks, paths = design(session), list(paths)
    patterns = [pattern for word in args.words for pattern in session.split(word)]
    result: list[str] = []
    for pattern in patterns:
        named = matching(pattern, paths)
        if not named and "-quiet" not in args:
            raise Refusal(rule, f"there is no {what} {pattern}")
        result += named
    if not patterns:
        result = paths
    if "-filter" in args:
        expression = args.get("-filter")
        result = [path for path in result if selects(expression, _reader(blocks, path))]
    return list(dict.fromkeys(result))


def block_properties(blocks: BlockDesign, handle: str) -> dict[str, str] | None:
    """What can be read of a cell, pin or interface, None where there is none such."""
    if handle in blocks.buses:
        bus = blocks.buses[handle]
        config = {f"CONFIG.{key}": value for key, value in bus.config.items()}
        return {"NAME": leaf(handle), "MODE": bus.mode, "VLNV": bus.vlnv} | config
    if handle in blocks.pins:
        pin = blocks.pins[handle]
        return {"NAME": leaf(handle), "DIR": pin.direction, "TYPE": pin.kind}
    if handle in blocks.cells:
        ip = blocks.cells[handle].ip
        config = {f"CONFIG.{key}": value for key, value in ip.parameters.items()}
        return {"NAME": leaf(handle), "VLNV": ip.vlnv} | config
    if handle in blocks.segments:
        return {"NAME": leaf(handle)}
    return None


def value_of(properties: dict[str, str], handle: str, name: str, quiet: bool = False) -> str:
    """One of an object's properties; the case of their names does not count.

    Raises:
        Refusal: it has none of that name, and ``quiet`` does not ask for an empty text.
    """
    for key, value in properties.items():
        if key.upper() == name.upper():
            return value
    if quiet or name.upper().startswith("CONFIG."):
        return ""
    raise Refusal("property", f"{handle} has no property {name} that the stand-in knows")


def _reader(blocks: BlockDesign, handle: str) -> Callable[[str], str]:
    properties = block_properties(blocks, handle) or {}
    return lambda name: value_of(properties, handle, name)


@command("get_bd_cells", "-quiet", "-filter=", words=(0, 1))
def _get_bd_cells(session: Session, args: Args) -> list[str]:
    cells = design(session).cells
    paths = cells if args.words else [path for path in cells if parent(path) == ROOT]
    return found(session, args, paths, "cell", "module")


@command("get_bd_pins", "-quiet", "-filter=", words=(1, 1))
def _get_bd_pins(session: Session, args: Args) -> list[str]:
    blocks = design(session)
    paths = [path for path in blocks.pins if not blocks.is_port(path)]
    return found(session, args, paths, "pin", "port")


@command("get_bd_ports", "-quiet", "-filter=", words=(0, 1))
def _get_bd_ports(session: Session, args: Args) -> list[str]:
    blocks = design(session)
    paths = [path for path in blocks.pins if blocks.is_port(path)]
    return found(session, args, paths, "port", "port")


@command("get_bd_intf_pins", "-quiet", "-filter=", "-of_objects=", words=(0, 1))
def _get_bd_intf_pins(session: Session, args: Args) -> list[str]:
    blocks = design(session)
    paths = [path for path in blocks.buses if not blocks.is_port(path)]
    if "-of_objects" in args:
        owners = session.split(args.get("-of_objects"))
        on_nets = {m for owner in owners for m in _members(blocks, owner)}
        paths = [path for path in paths if path in on_nets or parent(path) in owners]
    return found(session, args, paths, "interface pin", "interface")


@command("get_bd_intf_ports", "-quiet", "-filter=", words=(0, 1))
def _get_bd_intf_ports(session: Session, args: Args) -> list[str]:
    blocks = design(session)
    paths = [path for path in blocks.buses if blocks.is_port(path)]
    return found(session, args, paths, "interface port", "interface")


@command("get_bd_intf_nets", "-quiet", "-boundary_type=", "-of_objects=", words=(0, 1))
def _get_bd_intf_nets(session: Session, args: Args) -> list[str]:
    blocks = design(session)
    nets = []
    for path in session.split(args.need("get_bd_intf_nets", "-of_objects")):
        if path not in blocks.buses:
            raise Refusal("interface", f"there is no interface {path}")
        outside = parent(parent(path))
        lower = args.get("-boundary_type") == "lower" or blocks.is_port(path)
        net = blocks.net_of(path, parent(path) if lower else outside)
        nets += [f"net:{net.level}:{net.members[0]}"] if net else []
    return nets


def _members(blocks: BlockDesign, handle: str) -> list[str]:
    """Members of a net that a script has in hand."""
    kind, _, rest = handle.partition(":")
    level, _, member = rest.partition(":")
    net = blocks.net_of(member, level) if kind == "net" else None
    return net.members if net else []


@command("connect_bd_net", "-boundary_type=", words=(2, 99))
def _connect_bd_net(session: Session, args: Args) -> None:
    blocks = design(session)
    paths = [absolute(path) for word in args.words for path in session.split(word)]
    for path in paths:
        if path not in blocks.pins:
            raise Refusal("port", f"there is no pin or port {path}")
    blocks.connect(paths)


@command("connect_bd_intf_net", "-boundary_type=", words=(2, 2))
def _connect_bd_intf_net(session: Session, args: Args) -> None:
    blocks = design(session)
    ends = [absolute(path) for word in args.words for path in session.split(word)]
    for path in ends:
        if path not in blocks.buses:
            raise Refusal("interface", f"there is no interface {path}")
    if len(ends) != 2:
        raise Refusal("interface", f"connect_bd_intf_net of {len(ends)} interfaces")
    blocks.connect_buses(*ends)


@command("make_bd_pins_external", words=(1, 1))
def _make_bd_pins_external(session: Session, args: Args) -> list[str]:
    blocks, made = design(session), []
    for path in session.split(args.words[0]):
        port = blocks.free_port(leaf(path))
        blocks.add_pin(port, replace(blocks.pins[path], name=leaf(port)))
        blocks.connect([path, port])
        made.append(port)
    return made


@command("make_bd_intf_pins_external", words=(1, 1))
def _make_bd_intf_pins_external(session: Session, args: Args) -> list[str]:
    blocks, made = design(session), []
    for path in session.split(args.words[0]):
        port, bus = blocks.free_port(leaf(path)), blocks.buses[path]
        blocks.add_bus(port, replace(bus, name=leaf(port)))
        blocks.connect_buses(path, port)
        if (inner := blocks.far_end(port)) is not None:  # a hierarchy's pin knows no widths
            config = blocks.buses[inner].config
            blocks.buses[port] = replace(blocks.buses[port], config=config)
        made.append(port)
    return made


@command("save_bd_design")
def _save_bd_design(session: Session, args: Args) -> None:
    blocks = design(session)
    path = design_file(project(session), blocks)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(sorted(blocks.cells)) + "\n")
    blocks.saved = True


@command("validate_bd_design", "-force")
def _validate_bd_design(session: Session, args: Args) -> None:
    blocks = design(session)
    for rule, text in validate(blocks):
        session.complain(rule, text)
    blocks.validated = True


@command("current_bd_design")
def _current_bd_design(session: Session, args: Args) -> str:
    return design(session).name


@command("make_wrapper", "-files=", "-top", "-import", "-fileset=")
def _make_wrapper(session: Session, args: Args) -> str:
    here = project(session)
    (file,) = session.split(args.need("make_wrapper", "-files"))
    blocks = next(d for d in here.designs.values() if str(design_file(here, d)) == file)
    if not blocks.validated:
        raise Refusal("command", f"make_wrapper: {blocks.name} was changed since its validation")
    name = f"{blocks.name}_wrapper"
    path = design_file(here, blocks).parent / "hdl" / f"{name}.v"
    path.parent.mkdir(parents=True, exist_ok=True)
    ports = [leaf(path) for path, pin in blocks.pins.items() if blocks.is_port(path)]
    here.ports = ports
    path.write_text(f"// {_WRAPPER_NOTE}\nmodule {name};\nendmodule\n")
    if "-import" in args:
        here.files.append(path)
        for rule, text in here.sources.add(path):
            session.complain(rule, text)
    return str(path)


_WRAPPER_NOTE = "In the place of what Vivado writes around the block design."
