"""``msq-finn plan``."""

from __future__ import annotations

from pathlib import Path

import click

from msq_finn.cli import options
from msq_finn.cli.console import console, echo_json, progress_bars


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@options.board
@click.option(
    "--target-fps", type=click.FloatRange(0, min_open=True), help="Frames per second to reach."
)
@click.option("--max-throughput", is_flag=True, help="Plan for the most frames per second.")
@click.option(
    "--budget",
    default="lut=0.8,dsp=1,bram=0.9",
    show_default=True,
    help="Shares of the board's resources to use.",
)
@options.clk_ns
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default="plan.yaml",
    show_default=True,
    help="Plan file.",
)
@options.as_json
def plan(
    model: Path,
    board: str,
    target_fps: float | None,
    max_throughput: bool,
    budget: str,
    clk_ns: float,
    out: Path,
    as_json: bool,
) -> None:
    """Choose lanes, folding and rows per scheme of every layer of MODEL for a board.

    Example: msq-finn plan model.onnx --board Pynq-Z1 --max-throughput -o plan.yaml
    """
    from msq_finn.build.inputs import check_board, load_model
    from msq_finn.plan import making, show

    if max_throughput == (target_fps is not None):
        raise click.UsageError("give either --target-fps N or --max-throughput")
    shares = making.shares_of(budget)
    load_model(model)
    part = check_board(board)
    with progress_bars() as progress:
        made = making.plan_file(model, board, part, clk_ns, target_fps, shares, progress)
    made.save(out)
    if as_json:
        echo_json(made.model_dump())
    else:
        console().print(*show.tables(made))
        click.echo(f"Written to {out}")
