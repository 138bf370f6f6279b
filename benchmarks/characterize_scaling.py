"""What workers bring to a characterisation, and what a kill costs it.

A fixed handful of design points is synthesised into a fresh file of runs, with a fresh cache, by
one worker and then by two. A third sweep is killed with SIGKILL, all its processes, once two runs
are stored; the same sweep is then started again and does what was missing. Exits with 1 where a
run is lost or made twice.

    python benchmarks/characterize_scaling.py [--json]
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from msq_finn.plan.cost import stored_runs
from msq_finn.plan.cost.characterize import characterize, workers
from msq_finn.plan.cost.lane_sweep import of
from msq_finn.plan.cost.point_kinds import Depthwise, Msq, Point

#: Of about equal size, so that two workers can share them; Yosys needs seconds for each.
POINTS: list[Point] = [
    *(Msq(64, 8, simd, of(sp2_4_lut=4)) for simd in (4, 8, 16)),
    *(Msq(64, 8, simd, of(fixed_4_lut=4)) for simd in (4, 8, 16)),
    Msq(64, 8, 16, of(embedded_lut=4)),
    Depthwise(9, 16, 3, of(sp2_4_lut=16), acc_bits=13),
]

#: Stored runs after which the sweep is killed.
KILLED_AFTER = 2


def sweep(jobs: int, path: Path) -> int:
    """Synthesise what is missing in a file of runs; return how many runs that were."""
    done = []
    with workers(jobs) as client:
        characterize(
            POINTS, client, stored_runs.PARTS["DSP48E1"], path, lambda text, *_: done.append(text)
        )
    return len(done)


def timed(jobs: int, folder: Path) -> float:
    """Seconds of a whole sweep, its workers' start included."""
    os.environ["XDG_CACHE_HOME"] = str(folder / f"cache{jobs}")
    start = time.monotonic()
    sweep(jobs, folder / f"runs{jobs}.jsonl")
    return time.monotonic() - start


def killed(folder: Path) -> int:
    """Start a sweep and kill it; return how many runs it has stored."""
    path = folder / "killed.jsonl"
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache_killed")
    command = [sys.executable, __file__, "--sweep", str(path)]
    process = subprocess.Popen(command, start_new_session=True)
    while len(stored_runs.load(path)) < KILLED_AFTER and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return len(stored_runs.load(path))


def measure(folder: Path) -> dict[str, float]:
    """Time the sweeps, then kill one and finish it."""
    one, two = timed(1, folder), timed(2, folder)
    stored = killed(folder)
    again = sweep(2, folder / "killed.jsonl")
    return {
        "points": len(POINTS),
        "seconds_1_worker": round(one, 1),
        "seconds_2_workers": round(two, 1),
        "speedup": round(one / two, 2),
        "stored_before_the_kill": stored,
        "made_by_the_rerun": again,
        "runs_in_the_end": len(stored_runs.load(folder / "killed.jsonl")),
    }


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--sweep", "path", type=click.Path(path_type=Path), hidden=True)
def main(as_json: bool, path: Path | None) -> None:
    """Print times and counts."""
    if path is not None:
        sweep(1, path)
        return
    with tempfile.TemporaryDirectory(prefix="msq_finn_scaling_") as folder:
        found = measure(Path(folder))
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        table = Table("figure", "value")
        for name, value in found.items():
            table.add_row(name.replace("_", " "), f"{value:g}")
        Console().print(table)
    kept = found["stored_before_the_kill"] + found["made_by_the_rerun"] == found["points"]
    whole = found["runs_in_the_end"] == found["points"]
    was_cut = found["stored_before_the_kill"] < found["points"]
    sys.exit(0 if kept and whole and was_cut else 1)


if __name__ == "__main__":
    main()
