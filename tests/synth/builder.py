"""Netlists written by hand, for counting by hand."""

from __future__ import annotations

from collections.abc import Iterable

from msq_finn.synth.netlist import Netlist

_OUTPUTS = {"O", "O5", "O6", "CO", "Q", "SPO", "DPO", "P", "PCOUT", "DOADO"}


class Builder:
    """Collects cells; nets are numbers from 2 up, as Yosys counts."""

    def __init__(self) -> None:
        self._next = 2
        self._cells: dict[str, dict] = {}
        self._inputs: list[int] = []

    def net(self) -> int:
        self._next += 1
        return self._next - 1

    def nets(self, count: int) -> list[int]:
        return [self.net() for _ in range(count)]

    def inputs(self, count: int) -> list[int]:
        nets = self.nets(count)
        self._inputs += nets
        return nets

    def cell(self, kind: str, parameters: dict[str, int] | None = None, **pins) -> str:
        name = f"c{len(self._cells)}"
        connections = {p: list(b) if isinstance(b, list) else [b] for p, b in pins.items()}
        self._cells[name] = {
            "type": kind,
            "parameters": {k: f"{v:032b}" for k, v in (parameters or {}).items()},
            "connections": connections,
            "port_directions": {p: "output" if p in _OUTPUTS else "input" for p in pins},
        }
        return name

    def lut(self, *nets: int | str) -> int:
        """A LUT of as many inputs; returns its output."""
        out = self.net()
        pins = {f"I{k}": net for k, net in enumerate(nets)}
        self.cell(f"LUT{len(nets)}", O=out, **pins)
        return out

    def flip_flop(self, data: int, clock: int) -> int:
        out = self.net()
        self.cell("FDRE", C=clock, CE="1", D=data, R="0", Q=out)
        return out

    def carry4(self, select: list, data: list, carry_in: int | str = "0") -> tuple[list, list]:
        total, carry = self.nets(4), self.nets(4)
        self.cell("CARRY4", CI=carry_in, CYINIT="0", S=select, DI=data, O=total, CO=carry)
        return total, carry

    def build(self, outputs: Iterable[int]) -> Netlist:
        ports = {
            "i": {"direction": "input", "bits": self._inputs},
            "o": {"direction": "output", "bits": list(outputs)},
        }
        return Netlist({"cells": self._cells, "ports": ports})
