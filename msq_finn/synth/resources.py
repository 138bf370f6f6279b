"""What a synthesised netlist takes of a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msq_finn.synth.netlist import Netlist
from msq_finn.synth.sites import count_sites
from msq_finn.synth.timing import longest_path_ps

_BRAM36 = {"RAMB36E1": 1.0, "RAMB36E2": 1.0, "RAMB18E1": 0.5, "RAMB18E2": 0.5}


@dataclass(frozen=True)
class Resources:
    """Resources of a design, estimated from its netlist.

    Attributes:
        lut_sites: LUT sites, of logic and memory (:mod:`msq_finn.synth.sites` states how counted).
        lut_logic: those that hold logic or a carry bit.
        lut_memory: those that hold LUT RAM or shift registers.
        ff: flip-flops. Yosys moves none into block RAM, so a memory's output register counts here;
            so does the last stage of a shift register of fixed length, as Vivado builds it.
        dsp: DSP slices.
        bram36: block RAMs; one of 18 kbit counts half.
        uram: UltraRAMs.
        carry_bits: bits of carry chains up to the last one in use.
        longest_path_ps: estimate of the longest path in ps (:mod:`msq_finn.synth.timing` states its
            limits).
        yosys: version of Yosys.
    """

    lut_sites: int
    lut_logic: int
    lut_memory: int
    ff: int
    dsp: int
    bram36: float
    uram: int
    carry_bits: int
    longest_path_ps: int
    yosys: str


def measure(netlist: Netlist, family: str) -> dict[str, Any]:
    """Count a netlist's resources.

    Args:
        netlist: flat netlist of primitives.
        family: "xc7" or "xcup".

    Returns:
        the fields of ``Resources`` but the version of Yosys.

    Raises:
        MsqError: a cell is not mapped to a primitive, or the logic has a combinational loop.
    """
    sites = count_sites(netlist)
    types = [cell.type for cell in netlist.cells]
    return {
        "lut_sites": sites.total,
        "lut_logic": sites.logic,
        "lut_memory": sites.memory,
        "ff": sum(c.type.startswith(("FD", "LD")) or c.has_fixed_tap() for c in netlist.cells),
        "dsp": sum(t.startswith("DSP") for t in types),
        "bram36": sum(_BRAM36.get(t, 0.0) for t in types),
        "uram": sum(t.startswith("URAM288") for t in types),
        "carry_bits": sites.carry_bits,
        "longest_path_ps": longest_path_ps(netlist, family),
    }
