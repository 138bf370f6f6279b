"""LUT sites that a netlist takes on a Xilinx 7-series or UltraScale+ device.

The count estimates packing; it is not a place-and-route result. What it assumes:

- A carry chain takes the site of every bit up to the last one in use, whatever drives it: the LUT
  before it sits there, or the site routes a net or a constant through.
- LUT6_2 is one site. Other LUTs share a site where together they read at most five nets
  (:mod:`msq_finn.synth.pairing`). A LUT before the carry chain may share with one that is not; one
  before MUXF7 shares with none. Constant pins count as no input, a net on two pins as one.
- MUXF7, MUXF8 and MUXF9 come with the sites of their inputs; an input that no LUT (or smaller mux)
  drives takes a site to route through.
- An inverter is a one-input LUT, unless the pins it drives can all invert by themselves (clocks,
  controls of block RAM and DSP).
- LUT RAM takes the sites of ``MEMORY_SITES``. SRLC32E is one site; two SRL16E with the same clock,
  enable and address share one.

Flip-flops, control sets and the split into SLICEL and SLICEM are not modelled. Vivado pairs fewer
LUTs while a device is empty and more as it fills up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from msq_finn.errors import MsqError
from msq_finn.synth.netlist import Bit, Cell, Netlist
from msq_finn.synth.pairing import SHARED_INPUTS, Lut, count_pairs

LUT_TYPES = frozenset({"LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "INV"})

#: Sites of a LUT RAM, write port included (UG474 table 2-3, UG574 table 2-3).
MEMORY_SITES = {
    "RAM32X1S": 1,
    "RAM32X1D": 2,
    "RAM32M": 4,
    "RAM32M16": 8,
    "RAM64X1S": 1,
    "RAM64X1D": 2,
    "RAM64M": 4,
    "RAM64M8": 8,
    "RAM128X1S": 2,
    "RAM128X1D": 4,
    "RAM256X1S": 4,
    "RAM256X1D": 8,
    "RAM512X1S": 8,
    "SRLC32E": 1,
}

_WIDE_MUX_INPUTS = {"MUXF7": LUT_TYPES | {"LUT6_2"}, "MUXF8": {"MUXF7"}, "MUXF9": {"MUXF8"}}

#: Pins with an inverter of their own, by the start of the primitive's name.
_INVERTING_PINS = {
    "FD": {"C"},
    "SRL": {"CLK"},
    "RAM": {"CLK", "WCLK", "CLKARDCLK", "CLKBWRCLK", "ENARDEN", "ENBWREN", "RSTRAMARSTRAM"}
    | {"RSTRAMB", "RSTREGARSTREG", "RSTREGB"},
    "DSP": {"CLK", "ALUMODE", "CARRYIN", "INMODE", "OPMODE"},
}


@dataclass(frozen=True)
class Sites:
    """LUT sites of a netlist.

    Attributes:
        logic: sites of logic and carry chains.
        memory: sites of LUT RAM and shift registers.
        carry_bits: those of the logic sites that carry chains take, up to the last bit in use.
        pairs: sites that hold two LUTs.
    """

    logic: int
    memory: int
    carry_bits: int
    pairs: int

    @property
    def total(self) -> int:
        """All sites."""
        return self.logic + self.memory


def count_sites(netlist: Netlist) -> Sites:
    """Count LUT sites under the assumptions of this module.

    Args:
        netlist: flat netlist of primitives.

    Raises:
        MsqError: the netlist holds a cell that synthesis should have mapped.
    """
    _check(netlist)
    on_carry, carry_bits, through = _carry(netlist)
    before_mux, mux_through = _wide_muxes(netlist)
    luts = [c for c in netlist.cells if c.type in LUT_TYPES and not _absorbed(c, netlist)]
    candidates = [
        Lut(nets, cell in on_carry)
        for cell in luts
        if len(nets := cell.input_nets()) <= SHARED_INPUTS and cell not in before_mux
    ]
    pairs = count_pairs(candidates)
    double = sum(cell.type == "LUT6_2" for cell in netlist.cells)
    logic = len(luts) + double + through + mux_through - pairs
    return Sites(logic, _memory(netlist), carry_bits, pairs)


def _check(netlist: Netlist) -> None:
    for cell in netlist.cells:
        if cell.type.startswith("$") and cell.type != "$scopeinfo":
            raise MsqError(f"cell {cell.name} of type {cell.type} is not mapped to a primitive")


def _carry(netlist: Netlist) -> tuple[set[Cell], int, int]:
    """Return the LUTs bound to carry bits, the bits in use, and the sites without such a LUT."""
    bound: set[Cell] = set()
    bits = through = 0
    for chain in netlist.cells:
        if chain.type not in ("CARRY4", "CARRY8"):
            continue
        used = [
            any(netlist.is_used(chain.output(port, k)) for port in ("O", "CO"))
            for k in range(len(chain.inputs["S"]))
        ]
        length = max((k + 1 for k, bit_used in enumerate(used) if bit_used), default=0)
        bits += length
        for select in chain.inputs["S"][:length]:
            lut = _site_of(select, netlist)
            if lut is None or lut in bound:
                through += 1
            else:
                bound.add(lut)
    return bound, bits, through


def _site_of(bit: Bit, netlist: Netlist) -> Cell | None:
    """The LUT whose main output drives a bit."""
    pin = netlist.driver.get(bit) if isinstance(bit, int) else None
    if pin is None or pin.port == "O5" or pin.cell.type not in LUT_TYPES | {"LUT6_2"}:
        return None
    return pin.cell


def _wide_muxes(netlist: Netlist) -> tuple[set[Cell], int]:
    """Return the LUTs before MUXF7, and the sites that only route a net through to a wide mux."""
    before: set[Cell] = set()
    through = 0
    for mux in netlist.cells:
        drivers = _WIDE_MUX_INPUTS.get(mux.type)
        if drivers is None:
            continue
        for port in ("I0", "I1"):
            cell = netlist.driving_cell(mux.inputs[port][0])
            if cell is None or cell.type not in drivers or cell in before:
                through += 1
            elif mux.type == "MUXF7":
                before.add(cell)
    return before, through


def _absorbed(cell: Cell, netlist: Netlist) -> bool:
    """Whether an inverter moves into the pins it drives."""
    output = cell.output("O", 0)
    if cell.type != "INV" or output in netlist.outputs or not isinstance(output, int):
        return False
    return all(
        any(pin.cell.type.startswith(k) and pin.port in v for k, v in _INVERTING_PINS.items())
        for pin in netlist.readers[output]
    )


def _memory(netlist: Netlist) -> int:
    sites = 0
    short: Counter[tuple[Bit, ...]] = Counter()
    for cell in netlist.cells:
        sites += MEMORY_SITES.get(cell.type, 0)
        if cell.type == "SRL16E":
            short[tuple(cell.inputs[p][0] for p in ("CLK", "CE", "A0", "A1", "A2", "A3"))] += 1
    return sites + sum((n + 1) // 2 for n in short.values())
