"""Estimate of a netlist's longest register-to-register path.

Every cell arc has a fixed delay, every net that leaves its site takes ``NET_PS``. The figures are
rounded ones of a 7-series part of speed grade -1; UltraScale+ is taken to be twice as fast. Limits:
placement, fan-out, congestion and clock skew are not modelled, and false paths count. The estimate
ranks designs and shows ripples; it does not predict a clock frequency. Paths from and to module
ports count without the delay outside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from msq_finn.errors import MsqError
from msq_finn.synth.netlist import Bit, Cell, Netlist, Pin

NET_PS = 500
LUT_PS = 124
CARRY_ENTER_PS = 380
CARRY_INIT_PS = 480
CARRY_BIT_PS = 30
CARRY_LEAVE_PS = 220
CARRY_SUM_PS = 225
MUX_DATA_PS = {"MUXF7": 215, "MUXF8": 100, "MUXF9": 100}
MUX_SELECT_PS = 285
DSP_STAGE_PS = 1500

#: Clock to output, by the start of the primitive's name.
CLOCK_TO_OUT_PS = {
    "FD": 456,
    "SRL": 1472,
    "RAMB": 2454,
    "RAM": 1190,
    "URAM": 2454,
    "DSP": 434,
}
BRAM_REGISTERED_PS = 882
SETUP_PS = 60
SETUP_PORT_PS = 400

#: Speed relative to 7-series.
SCALE = {"xc7": 1.0, "xcup": 0.5}

Node = Hashable


class Arc(NamedTuple):
    """A combinational path between two nodes.

    Attributes:
        source: net, or position in a carry chain.
        target: likewise.
        delay: in ps at 7-series' speed, the net before the cell included.
    """

    source: Node
    target: Node
    delay: int


def longest_path_ps(netlist: Netlist, family: str = "xc7") -> int:
    """Estimate the longest path in picoseconds.

    Args:
        netlist: flat netlist of primitives.
        family: Yosys' name, "xc7" or "xcup".

    Returns:
        clock-to-output, cells, nets and setup along the slowest path.

    Raises:
        MsqError: the logic has a combinational loop.
    """
    arrival: defaultdict[Node, int] = defaultdict(int)
    arrival.update(_starts(netlist))
    following: defaultdict[Node, list[Arc]] = defaultdict(list)
    waiting: defaultdict[Node, int] = defaultdict(int)
    for cell in netlist.cells:
        for arc in _arcs(cell, netlist):
            if not isinstance(arc.target, str):
                following[arc.source].append(arc)
                waiting[arc.target] += 1
    ready = [node for node in following if not waiting[node]]
    while ready:
        node = ready.pop()
        for arc in following.pop(node, ()):
            arrival[arc.target] = max(arrival[arc.target], arrival[node] + arc.delay)
            waiting[arc.target] -= 1
            if not waiting[arc.target]:
                ready.append(arc.target)
    if following:
        raise MsqError("the logic has a combinational loop; no path can be timed")
    slowest = max((arrival[net] + delay for net, delay in _ends(netlist)), default=0)
    return round(SCALE[family] * slowest)


def _arcs(cell: Cell, netlist: Netlist) -> Iterator[Arc]:
    if cell.type.startswith("LUT") or cell.type == "INV":
        yield from _lut_arcs(cell)
    elif cell.type in ("CARRY4", "CARRY8"):
        yield from _carry_arcs(cell, netlist)
    elif cell.type in MUX_DATA_PS:
        yield from _mux_arcs(cell, netlist)
    elif cell.type.startswith(("SRL", "RAM")) and not cell.type.startswith("RAMB"):
        yield from _lut_ram_arcs(cell)


def _lut_arcs(cell: Cell) -> Iterator[Arc]:
    for output, (target,) in cell.outputs.items():
        for port, (source,) in cell.inputs.items():
            # O5 is a function of the five lower inputs.
            if isinstance(source, int) and not (output == "O5" and port == "I5"):
                yield Arc(source, target, NET_PS + LUT_PS)


def _lut_ram_arcs(cell: Cell) -> Iterator[Arc]:
    """Reading is a LUT's path from the address to the output."""
    for port, sources in cell.inputs.items():
        if not port.startswith(("A", "DPRA")):
            continue
        # RAM32M and its like: port ADDRA belongs to output DOA.
        outputs = [f"DO{port[4:]}"] if port.startswith("ADDR") else list(cell.outputs)
        for output in outputs:
            for target in cell.outputs.get(output, ()):
                for source in sources:
                    if isinstance(source, int):
                        yield Arc(source, target, NET_PS + LUT_PS)


def _carry_arcs(cell: Cell, netlist: Netlist) -> Iterator[Arc]:
    def chain(k: int) -> Node:
        return (cell.name, k)

    for port, delay in (("CI", CARRY_BIT_PS), ("CYINIT", CARRY_INIT_PS), ("CI_TOP", CARRY_INIT_PS)):
        for source in cell.inputs.get(port, ()):
            if isinstance(source, int):
                wire = 0 if _is_cascade(netlist.driver.get(source)) else NET_PS
                yield Arc(source, chain(0), wire + delay)
                yield Arc(source, chain(-1), wire + delay - CARRY_BIT_PS)
    for k, (select, data) in enumerate(zip(cell.inputs["S"], cell.inputs["DI"], strict=True)):
        total, carry = cell.output("O", k), cell.output("CO", k)
        select_wire = 0 if _is_lut(netlist.driver.get(_net(select))) else NET_PS + LUT_PS
        for source, wire in ((select, select_wire), (data, _data_wire(select, data, netlist))):
            if isinstance(source, int):
                yield Arc(source, chain(k), wire + CARRY_ENTER_PS)
        if isinstance(select, int):
            yield Arc(select, total, select_wire + CARRY_SUM_PS)
        yield Arc(chain(k - 1), total, CARRY_LEAVE_PS)
        if k:
            yield Arc(chain(k - 1), chain(k), CARRY_BIT_PS)
        yield Arc(chain(k), carry, 0)


def _data_wire(select: Bit, data: Bit, netlist: Netlist) -> int:
    """O5 of the site's own LUT reaches the carry chain inside the site."""
    own, other = netlist.driver.get(_net(select)), netlist.driver.get(_net(data))
    inside = own is not None and other is not None and own.cell is other.cell
    return 0 if inside and other is not None and other.port == "O5" else NET_PS


def _mux_arcs(cell: Cell, netlist: Netlist) -> Iterator[Arc]:
    (target,) = cell.outputs["O"]
    for port, (source,) in cell.inputs.items():
        if not isinstance(source, int):
            continue
        pin = netlist.driver.get(source)
        if port == "S":
            yield Arc(source, target, NET_PS + MUX_SELECT_PS)
        elif _is_lut(pin) or (pin is not None and pin.cell.type in MUX_DATA_PS):
            yield Arc(source, target, MUX_DATA_PS[cell.type])
        else:
            yield Arc(source, target, NET_PS + LUT_PS + MUX_DATA_PS[cell.type])


def _starts(netlist: Netlist) -> Iterator[tuple[Node, int]]:
    """Nets driven by sequential cells, and when their data arrives after the clock edge."""
    for cell in netlist.cells:
        delay = _clock_to_out(cell)
        if delay is not None:
            for bits in cell.outputs.values():
                yield from ((bit, delay) for bit in bits if isinstance(bit, int))


def _clock_to_out(cell: Cell) -> int | None:
    prefix = next((p for p in CLOCK_TO_OUT_PS if cell.type.startswith(p)), None)
    if prefix is None:
        return None
    if cell.has_fixed_tap():
        return CLOCK_TO_OUT_PS["FD"]
    delay = CLOCK_TO_OUT_PS[prefix]
    if prefix == "RAMB" and any(cell.parameter(f"DO{side}_REG", 0) for side in "AB"):
        return BRAM_REGISTERED_PS
    if prefix == "DSP" and not cell.parameter("PREG", 1):
        return delay + (DSP_STAGE_PS if cell.parameter("MREG", 1) else 2 * DSP_STAGE_PS)
    return delay


def _ends(netlist: Netlist) -> Iterator[tuple[Node, int]]:
    """Nets that sequential cells or output ports read, and what their capture adds."""
    yield from ((net, 0) for net in netlist.outputs)
    for cell in netlist.cells:
        if _clock_to_out(cell) is None:
            continue
        for port, bits in cell.inputs.items():
            for bit in bits:
                if isinstance(bit, int):
                    yield bit, _capture(Pin(cell, port, 0), netlist.driver.get(bit))


def _capture(pin: Pin, driver: Pin | None) -> int:
    """Net and setup before a sequential pin; a flip-flop sits beside what drives its data."""
    if pin.cell.type.startswith("FD"):
        beside = pin.port == "D" and driver is not None and _clock_to_out(driver.cell) is None
        return SETUP_PS + (0 if beside else NET_PS)
    if pin.cell.type.startswith("DSP"):
        if pin.port.endswith("CIN") or pin.port.endswith("CASCIN"):
            return DSP_STAGE_PS
        return NET_PS + (SETUP_PORT_PS if _registered(pin) else DSP_STAGE_PS)
    return NET_PS + SETUP_PORT_PS


def _registered(pin: Pin) -> bool:
    """Whether a DSP pin has a register of its own; controls count as registered."""
    return pin.port not in ("A", "B", "C", "D") or bool(pin.cell.parameter(f"{pin.port}REG", 1))


def _is_lut(pin: Pin | None) -> bool:
    return pin is not None and pin.port != "O5" and pin.cell.type.startswith(("LUT", "INV"))


def _is_cascade(pin: Pin | None) -> bool:
    return pin is not None and pin.cell.type.startswith("CARRY")


def _net(bit: Bit) -> int:
    return bit if isinstance(bit, int) else -1
