"""``msq-finn demo``."""

from __future__ import annotations

from pathlib import Path

import click

from msq_finn.cli import shared_options
from msq_finn.cli.console import progress_bars
from msq_finn.cli.summary_tables import show


@click.command()
@shared_options.out
@shared_options.board
@shared_options.seed
@click.option(
    "--epochs", type=click.IntRange(1), default=30, show_default=True, help="Training epochs."
)
@shared_options.as_json
def demo(out: Path | None, board: str, seed: int, epochs: int, as_json: bool) -> None:
    """Train a row-mixed CNN on handwritten digits and take it to simulated, synthesised RTL.

    Example: msq-finn demo --out demo-out
    """
    from msq_finn import demo as demonstration
    from msq_finn.build.output import output_folder

    out = out or Path("demo-out")
    with output_folder(out) as work, progress_bars() as progress:
        summary = demonstration.run(
            out, work.resolve(), board=board, seed=seed, epochs=epochs, progress=progress
        )
    show(summary, out, as_json)
