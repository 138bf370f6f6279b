"""A flat netlist of FPGA primitives, as Yosys' ``write_json`` stores it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from msq_finn.errors import MsqError

#: A net's number, or a constant: "0", "1", "x" or "z".
Bit = int | str


class Pin(NamedTuple):
    """One bit of a cell's port.

    Attributes:
        cell: that it belongs to.
        port: name of the port.
        position: of the bit in the port, 0 the least significant.
    """

    cell: Cell
    port: str
    position: int


@dataclass(frozen=True, eq=False)
class Cell:
    """An instance of a primitive.

    Attributes:
        name: unique in the netlist.
        type: name of the primitive, such as "LUT6".
        parameters: as strings; Yosys writes numbers in binary.
        inputs: bits of every input port, least significant first.
        outputs: bits of every output port.
    """

    name: str
    type: str
    parameters: Mapping[str, str]
    inputs: Mapping[str, tuple[Bit, ...]]
    outputs: Mapping[str, tuple[Bit, ...]]

    def parameter(self, name: str, default: int) -> int:
        """Return the value of a numeric parameter.

        Args:
            name: of the parameter.
            default: its value where the netlist does not set it.
        """
        text = self.parameters.get(name)
        return default if text is None else int(text, 2)

    def output(self, port: str, index: int) -> Bit:
        """Return one bit of an output port, "x" where it is left open.

        Args:
            port: name of the port.
            index: of the bit, 0 the least significant.
        """
        bits = self.outputs.get(port, ())
        return bits[index] if index < len(bits) else "x"

    def has_fixed_tap(self) -> bool:
        """Whether this is a shift register of fixed length.

        Vivado makes the last stage of one a flip-flop, which is faster.
        """
        address = (bits for port, bits in self.inputs.items() if port.startswith("A"))
        return self.type.startswith("SRL") and not any(
            isinstance(b, int) for a in address for b in a
        )

    def input_nets(self) -> frozenset[int]:
        """Distinct nets, constants left out, that the cell reads."""
        return frozenset(b for bits in self.inputs.values() for b in bits if isinstance(b, int))


class Netlist:
    """Cells and how they are wired.

    Args:
        module: entry of a module in the JSON of ``write_json``, flat.

    Attributes:
        cells: all cells.
        inputs: nets driven by the module's input ports.
        outputs: nets read by its output ports.
        driver: net -> the pin that drives it; nets of input ports are not in it.
        readers: net -> the cells' pins that read it.
    """

    def __init__(self, module: Mapping[str, Any]) -> None:
        self.cells = [_cell(name, entry) for name, entry in module["cells"].items()]
        ports = module["ports"].values()
        self.inputs = _nets(port["bits"] for port in ports if port["direction"] == "input")
        self.outputs = _nets(port["bits"] for port in ports if port["direction"] == "output")
        self.driver: dict[int, Pin] = {}
        self.readers: defaultdict[int, list[Pin]] = defaultdict(list)
        for cell in self.cells:
            for port, bits in cell.outputs.items():
                for index, bit in enumerate(bits):
                    if isinstance(bit, int):
                        self.driver[bit] = Pin(cell, port, index)
            for port, bits in cell.inputs.items():
                for index, bit in enumerate(bits):
                    if isinstance(bit, int):
                        self.readers[bit].append(Pin(cell, port, index))

    def is_used(self, bit: Bit) -> bool:
        """Whether a cell or an output port reads a bit.

        Args:
            bit: a net; nothing counts as reading a constant.
        """
        return isinstance(bit, int) and (bit in self.outputs or bool(self.readers.get(bit)))

    def driving_cell(self, bit: Bit) -> Cell | None:
        """Return the cell that drives a bit, None for constants and module inputs.

        Args:
            bit: a net or a constant.
        """
        pin = self.driver.get(bit) if isinstance(bit, int) else None
        return pin.cell if pin else None


def load(path: Path, top: str) -> Netlist:
    """Read a netlist that Yosys wrote.

    Args:
        path: file of ``write_json``.
        top: module to take; it must be flat.

    Raises:
        OSError: the file cannot be read.
        MsqError: the file has no such module.
    """
    modules = json.loads(path.read_text())["modules"]
    if top not in modules:
        raise MsqError(f"no module {top}; it has {', '.join(modules) or 'none'}", where=path)
    return Netlist(modules[top])


def _cell(name: str, entry: Mapping[str, Any]) -> Cell:
    directions = entry["port_directions"]
    pins = {port: tuple(bits) for port, bits in entry["connections"].items()}
    return Cell(
        name,
        entry["type"],
        entry.get("parameters", {}),
        {port: bits for port, bits in pins.items() if directions[port] == "input"},
        {port: bits for port, bits in pins.items() if directions[port] == "output"},
    )


def _nets(ports: Iterable[Iterable[Bit]]) -> set[int]:
    return {bit for bits in ports for bit in bits if isinstance(bit, int)}
