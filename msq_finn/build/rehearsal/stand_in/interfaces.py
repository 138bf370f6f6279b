"""Bus interfaces, as Vivado infers them from a module's ports, and what an IP is made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from msq_finn.build.rehearsal.stand_in.hdl import Faults, ModulePort

#: Signals of each kind of bus: those that there must be, and those that there may be.
_STREAM = ({"tdata", "tvalid", "tready"}, {"tlast", "tkeep", "tstrb", "tuser", "tid", "tdest"})
_LITE = {
    "awaddr", "awvalid", "awready", "wdata", "wstrb", "wvalid", "wready", "bresp", "bvalid",
    "bready", "araddr", "arvalid", "arready", "rdata", "rresp", "rvalid", "rready",
}  # fmt: skip
_FULL = {
    f"{channel}{signal}"
    for channel in ("aw", "ar")
    for signal in ("id", "len", "size", "burst", "lock", "cache", "prot", "qos", "region", "user")
} | {"wlast", "rlast", "wid", "bid", "rid", "wuser", "buser", "ruser"}
_SIGNALS = {*_STREAM[0], *_STREAM[1], *_LITE, *_FULL}

_INFO = re.compile(r"xilinx\.com:signal:(clock|reset):1\.0\s+(\w+)\s+(?:CLK|RST)", re.IGNORECASE)
_ASSOCIATED = re.compile(r"ASSOCIATED_BUSIF\s+([^,]+)", re.IGNORECASE)


@dataclass(frozen=True)
class BlockPin:
    """A pin of a module or an IP that is in no bus.

    Attributes:
        name: of the pin.
        direction: ``I``, ``O`` or ``IO``.
        width: bits.
        kind: ``clk``, ``rst`` or ``data``.
        optional: whether it works unconnected.
    """

    name: str
    direction: str
    width: int = 1
    kind: str = "data"
    optional: bool = False


@dataclass(frozen=True)
class Bus:
    """A bus interface.

    Attributes:
        name: of the interface.
        mode: ``Master`` or ``Slave``.
        kind: ``axis``, ``aximm`` or another.
        config: Vivado's parameters: ``TDATA_NUM_BYTES``, ``ADDR_WIDTH``, ``PROTOCOL``, ...
        clock: pin that it is associated with.
        optional: whether the IP works with it unconnected.
    """

    name: str
    mode: str
    kind: str
    config: Mapping[str, str] = field(default_factory=dict)
    clock: str = ""
    optional: bool = False

    @property
    def vlnv(self) -> str:
        """Vivado's name of the kind."""
        return f"xilinx.com:interface:{self.kind}_rtl:1.0"


@dataclass(frozen=True)
class Ip:
    """What can be a cell of a block design.

    Attributes:
        vlnv: vendor, library, name and version; a module's name for a module.
        pins: that are in no bus.
        buses: its interfaces.
        parameters: what ``CONFIG.`` can set, with the values.
        source: its ``component.xml``, if it has one.
    """

    vlnv: str
    pins: tuple[BlockPin, ...]
    buses: tuple[Bus, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)
    source: Path | None = None


def infer(
    name: str, ports: Iterable[ModulePort]
) -> tuple[tuple[BlockPin, ...], tuple[Bus, ...], Faults]:
    """Sort a module's ports into buses and other pins.

    Args:
        name: of the module, for messages.
    """
    groups: dict[str, dict[str, ModulePort]] = {}
    pins: list[BlockPin] = []
    clocks: dict[str, str] = {}
    for port in ports:
        prefix, _, signal = port.name.rpartition("_")
        if prefix and signal.lower() in _SIGNALS:
            groups.setdefault(prefix, {})[signal.lower()] = port
            continue
        kind = _kind(port)
        pins.append(BlockPin(port.name, port.direction, port.width, kind, port.direction == "O"))
        busses = _ASSOCIATED.search(port.attributes.get("X_INTERFACE_PARAMETER", ""))
        if kind == "clk" and busses:
            clocks |= {bus.strip(): port.name for bus in busses[1].split(":")}
    found: list[Bus] = []
    faults: Faults = []
    for prefix, signals in groups.items():
        stream = any(signal in _STREAM[0] for signal in signals)
        bus, wrong = (_stream if stream else _memory_mapped)(prefix, signals)
        faults += [("interface", f"{name}: {prefix}: {what}") for what in wrong]
        if prefix not in clocks:
            faults.append(("clock", f"{name}: no clock is associated with {prefix}"))
        found.append(replace(bus, clock=clocks.get(prefix, "")))
    return tuple(pins), tuple(found), faults


def _kind(port: ModulePort) -> str:
    said = _INFO.search(port.attributes.get("X_INTERFACE_INFO", ""))
    if said:
        return "clk" if said[1].lower() == "clock" else "rst"
    if re.search(r"(?i)(^|_)(clk|clock|aclk)(_?\d*x?)?$", port.name):
        return "clk"
    if "POLARITY" in port.attributes.get("X_INTERFACE_PARAMETER", ""):
        return "rst"
    return "rst" if re.search(r"(?i)(^|_)(a?rst|a?reset)_?n?$", port.name) else "data"


def _stream(name: str, signals: Mapping[str, ModulePort]) -> tuple[Bus, list[str]]:
    wrong = [f"no {signal}" for signal in sorted(_STREAM[0] - set(signals))]
    source = signals.get("tvalid") or signals.get("tdata") or next(iter(signals.values()))
    mode = "Slave" if source.direction == "I" else "Master"
    data = signals.get("tdata")
    if data is not None and data.direction != source.direction:
        wrong.append("tdata and tvalid go in different directions")
    ready = signals.get("tready")
    if ready is not None and ready.direction == source.direction:
        wrong.append("tready goes the way of tvalid")
    width = data.width if data is not None else 0
    config = {"TDATA_NUM_BYTES": f"{width / 8:g}"}
    return Bus(name, mode, "axis", config), wrong


def _memory_mapped(name: str, signals: Mapping[str, ModulePort]) -> tuple[Bus, list[str]]:
    wrong = [f"no {signal}" for signal in sorted(_LITE - set(signals))]
    address = signals.get("awaddr") or signals.get("araddr") or next(iter(signals.values()))
    mode = "Slave" if address.direction == "I" else "Master"
    data, strobe = signals.get("wdata"), signals.get("wstrb")
    if data is not None and strobe is not None and data.width != 8 * strobe.width:
        wrong.append(f"wstrb of {strobe.width} bits for wdata of {data.width}")
    config = {
        "ADDR_WIDTH": str(address.width),
        "DATA_WIDTH": str(data.width if data is not None else 0),
        "PROTOCOL": "AXI4" if "awlen" in signals else "AXI4LITE",
    }
    # FINN leaves those of its memories and thresholds open that nothing is written to.
    return Bus(name, mode, "aximm", config, optional=mode == "Slave"), wrong
