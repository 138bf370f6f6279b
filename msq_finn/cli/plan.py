"""``msq-finn plan``."""

from __future__ import annotations

import math
from pathlib import Path

import click

from msq_finn.cli import shared_options
from msq_finn.cli.console import console, echo_json, progress_bars
from msq_finn.errors import MsqError


@click.command()
@click.argument("model", metavar="MODEL.onnx|MODULE:FUNCTION")
@click.option(
    "--input-shape",
    metavar="N,...",
    help="Shape of the input of FUNCTION's network, without the batch, as 3,32,32.",
)
@shared_options.board
@click.option(
    "--target-fps", type=click.FloatRange(0, min_open=True), help="Frames per second to reach."
)
@click.option("--max-throughput", is_flag=True, help="Plan for the most frames per second.")
@click.option(
    "--budget",
    default="lut=0.8,dsp=1,bram=0.9",
    show_default=True,
    help="Shares of the board's resources to use, of lut, dsp, bram, lutram and ff.",
)
@click.option(
    "--schemes",
    help="Number systems that rows may have, as sp2_4,fixed_4; by default all that hold them.",
)
@shared_options.clk_ns
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default="plan.yaml",
    show_default=True,
    help="Plan file.",
)
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Picture of throughput by SP2:fixed ratio and of resources by layer (.png, .svg, .pdf).",
)
@shared_options.verbose
@shared_options.as_json
def plan(
    model: str,
    input_shape: str | None,
    board: str,
    target_fps: float | None,
    max_throughput: bool,
    budget: str,
    schemes: str | None,
    clk_ns: float,
    out: Path,
    figure: Path | None,
    verbose: bool,
    as_json: bool,
) -> None:
    """Choose lanes, folding and rows per scheme of every layer of a network for a board.

    The network is an exported QONNX file, or what a Python function builds: a torch module of
    Brevitas layers, whose rows the plan then leaves free.

    Example: msq-finn plan msq_finn.models:resnet8 --input-shape 3,32,32 --max-throughput
    """
    from msq_finn.devices import device_of_part
    from msq_finn.files import check_target
    from msq_finn.lowering.inputs import check_board
    from msq_finn.plan import making
    from msq_finn.plan.frontend import request, source
    from msq_finn.plan.report import terminal

    if max_throughput == (target_fps is not None):
        raise click.UsageError("give either --target-fps N or --max-throughput")
    if target_fps is not None and not math.isfinite(target_fps):
        raise MsqError(
            f"--target-fps {target_fps:g}: give a finite number of frames per second",
            field="--target-fps",
            value=target_fps,
        )
    check_target(out)
    check_target(out.with_name(f"{out.stem}.report.yaml"))
    shares = request.shares_of(budget)
    wanted = () if schemes is None else request.schemes_of(schemes)
    shape = None if input_shape is None else request.shape_of(input_shape)
    if figure is not None:
        from msq_finn.inspect.picture import check_picture

        check_picture(figure)
    with progress_bars() as progress:
        progress("FINN: loading", 0, 1)  # takes seconds
        part = check_board(board)
        from finn.util.basic import get_dsp_block

        dsp_block = get_dsp_block(part)
        network = source.network_of(model, board, shape, progress)
        made = making.make_plan(
            network, board, part, dsp_block,
            clk_ns=clk_ns, target_fps=target_fps, shares=shares, only=wanted,
            progress=lambda done, total: progress("Search", done, total),
        )  # fmt: skip
        if figure is not None:
            from msq_finn.inspect.picture import save
            from msq_finn.plan.report.figures import picture

            save(picture(network, made, dsp_block, progress), figure)
    report = made.save(out)
    if made.on_host:
        click.echo(
            f"warning: {', '.join(made.on_host)}: computed by the processor, whose time is in none "
            "of these figures",
            err=True,
        )
    if as_json:
        echo_json(made.model_dump())
    else:
        for line in terminal.headline(made, device_of_part(part)):
            click.echo(line)
        console().print(terminal.layer_table(made), *(terminal.details(made) if verbose else ()))
        more = "" if verbose else "; -v says why, and what else there was"
        click.echo(f"Written to {out} and {report}{more}")
