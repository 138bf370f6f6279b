"""What width converters cost: ours, and FINN's own RTL of the same widths.

LUT sites per bit of the wider word, flip-flops, and an estimate of the longest path, for words of
4-bit elements (14-bit ones of sums) on 7-series: Yosys netlists, no place and route. Vectors are as
long as both words divide, but for those that FINN's converter cannot do: their last words are
padding in part.

    python benchmarks/width_converters.py [--json]
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from msq_finn.plan.cost.point_kinds import Dwc, Repack
from msq_finn.sim.finn_env import prepare

PART = "xc7z020clg400-1"

#: Bits of an element, elements of input and output words, and of a vector.
CASES = (
    (4, 8, 4, 8),
    (4, 16, 4, 16),
    (4, 32, 4, 32),
    (4, 48, 1, 48),
    (14, 8, 1, 8),
    (4, 4, 16, 16),
    (4, 2, 64, 64),
    (4, 7, 3, 21),
    (4, 8, 12, 24),
    (4, 16, 6, 62),
    (4, 4, 16, 62),
)


def measure(bits: int, taken: int, given: int, length: int) -> dict[str, Any]:
    """Synthesise our converter, and FINN's where it has one."""
    widest = bits * max(taken, given)
    points: dict[str, Any] = {"ours": Repack(bits, taken, given, length)}
    if not (length % taken or length % given):
        points["finn"] = Dwc(bits * taken, bits * given)
    row: dict[str, Any] = {"bits": bits, "in": taken, "out": given, "vector": length}
    for name, point in points.items():
        found = point.synthesize(PART)
        row[name] = {
            "sites_per_bit": round(found.lut_sites / widest, 3),
            "ff_per_bit": round(found.ff / widest, 3),
            "delay_ps": found.longest_path_ps,
        }
    if "finn" in row:
        row["finn_over_ours"] = round(
            row["finn"]["sites_per_bit"] / row["ours"]["sites_per_bit"], 2
        )
    return row


def _figures(row: dict[str, Any], name: str) -> str:
    if name not in row:
        return "none"
    own = row[name]
    return f"{own['sites_per_bit']:.2f} / {own['ff_per_bit']:.2f} / {own['delay_ps'] / 1000:.2f}"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(as_json: bool) -> None:
    """Print every case, and how many times FINN's takes more LUT sites."""
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="msq_finn_converters_") as folder:
        prepare(Path(folder))
        rows = [measure(*case) for case in track(CASES, "Synthesis (Yosys)", console=console)]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    title = "LUT sites / FF per bit of the wider word / path ns"
    table = Table("element", "in", "out", "vector", "ours", "FINN's", "FINN's : ours", title=title)
    for row in rows:
        sizes = (str(row[key]) for key in ("bits", "in", "out", "vector"))
        ratio = f"{row['finn_over_ours']:.1f} x" if "finn_over_ours" in row else ""
        table.add_row(*sizes, _figures(row, "ours"), _figures(row, "finn"), ratio)
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
