"""Synthesise the sweep's design points on Dask workers and keep what they take."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from distributed import Client, LocalCluster, as_completed, get_worker

from msq_finn.errors import MsqError
from msq_finn.plan.cost import stored_runs
from msq_finn.plan.cost.point_kinds import NEED_FINN, Point
from msq_finn.synth.yosys import family_of

#: Seconds to wait for a cluster's scheduler.
CONNECT_S = 3


@contextmanager
def workers(jobs: int = 1, scheduler: str | None = None) -> Iterator[Client]:
    """Connect to a cluster, or start local processes.

    Args:
        jobs: local processes, each with one Yosys at a time.
        scheduler: address of a running Dask scheduler, such as ``tcp://host:8786``; its workers
            need this package, FINN and Yosys.

    Raises:
        MsqError: no scheduler answers at the address.
    """
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=CONNECT_S)
        except (OSError, ValueError) as error:
            raise MsqError(f"no Dask scheduler answers at {scheduler}; start one there") from error
        with client:
            yield client
        return
    # One thread each: FINN's imports and settings are not made for several. Workers with FINN take
    # longer to end than Dask waits; that it then kills them, all runs being stored, is no news.
    with (
        LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def characterize(
    points: Sequence[Point],
    client: Client,
    part: str,
    path: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, stored_runs.Run]:
    """Synthesise every point that has no current run, and store each run as it ends.

    A killed sweep goes on where it was; runs of points whose RTL has changed are made again.

    Args:
        client: of :func:`workers`.
        part: FPGA part to synthesise for.
        path: file of runs; by default that of the part's family.
        progress: told of finished points.

    Returns:
        all runs of the file by key.

    Raises:
        MsqError: a point does not synthesise; the others are stored first. Or the file cannot be
            written.
    """
    path = path or stored_runs.path_of(part)
    stored_runs.check_writeable(path)
    known = stored_runs.load(path)
    missing = [p for p in points if p.key not in known or not known[p.key].is_current()]
    futures = client.map(_run, missing, part=part, pure=False, retries=0)
    failed: MsqError | None = None
    for done, future in enumerate(as_completed(futures), 1):
        try:
            run = future.result()
        except MsqError as error:
            failed = failed or error
            continue
        stored_runs.append(run, path)
        known[run.point.key] = run
        if progress is not None:
            progress(f"Synthesis, {family_of(part)}: {run.point.key}", done, len(missing))
    if missing:
        stored_runs.compact(path)
    if failed is not None:
        raise failed
    return known


def _run(point: Point, part: str) -> stored_runs.Run:
    if isinstance(point, NEED_FINN):
        _prepare_finn()
    sources = stored_runs.sources_of(point)
    return stored_runs.Run(point, point.synthesize(part), sources)


@cache
def _prepare_finn() -> None:
    from msq_finn.lowering import finn_workers
    from msq_finn.sim.finn_env import prepare

    # Dask's scratch space: it goes with the worker, that of killed ones with the next.
    prepare(Path(get_worker().local_directory) / "finn")
    finn_workers.prepare()
