"""What a multiplication of a depthwise layer costs on each kind of lane.

LUT sites, flip-flops and DSP slices per multiply-accumulate, and an estimate of the longest path,
of vvau_msq with 16 lanes, 3x3 windows and 4-bit unsigned activations on 7-series: Yosys netlists,
no place and route, with the input register and flow control, without weight memory. FINN has no
RTL to compare with on this family.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from msq_finn import lanes
from msq_finn.errors import MsqError
from msq_finn.lanes.hardware import lanes_parameter
from msq_finn.synth.yosys import synthesize

PE = 16
CASES = [("sp2_4_lut", 1), ("fixed_4_lut", 1), ("int_5_dsp", 1), ("int_8_dsp", 1)]
CASES += [("sp2_4_lut", 3), ("fixed_4_lut", 3), ("sp2_4_lut", 9), ("fixed_4_lut", 9)]


def measure(lane: str, simd: int) -> dict[str, Any]:
    """Synthesise a layer of one lane kind."""
    parameters = {
        "Window": 9,
        "Channels": PE,
        "SIMD": simd,
        "Lanes": lanes_parameter(lanes.LaneCounts({lane: PE}))[0],
        "WeightBits": lanes.get(lane).code_bits,
        "ActBits": 4,
        "AccBits": 18 if lane == "int_8_dsp" else 13,
        "UsePrimitives": 1,
    }
    found = synthesize("vvau_msq", lanes.sources(), part="xc7", parameters=parameters)
    macs = PE * simd
    return {
        "lane": lane,
        "pe": PE,
        "simd": simd,
        "sites_per_mac": round(found.lut_sites / macs, 3),
        "ff_per_mac": round(found.ff / macs, 3),
        "dsp_per_mac": round(found.dsp / macs, 4),
        "delay_ps": found.longest_path_ps,
    }


def main() -> int:
    """Measure every case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    console = Console(stderr=True)
    try:
        rows = [measure(*case) for case in track(CASES, "Synthesis (Yosys)", console=console)]
    except MsqError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(rows, indent=2))
        return 0
    table = Table("lane", "PE x SIMD", "sites", "FF", "DSP", "path ns", title="Per MAC, xc7")
    for row in rows:
        figures = (f"{row[key]:.2f}" for key in ("sites_per_mac", "ff_per_mac", "dsp_per_mac"))
        path = f"{row['delay_ps'] / 1000:.2f}"
        table.add_row(row["lane"], f"{row['pe']}x{row['simd']}", *figures, path)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
