"""Our simulation models of FPGA primitives against the vendor's own, side by side in Icarus.

Both are driven with the same random pins, in random configurations out of those that our models
take: block RAMs of all widths and write modes, as two ports or as one to write and one to read;
UltraRAM with both kinds of byte enables; DSP slices with random registers, operand selections and
adder modes, and their cascades. Ports of memories often meet at an address. ``dsp_mac`` comes once
more as a whole: its behavioural form, which is all there is of us for a DSP58, against the vendor's
slice with the parameters it is given. One clock drives all ports.

Outputs are compared bit for bit in every cycle, in bits that a port has. "differ" is a bit that the
vendor's model knows and ours has otherwise, or of which one of the two says X without a reason.
Reasons there are where ports meet (UG473, UG573): a port reads what the other one is writing, not
READ_FIRST, or both have written. Of what a port reads there, bits of which only our model says X
count as "stricter": the vendor's sees no harm where a port is in reset, or in both writing the same
data. Bits of which only the vendor's does count as "bolder": its models of UltraScale+ give up
whole words, ours and those of 7-series the bytes that are written, which is what UG573 says; on
7-series they differ. "both X" are bits that neither knows.

The folder given is the vendor's library: ``*.v`` in it are found at any depth, ``glbl.v`` in it or
right above it. Primitives that it lacks are named and left out. The exit code is 1 where a bit
differs, or where nothing was compared.

    python benchmarks/vendor_models.py UNISIMS [--seeds N] [--cycles N] [--only NAME]... [--json]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from vendor_bench import QUIET, TOP, Pair
from vendor_memories import Ram, ram_pair, ultra_pair
from vendor_slices import dsp_pair, mac_pair, macs_in_verilog

from msq_finn.errors import MsqError
from msq_finn.sim import primitives

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import icarus

MODELS = Path(primitives.__file__).parent

#: What is counted of a row.
COUNTS = ("cycles", "bits", "differ", "stricter", "bolder", "both X")


@dataclass(frozen=True)
class Row:
    """What is compared: a primitive of the vendor, and what of ours is held to it."""

    name: str
    primitive: str
    pair: Callable[[random.Random, int], Pair]
    version: int = 0

    def sources(self, count: int, draw: random.Random, folder: Path) -> Path:
        """What of ours the pairs are made of."""
        if self.version:
            return macs_in_verilog(self.version, count, draw, folder)
        files = [MODELS / f"{self.primitive}.v", *sorted(MODELS.glob("[a-z]*.v"))]
        ours = "\n".join(file.read_text() for file in files)
        path = folder / "ours.v"
        kind = self.primitive
        path.write_text(re.sub(rf"\bmodule {kind}\b", f"module our_{kind}", ours))
        return path


def rows() -> Iterator[Row]:
    """Everything that is compared."""
    for kind in ("RAMB18E1", "RAMB36E1", "RAMB18E2", "RAMB36E2"):
        yield Row(kind, kind, partial(ram_pair, Ram(kind)))
    yield Row("URAM288", "URAM288", ultra_pair)
    for kind in ("DSP48E1", "DSP48E2"):
        yield Row(kind, kind, partial(dsp_pair, kind))
    for version, kind in enumerate(("DSP48E1", "DSP48E2", "DSP58"), 1):
        yield Row(f"mac {kind}", kind, partial(mac_pair, version), version)


def find(library: Path, name: str) -> Path | None:
    """A file of the vendor's library."""
    found = sorted(library.rglob(name)) or sorted(library.parent.glob(name))
    return found[0] if found else None


def measure(row: Row, vendor: Sequence[Path], count: int, cycles: int) -> dict[str, Any]:
    """Run the pairs of a row, all of them in one simulation."""
    start = time.monotonic()
    draw = random.Random(row.name)
    with TemporaryDirectory(prefix="msq_finn_vendor_") as scratch:
        folder = Path(scratch)
        pairs = [row.pair(draw, index) for index in range(count)]
        bench = folder / "bench.v"
        modules = [
            pair.module(f"pair_{index}", cycles, draw.getrandbits(30))
            for index, pair in enumerate(pairs)
        ]
        names = "\n".join(f"  pair_{index} p{index} ();" for index in range(count))
        end = 110_000 + 10_000 * (QUIET + cycles + 2)
        top = TOP.format(pairs=names, end=end)
        bench.write_text("`timescale 1ps / 1ps\n" + "".join(modules) + top)
        ours = row.sources(count, draw, folder)
        printed = icarus.run([bench, ours, *vendor], ["bench", "glbl"], folder)
    counted = re.findall(r"^COUNTED \w+" + r" (\d+)" * len(COUNTS), printed, re.MULTILINE)
    if len(counted) != count:
        raise MsqError(f"{row.name}: {len(counted)} of {count} pairs ran: {printed[-1000:]}")
    sums = (sum(map(int, column)) for column in zip(*counted, strict=True))
    return {
        "name": row.name,
        "configurations": count,
        **dict(zip(COUNTS, sums, strict=True)),
        "first": re.findall(r"^FIRST (.*)", printed, re.MULTILINE),
        "seconds": round(time.monotonic() - start, 1),
    }


def show(results: list[dict[str, Any]], missing: list[str]) -> None:
    """Print a table, where models first differ, and what was left out."""
    console = Console()
    table = Table("ours", "configs", *COUNTS, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in table.columns[1:]:
        column.justify = "right"
    for row in results:
        table.add_row(row["name"], *(f"{row[key]:,}" for key in ("configurations", *COUNTS)))
    console.print(table)
    for row in results:
        for line in row["first"]:
            console.print(f"{row['name']}: {line}", highlight=False, soft_wrap=True)
    if missing:
        console.print(f"not in the folder, and not compared: {', '.join(missing)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("unisims", type=Path, help="folder of the vendor's Verilog models")
    parser.add_argument("--seeds", type=int, default=20, help="random configurations a primitive")
    parser.add_argument("--cycles", type=int, default=300, help="a configuration")
    parser.add_argument("--only", action="append", help="a row; default: all")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    wanted = [row for row in rows() if not options.only or row.name in options.only]
    glbl = find(options.unisims, "glbl.v")
    models = {row.name: find(options.unisims, f"{row.primitive}.v") for row in wanted}
    missing = [name for name, path in models.items() if path is None or glbl is None]
    results = []
    try:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            for row in bar.track(wanted, description="Simulation (Icarus)"):
                path = models[row.name]
                if path is not None and glbl is not None:
                    results.append(measure(row, [path, glbl], options.seeds, options.cycles))
    except MsqError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"rows": results, "missing": missing}, indent=2))
    else:
        show(results, missing)
    return int(not results or any(row["differ"] or not row["bits"] for row in results))


if __name__ == "__main__":
    sys.exit(main())
