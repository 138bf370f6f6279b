"""Options that several commands have."""

import math
from pathlib import Path

import click


def _refuse_nan(ctx: click.Context, option: click.Parameter, value: float) -> float:
    """Refuse the one number that lies in every range."""
    if math.isnan(value):
        raise click.BadParameter("nan is no number", ctx, option)
    return value


out = click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the results."
)
board = click.option(
    "--board", default="Pynq-Z1", show_default=True, help="Board, as FINN names it."
)
seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
clk_ns = click.option(
    "--clk-ns",
    type=click.FloatRange(0.1, 10_000),
    callback=_refuse_nan,
    default=10.0,
    show_default=True,
    help="Clock period in ns.",
)
