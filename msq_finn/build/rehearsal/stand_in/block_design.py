"""A block design: cells, their pins and buses, what is connected to what, and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from msq_finn.build.rehearsal.findings import Refusal
from msq_finn.build.rehearsal.stand_in.interfaces import BlockPin, Bus, Ip

ROOT = "/"


@dataclass
class BlockCell:
    """A cell.

    Attributes:
        path: from the root, such as ``/MVAU_0/MVAU_0``.
        ip: what it is an instance of; of a hierarchy, the pins and buses made so far.
        kind: ``hier``, ``module`` or ``ip``.
        settings: parameters that were set.
    """

    path: str
    ip: Ip
    kind: str
    settings: dict[str, str] = field(default_factory=dict)


@dataclass
class Segment:
    """A slave's range of addresses, as a master sees it.

    Attributes:
        path: name by which scripts find it.
        bus: path of the slave's interface, or of the master's for a range beyond a port.
        offset: where it begins, None until it is assigned.
        range: bytes.
    """

    path: str
    bus: str
    offset: int | None = None
    range: int = 0


@dataclass
class Net:
    """What is connected, at one level of the hierarchy."""

    level: str
    members: list[str]


def parent(path: str) -> str:
    """Path of what holds a cell, or the cell of a pin."""
    return path.rpartition("/")[0] or ROOT


def leaf(path: str) -> str:
    """Last part of a path."""
    return path.rpartition("/")[2]


class BlockDesign:
    """A block design.

    Args:
        name: of the design.

    Attributes:
        cells: by path.
        pins: pins and ports by path; a port of direction ``I`` drives what is inside.
        buses: interface pins and ports by path.
        nets: of pins.
        bus_nets: of buses, with two members each.
        segments: ranges of addresses by path.
        validated: whether it was, since the last change.
        saved: likewise.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.cells: dict[str, BlockCell] = {}
        self.pins: dict[str, BlockPin] = {}
        self.buses: dict[str, Bus] = {}
        self.nets: list[Net] = []
        self.bus_nets: list[Net] = []
        self.segments: dict[str, Segment] = {}
        self.validated = self.saved = False

    def add_cell(self, name: str, kind: str, ip: Ip) -> BlockCell:
        """Add a cell.

        Args:
            name: path, from the root where it begins with a slash or not.
            kind: ``hier``, ``module`` or ``ip``.
            ip: what it is an instance of.

        Raises:
            Refusal: the name is taken, or its parent is no hierarchy.
        """
        path = absolute(name)
        self._check_free(path)
        above = parent(path)
        if above != ROOT and (above not in self.cells or self.cells[above].kind != "hier"):
            raise Refusal("module", f"{path}: there is no hierarchy {above}")
        cell = self.cells[path] = BlockCell(path, ip, kind)
        self._enter(cell)
        return cell

    def set_ip(self, cell: BlockCell, ip: Ip) -> None:
        """Give a cell other pins, as parameters make them.

        Raises:
            Refusal: a pin that is connected would go.
        """
        old = self._paths(cell, cell.ip)
        cell.ip = ip
        gone = old - self._paths(cell, ip)
        for net in (*self.nets, *self.bus_nets):
            for path in net.members:
                if path in gone:
                    raise Refusal("port", f"{path} is connected, and a parameter takes it away")
        for path in old:
            self.pins.pop(path, None)
            self.buses.pop(path, None)
        self._enter(cell)

    def add_pin(self, path: str, pin: BlockPin) -> None:
        """Add a port, or a hierarchy's pin."""
        self._check_free(path)
        self._check_hierarchy(path)
        self.pins[path] = pin

    def add_bus(self, path: str, bus: Bus) -> None:
        """Add an interface port, or a hierarchy's interface pin."""
        self._check_free(path)
        self._check_hierarchy(path)
        self.buses[path] = bus

    def rename(self, old: str, new: str) -> None:
        """Give a port another name.

        Raises:
            Refusal: the name is taken.
        """
        if old == new:
            return
        self._check_free(new)
        if old in self.pins:
            self.pins[new] = replace(self.pins.pop(old), name=leaf(new))
        else:
            self.buses[new] = replace(self.buses.pop(old), name=leaf(new))
        for net in (*self.nets, *self.bus_nets):
            net.members = [new if member == old else member for member in net.members]

    def connect(self, paths: Iterable[str]) -> None:
        """Connect pins.

        Raises:
            Refusal: they are at different levels, two of them drive, or widths differ.
        """
        members = list(dict.fromkeys(paths))
        level = self._level(members)
        nets = [n for n in self.nets if n.level == level and set(n.members) & set(members)]
        merged = list(dict.fromkeys([m for net in nets for m in net.members] + members))
        drivers = [path for path in merged if self.drives(path, level)]
        if len(drivers) > 1:
            raise Refusal("port", f"{drivers[0]} and {drivers[1]} would drive one net")
        widths = {self.pins[path].width for path in merged}
        if len(widths) > 1:
            sized = ", ".join(f"{path} of {self.pins[path].width}" for path in merged)
            raise Refusal("width", f"connected pins differ in width: {sized}")
        self.nets = [net for net in self.nets if net not in nets] + [Net(level, merged)]
        self._change()

    def connect_buses(self, one: str, other: str) -> None:
        """Connect two buses.

        Raises:
            Refusal: they do not fit, or one is taken.
        """
        level = self._level([one, other])
        for path in (one, other):
            taken = [n for n in self.bus_nets if n.level == level and path in n.members]
            if taken:
                raise Refusal("interface", f"{path} is connected already")
        first, second = self.buses[one], self.buses[other]
        if first.kind != second.kind:
            raise Refusal("interface", f"{one} is {first.kind}, {other} is {second.kind}")
        if self.gives(one, level) == self.gives(other, level):
            side = "give" if self.gives(one, level) else "take"
            raise Refusal("interface", f"{one} and {other} both {side} data")
        self.bus_nets.append(Net(level, [one, other]))
        self._change()

    def drives(self, path: str, level: str) -> bool:
        """Whether a pin drives a net at a level."""
        inside = parent(path) == level  # a port, or a pin of the hierarchy around
        return self.pins[path].direction == ("I" if inside else "O")

    def gives(self, path: str, level: str) -> bool:
        """Whether a bus is the master at a level."""
        inside = parent(path) == level
        return self.buses[path].mode == ("Slave" if inside else "Master")

    def is_port(self, path: str) -> bool:
        """Whether a pin or bus is the design's own."""
        return parent(path) == ROOT

    def net_of(self, path: str, level: str) -> Net | None:
        """Net of a pin or bus at a level."""
        nets = self.nets if path in self.pins else self.bus_nets
        return next((n for n in nets if n.level == level and path in n.members), None)

    def source(self, path: str) -> str | None:
        """The port, or the pin of a cell that is no hierarchy, that drives a pin."""
        level = parent(parent(path)) if not self.is_port(path) else ROOT
        while True:
            net = self.net_of(path, level)
            drivers = [m for m in net.members if self.drives(m, level)] if net else []
            if not drivers:
                return None
            driver = drivers[0]
            if self.is_port(driver):
                return driver
            cell = self.cells[parent(driver)]
            if cell.kind != "hier":
                return driver
            inside = cell.path == level
            path, level = driver, (parent(cell.path) if inside else cell.path)

    def far_end(self, path: str) -> str | None:
        """What a cell's bus is connected to in the end: a cell's that is no hierarchy, or a port.

        None where it is open.
        """
        level = parent(parent(path)) if not self.is_port(path) else ROOT
        while True:
            net = self.net_of(path, level)
            if net is None:
                return None
            path = next(member for member in net.members if member != path)
            if self.is_port(path):
                return path
            cell = self.cells[parent(path)]
            if cell.kind != "hier":
                return path
            level = parent(cell.path) if cell.path == level else cell.path

    def leaf_pins(self) -> Iterator[tuple[str, BlockPin]]:
        """Pins of cells that are no hierarchies."""
        for path, pin in self.pins.items():
            if not self.is_port(path) and self.cells[parent(path)].kind != "hier":
                yield path, pin

    def leaf_buses(self) -> Iterator[tuple[str, Bus]]:
        """Buses of cells that are no hierarchies."""
        for path, bus in self.buses.items():
            if not self.is_port(path) and self.cells[parent(path)].kind != "hier":
                yield path, bus

    def free_port(self, name: str) -> str:
        """Path of a new port, numbered as Vivado does."""
        index = 0
        while self._taken(f"/{name}_{index}"):
            index += 1
        return f"/{name}_{index}"

    def _enter(self, cell: BlockCell) -> None:
        self.pins |= {f"{cell.path}/{pin.name}": pin for pin in cell.ip.pins}
        self.buses |= {f"{cell.path}/{bus.name}": bus for bus in cell.ip.buses}
        self._change()

    def _paths(self, cell: BlockCell, ip: Ip) -> set[str]:
        names = [*(pin.name for pin in ip.pins), *(bus.name for bus in ip.buses)]
        return {f"{cell.path}/{name}" for name in names}

    def _taken(self, path: str) -> bool:
        return path in self.cells or path in self.pins or path in self.buses

    def _check_free(self, path: str) -> None:
        if self._taken(path):
            raise Refusal("name", f"{path} is the name of another object in this block design")

    def _check_hierarchy(self, path: str) -> None:
        above = parent(path)
        if above != ROOT and (above not in self.cells or self.cells[above].kind != "hier"):
            raise Refusal("module", f"{path}: there is no hierarchy {above}")
        self._change()

    def _levels(self, path: str) -> set[str]:
        """Levels at which something can be connected."""
        if self.is_port(path):
            return {ROOT}
        cell = self.cells[parent(path)]
        levels = {parent(cell.path)}
        return levels | {cell.path} if cell.kind == "hier" else levels

    def _level(self, paths: list[str]) -> str:
        levels = set.intersection(*map(self._levels, paths))
        if not levels:
            raise Refusal("port", f"{' and '.join(paths)} are at different levels")
        return min(levels, key=len)

    def _change(self) -> None:
        self.validated = self.saved = False


def absolute(name: str) -> str:
    """Path of a name that a script gives, from the root."""
    return name if name.startswith("/") else f"/{name}"


def matching(pattern: str, paths: Iterable[str]) -> list[str]:
    """Paths that a pattern names; a star stands for anything but a slash."""
    parts = re.split(r"(\*)", absolute(pattern))
    expression = "".join("[^/]*" if part == "*" else re.escape(part) for part in parts)
    return [path for path in paths if re.fullmatch(expression, path)]
