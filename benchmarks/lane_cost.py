"""What a multiplication costs on each kind of lane, and on FINN's mvu, by one and the same count.

LUT sites, flip-flops, carry bits and DSP slices per multiply-accumulate, and an estimate of the
longest path, for weights of the lane's kind (4-bit ones on FINN's mvu and embedded lanes) and 4-bit
unsigned activations on 7-series: Yosys netlists, no place and route. DSP lanes and FINN's mvu come
once more with weights and activations of 8 bits. Lanes come with the flags beside their data, as
FINN's mvu does, without streams, replay buffer or weight memory; embedded lanes have
random weights inside, for D cycles a vector. So have serial lanes, which take a bit of every
activation a cycle. At the same rate they take four times the columns, for which a word of weights
lasts four of the D cycles; what they take is shared out over as many multiply-accumulates a cycle.
Of serial lanes named "rows", each word is a row of its own; of the others, all words are added up,
which takes another sum. Accumulators have 16 bits where the sums can get that wide,
24 for activations of 8 bits.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from msq_finn import lanes
from msq_finn.errors import MissingToolError, MsqError
from msq_finn.lanes.constants import layer_tables
from msq_finn.lanes.hardware import kind_parameter
from msq_finn.synth.yosys import synthesize

SHAPES = ((4, 16), (16, 16), (8, 8), (4, 36))
BASELINE = "finn_mvu"
#: Lanes with weights and activations of 8 bits, FINN's first.
WIDE_LANES = ("finn_mvu_8", "fixed_8_dsp")
COMPARED = ("sites_per_mac", "ff_per_mac", "delay_ps")
#: LUT lanes that take codes.
LUT_KINDS = [kind.name for kind in lanes.kinds() if kind.engine == "lut" and not kind.constant]
DEPTHS = {f"embedded_d{depth}": depth for depth in (1, 2, 4, 8, 16)}
#: Cycles a vector, and whether each word of weights is a row.
SERIAL = {f"serial_d{depth}": (depth, False) for depth in (4, 8, 16, 32, 64)} | {
    f"serial_d{depth}_rows": (depth, True) for depth in (8, 16, 32, 64)
}
LANE_NAMES = [
    BASELINE,
    *LUT_KINDS,
    "fixed_4_dsp",
    "fixed_4_dsp_chain",
    *DEPTHS,
    *SERIAL,
    *WIDE_LANES,
]
SEED = 1


@dataclass(frozen=True)
class Case:
    """One lane kind at one size."""

    lane: str
    pe: int
    simd: int

    @property
    def act_bits(self) -> int:
        """Bits of an activation; of a weight, on DSP lanes and FINN's mvu."""
        return 8 if self.lane in WIDE_LANES else 4

    @property
    def acc_bits(self) -> int:
        """Bits of an accumulator."""
        return 24 if self.lane in WIDE_LANES else 16

    def measure(self) -> dict[str, Any]:
        """Synthesise it."""
        if self.lane.startswith(BASELINE):
            top, sources, parameters = self._finn()
        else:
            top, sources, parameters = self._ours()
        found = synthesize(top, sources, part="xc7", parameters=parameters)
        macs = self.pe * self.simd
        return {
            "lane": self.lane,
            "pe": self.pe,
            "simd": self.simd,
            "act_bits": self.act_bits,
            "sites_per_mac": round(found.lut_sites / macs, 3),
            "ff_per_mac": round(found.ff / macs, 3),
            "carry_per_mac": round(found.carry_bits / macs, 3),
            "dsp_per_mac": round(found.dsp / macs, 4),
            "delay_ps": found.longest_path_ps,
        }

    def _ours(self) -> tuple[str, list[Path], dict[str, int]]:
        bench = Path(__file__).with_name("lane_bench.sv")
        if self.lane in SERIAL:
            depth, rows = SERIAL[self.lane]
            simd, folds = self.simd * self.act_bits, depth // self.act_bits
            words = 1 if rows else folds
            sizes = {"Pe": self.pe, "Simd": simd, "SumFolds": words, "ActBits": self.act_bits}
            parameters = sizes | {"AccBits": self.acc_bits} | self._tables(folds, simd)
            bench = bench.with_name("serial_bench.sv")
            return "serial_bench", [*lanes.sources(serial=True), bench], parameters
        kind = "embedded_lut" if self.lane in DEPTHS else self.lane
        parameters = {
            "Kind": kind_parameter(lanes.get(kind))[0],
            "Pe": self.pe,
            "Simd": self.simd,
            "ActBits": self.act_bits,
            "AccBits": self.acc_bits,
        }
        if self.lane in DEPTHS:
            parameters |= self._tables(DEPTHS[self.lane], self.simd)
        return "lane_bench", [*lanes.sources(), bench], parameters

    def _tables(self, folds: int, simd: int) -> dict[str, int]:
        """Random 4-bit weights, all of them equally likely."""
        rng = np.random.default_rng(SEED)
        tables = layer_tables(rng.integers(-7, 8, size=(self.pe, folds, simd)))
        shape = {"Groups": tables.groups, "Members": tables.members, "TableBits": tables.table_bits}
        return {"Folds": folds} | shape | {k: v for k, (v, _) in tables.parameters.items()}

    def _finn(self) -> tuple[str, list[Path], dict[str, int]]:
        spec = find_spec("finn")
        if spec is None or not spec.submodule_search_locations:
            raise MissingToolError('no FINN to compare with; pip install "msq-finn[finn]"')
        folder = Path(spec.submodule_search_locations[0]) / "finn-rtllib" / "mvu"
        parameters = {
            "VERSION": 1,
            "PE": self.pe,
            "SIMD": self.simd,
            "WEIGHT_WIDTH": self.act_bits,
            "ACTIVATION_WIDTH": self.act_bits,
            "ACCU_WIDTH": self.acc_bits,
            "NARROW_WEIGHTS": 1,
        }
        files = ("mvu_pkg.sv", "add_multi.sv", "mvu.sv")
        return "mvu", [folder / file for file in files], parameters


def measure_all() -> Iterator[dict[str, Any]]:
    """Measure every lane at every size, with a progress bar."""
    cases = [Case(lane, pe, simd) for pe, simd in SHAPES for lane in LANE_NAMES]
    with (
        Progress(console=Console(stderr=True), transient=True) as bar,
        ThreadPoolExecutor(2) as pool,
    ):
        yield from bar.track(
            pool.map(Case.measure, cases), total=len(cases), description="Synthesis (Yosys)"
        )


def show(rows: list[dict[str, Any]]) -> None:
    """Print a table, with ratios (x) to FINN's mvu of the same size and widths."""
    table = Table(title="Per MAC at PE x SIMD, xc7; x: relative to FINN's mvu of the same widths")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("lane", no_wrap=True)
    for heading in ("sites", "x", "FF", "x", "DSP", "path ns", "x"):
        table.add_column(heading, justify="right")
    base = {
        (row["pe"], row["simd"], row["act_bits"]): row
        for row in rows
        if row["lane"].startswith(BASELINE)
    }
    for row in rows:
        reference = base[row["pe"], row["simd"], row["act_bits"]]
        ratio = {key: f"{row[key] / reference[key]:.2f}" for key in COMPARED}
        table.add_row(
            f"{row['pe']}x{row['simd']}",
            row["lane"],
            *(f"{row['sites_per_mac']:.2f}", ratio["sites_per_mac"]),
            *(f"{row['ff_per_mac']:.2f}", ratio["ff_per_mac"]),
            f"{row['dsp_per_mac']:.2f}",
            *(f"{row['delay_ps'] / 1000:.2f}", ratio["delay_ps"]),
            end_section=row["lane"] == LANE_NAMES[-1],
        )
    Console().print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON only")
    args = parser.parse_args()
    try:
        rows = list(measure_all())
    except MsqError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        show(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
