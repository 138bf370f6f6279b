"""``msq-finn characterize``."""

from __future__ import annotations

import click

from msq_finn.cli import shared_options
from msq_finn.cli.console import console, echo_json, progress_bars


@click.command()
@click.option("--jobs", type=click.IntRange(1), help="Yosys runs at a time here.  [default: 1]")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Dask scheduler (tcp://host:8786) whose workers to use."
)
@shared_options.as_json
def characterize(jobs: int | None, scheduler: str | None, as_json: bool) -> None:
    """Synthesise the nodes that the cost model is fitted to, and print the model's error.

    For 7-series and UltraScale+. Runs are kept as they end: a killed sweep goes on where it was.

    Example: msq-finn characterize --jobs 2
    """
    from msq_finn.plan.cost import cost_model, stored_runs, sweep
    from msq_finn.plan.cost.characterize import characterize as run_sweep
    from msq_finn.plan.cost.characterize import workers
    from msq_finn.plan.cost.held_back import held_back
    from msq_finn.plan.report import terminal

    if jobs and scheduler:
        raise click.UsageError("--jobs and --scheduler: a scheduler has its own workers; give one")
    with workers(jobs or 1, scheduler) as client, progress_bars() as progress:
        for part in stored_runs.PARTS.values():
            run_sweep([*sweep.fitted(), *held_back()], client, part, progress=progress)
    cost_model.default_model.cache_clear()
    found = cost_model.held_back_errors()
    if as_json:
        echo_json(terminal.errors_as_dicts(found))
    else:
        console().print(*terminal.error_tables(found))
