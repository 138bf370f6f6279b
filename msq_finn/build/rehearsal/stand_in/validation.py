"""What ``validate_bd_design`` looks for."""

from __future__ import annotations

from msq_finn.build.rehearsal.stand_in.block_design import BlockDesign, leaf, parent
from msq_finn.build.rehearsal.stand_in.hdl import Faults

#: Where the processing systems' masters reach: first address, bytes.
_WINDOWS = {
    "M_AXI_GP0": (0x4000_0000, 1 << 30),
    "M_AXI_HPM0_FPD": (0xA000_0000, 1 << 28),
}

_LEAST_RANGE = 4096

#: Port by which FINN ends a simulation; hardware has it open.
_SIMULATION_ONLY = "sim_finish"


def validate(design: BlockDesign) -> Faults:
    """Look for what is open, and for what does not fit together."""
    return [*_pins(design), *_buses(design), *_addresses(design)]


def window(design: BlockDesign) -> tuple[int, int] | None:
    """First address and bytes of what a processing system's master reaches, None without one."""
    masters = [leaf(path) for path in design.buses if leaf(path) in _WINDOWS]
    return _WINDOWS[masters[0]] if masters else None


def _pins(design: BlockDesign) -> Faults:
    faults: Faults = []
    rules = {"clk": "clock", "rst": "reset", "data": "port"}
    for path, pin in design.leaf_pins():
        needed = pin.direction == "I" and not pin.optional and pin.name != _SIMULATION_ONLY
        if needed and design.source(path) is None:
            faults.append((rules[pin.kind], f"nothing drives {path}"))
    return faults


def _buses(design: BlockDesign) -> Faults:
    faults: Faults = []
    for path, bus in design.leaf_buses():
        far = design.far_end(path)
        if far is None:
            if not bus.optional and not _is_spare(design, path):
                faults.append(("interface", f"{path} is not connected"))
            continue
        other = design.buses[far]
        bytes_, others = bus.config.get("TDATA_NUM_BYTES"), other.config.get("TDATA_NUM_BYTES")
        if bytes_ is not None and path < far and (bytes_ != others or "." in bytes_):
            faults.append(
                ("width", f"{path} has {bytes_} bytes a word, {far} has {others or 'none'}")
            )
        if design.is_port(far) or far < path:
            continue
        here, there = (design.source(_clock(design, end)) for end in (path, far))
        if here != there and here and there:  # one that is open is complained of as such
            faults.append(("clock", f"{path} is clocked by {here}, {far} by {there}"))
    return faults


def _is_spare(design: BlockDesign, path: str) -> bool:
    """The set selector of FINN's memories and thresholds, which they ignore where SETS is 1."""
    cell = design.cells[parent(path)]
    return leaf(path) in ("s_axis_0", "in1_V") and cell.ip.parameters.get("SETS") == "1"


def _clock(design: BlockDesign, bus: str) -> str:
    return f"{parent(bus)}/{design.buses[bus].clock}"


def _addresses(design: BlockDesign) -> Faults:
    faults: Faults = []
    reach = window(design)
    if reach is None:
        return faults
    first, size = reach
    taken: list[tuple[int, int, str]] = []
    for segment in design.segments.values():
        if segment.offset is None:
            faults.append(("address", f"{segment.path} has no address"))
            continue
        if design.buses[segment.bus].mode == "Master":
            continue
        begin, end = segment.offset, segment.offset + segment.range
        if segment.range < _LEAST_RANGE or segment.range & (segment.range - 1):
            faults.append(("address", f"{segment.path}: a range of {segment.range} bytes"))
        elif begin % segment.range:
            faults.append(("address", f"{segment.path}: 0x{begin:x} is no multiple of its range"))
        if begin < first or end > first + size:
            what = f"{segment.path}: 0x{begin:x} is out of the processor's reach"
            faults.append(("address", what))
        for low, high, name in taken:
            if begin < high and low < end:
                faults.append(("address", f"{segment.path} overlaps {name}"))
        taken.append((begin, end, segment.path))
    return faults
