"""Synthesise the sweep's design points and keep what they take."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from msq_finn.plan import runs
from msq_finn.plan.points import NEED_FINN, Point


def characterize(
    points: Sequence[Point],
    path: Path = runs.PATH,
    jobs: int = 1,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, runs.Run]:
    """Synthesise every point that has no current run, and store each run as it ends.

    A killed sweep goes on where it was; runs of points whose RTL has changed are made again.

    Args:
        points: what to synthesise.
        path: file of runs.
        jobs: Yosys processes at a time.
        progress: told of finished points.

    Returns:
        all runs of the file by key.

    Raises:
        MsqError: a point does not synthesise; those under way are still stored.
    """
    known = runs.load(path)
    missing = [p for p in points if p.key not in known or not known[p.key].is_current()]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        if any(isinstance(point, NEED_FINN) for point in missing):
            from msq_finn.sim.finn_env import prepare

            prepare(Path(folder))
        futures = {pool.submit(_run, point): point for point in missing}
        try:
            for done, future in enumerate(as_completed(futures), 1):
                run = future.result()
                runs.append(run, path)
                known[run.point.key] = run
                if progress is not None:
                    progress(f"Synthesis: {run.point.key}", done, len(missing))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return known


def _run(point: Point) -> runs.Run:
    sources = runs.sources_of(point)
    return runs.Run(point, point.synthesize(), sources)
