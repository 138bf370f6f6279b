"""Memories in LUTs that nobody writes become tables: a LUT for 64 words of a bit.

Yosys makes logic of them, in which ABC looks for parts that bits share, and takes up to three times
as many LUTs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyosys import libyosys as ys

#: Of fewer words, columns are often equal, and a LUT has room for the register's enable as well.
_LEAST_WORDS = 9

#: What selects between the outputs of two, without a LUT.
_SELECTORS = {"LUT6": "MUXF7", "MUXF7": "MUXF8"}

#: Inputs of a LUT.
_MOST_INPUTS = 6


def map_roms(design: Any) -> None:
    """Replace memories that a source has marked as tables in LUTs (``rom_style``).

    Args:
        design: with memories as cells.
    """
    for module in design.selected_modules():
        for cell in list(module.selected_cells()):
            if cell.type.str() == "$mem_v2" and _is_table(cell):
                _Tables(module, cell).build()
                module.remove(cell)


def _number(cell: Any, parameter: str) -> int:
    return int(cell.parameters[_id(parameter)].as_int())


def _is_table(cell: Any) -> bool:
    style = _id("rom_style")
    if style not in cell.attributes or cell.attributes[style].decode_string() != "logic":
        return False
    ports = _number(cell, "WR_PORTS"), _number(cell, "RD_PORTS"), _number(cell, "RD_CLK_ENABLE")
    resets = (cell.getPort(_id(f"RD_{kind}")) for kind in ("ARST", "SRST"))
    return (
        ports == (0, 1, 1)
        and all(reset.is_fully_zero() for reset in resets)
        and cell.parameters[_id("RD_INIT_VALUE")].is_fully_undef()
        and _number(cell, "SIZE") >= _LEAST_WORDS
    )


class _Tables:
    """What a memory becomes.

    Args:
        module: that has it.
        cell: the memory, read at a clock edge.
    """

    def __init__(self, module: Any, cell: Any) -> None:
        self.module = module
        self.cell = cell
        words, width = _number(cell, "SIZE"), _number(cell, "WIDTH")
        # From the last bit of the last word to the first; what is undefined may be 0.
        bits = cell.parameters[_id("INIT")].as_string().replace("x", "0")[::-1]
        self.columns = [bits[bit::width][:words] for bit in range(width)]
        address = cell.getPort(_id("RD_ADDR"))
        self.address = [address.extract(i, 1) for i in range((words - 1).bit_length())]

    def build(self) -> None:
        """Put tables and a register into the module."""
        read, cell = self.module.addWire(self._name(), len(self.columns)), self.cell
        tables: dict[str, Any] = {}
        for bit, column in enumerate(self.columns):
            if column not in tables:
                _, tables[column] = self._table(column, self.address)
            self.module.connect(ys.SigSpec(read, bit, 1), tables[column])
        clock, enable, data = (cell.getPort(_id(f"RD_{port}")) for port in ("CLK", "EN", "DATA"))
        edge = bool(_number(cell, "RD_CLK_POLARITY"))
        self.module.addDffe(self._name(), clock, enable, ys.SigSpec(read), data, edge)

    def _table(self, column: str, address: Sequence[Any]) -> tuple[str, Any]:
        """What a column gives at an address, and the kind of cell that says it."""
        if len(set(column)) <= 1:
            return "", _constant(column[:1] or "0")
        inputs = len(address)
        if inputs <= _MOST_INPUTS:
            init = _constant_of(column[::-1].rjust(2**inputs, "0"))
            pins = {f"I{i}": bit for i, bit in enumerate(address)}
            return self._cell(f"LUT{inputs}", {"INIT": init}, **pins)
        half = 2 ** (inputs - 1)
        halves = (self._table(part, address[:-1]) for part in (column[:half], column[half:]))
        (kind, low), (other, high) = halves
        if kind == other and kind in _SELECTORS:
            return self._cell(_SELECTORS[kind], {}, I0=low, I1=high, S=address[-1])
        return "", self.module.Mux(self._name(), low, high, address[-1])

    def _cell(self, kind: str, parameters: dict[str, Any], **inputs: Any) -> tuple[str, Any]:
        """A primitive's kind and output."""
        out = ys.SigSpec(self.module.addWire(self._name(), 1))
        made = self.module.addCell(self._name(), _id(kind))
        for name, value in parameters.items():
            made.setParam(_id(name), value)
        for name, signal in (inputs | {"O": out}).items():
            made.setPort(_id(name), signal)
        return kind, out

    def _name(self) -> Any:
        return self.module.uniquify(_id("rom_table"))


def _id(name: str) -> Any:
    return ys.IdString(f"\\{name}")


def _constant_of(bits: str) -> Any:
    return ys.Const.from_string(bits)


def _constant(bits: str) -> Any:
    return ys.SigSpec(_constant_of(bits))
