"""``msq-finn build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from msq_finn.build.stages import STAGES
from msq_finn.cli import shared_options
from msq_finn.cli.console import progress_bars
from msq_finn.cli.summary_tables import show

if TYPE_CHECKING:
    from msq_finn.build.summary import Summary
    from msq_finn.lowering.lower import Target


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@shared_options.out
@shared_options.board
@shared_options.seed
@click.option(
    "--target-fps",
    type=click.IntRange(1),
    help="Frames per second to fold for; the smallest design without it.",
)
@shared_options.clk_ns
@click.option(
    "--folding-config",
    type=click.Path(path_type=Path),
    help="FINN folding configuration (JSON), applied after automatic folding.",
)
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    help="Plan of 'msq-finn plan' to fold by, at its clock.",
)
@click.option(
    "--runtime-length",
    is_flag=True,
    help="Let the board write how long sequences of recurrent layers are, up to the model's steps.",
)
@click.option(
    "--images",
    type=click.IntRange(2),
    default=8,
    show_default=True,
    help="Random images to simulate, where --inputs gives none.",
)
@click.option(
    "--inputs",
    type=click.Path(path_type=Path),
    help="Images to simulate (.npy, N first; of several inputs .npz, an array by each's name).",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="Classes of the --inputs (.npy, whole numbers), for the accuracy of model and RTL.",
)
@click.option(
    "--until",
    type=click.Choice(STAGES),
    default="synth",
    show_default=True,
    help="Last stage to run; 'gate' simulates the synthesised netlist and only runs as the last, "
    "'bitfile' needs Vivado, 'deploy' does without if there is none.",
)
@click.option(
    "--start",
    metavar="STEP",
    shell_complete=lambda ctx, option, begun: [name for name in STAGES if name.startswith(begun)],
    help="Stage or step at which to go on with a build in --out that was stopped.",
)
@shared_options.as_json
def build(
    model: Path,
    out: Path | None,
    board: str,
    seed: int,
    target_fps: int | None,
    clk_ns: float,
    folding_config: Path | None,
    plan: Path | None,
    runtime_length: bool,
    images: int,
    inputs: Path | None,
    labels: Path | None,
    until: str,
    start: str | None,
    as_json: bool,
) -> None:
    """Lower an exported QONNX MODEL to RTL, simulate it and count its resources.

    Example: msq-finn build model.onnx --board Pynq-Z1 --target-fps 50000 -o out
    """
    from msq_finn.build.compiled import compile

    if plan is not None and target_fps is not None:
        raise click.UsageError("--target-fps and --plan: the plan has its own target; give one")
    if labels is not None and inputs is None:
        raise click.UsageError("--labels: random images have none; give their --inputs too")
    with progress_bars() as progress:
        design = compile(
            model, board=board, out=out or "build-out", target_fps=target_fps, clk_ns=clk_ns,
            plan=plan, folding_config=folding_config, runtime_length=runtime_length,
            images=inputs or images, labels=labels, seed=seed, until=until, start=start,
            progress=progress,
        )  # fmt: skip
    _warn(design.summary, design.target)
    show(design.summary, out or Path("build-out"), as_json)


def _warn(summary: Summary, target: Target) -> None:
    """Say what a design lacks although it was built, on standard error."""
    if summary.layers_on_host:
        transposed = any("(ConvTranspose)" in layer for layer in summary.layers_on_host)
        except_for = "; there is none for transposed convolutions" if transposed else ""
        click.echo(
            f"msq-finn: warning: {', '.join(summary.layers_on_host)}: not in the accelerator but "
            "on the host; quantize weights and input of a layer to have it in hardware"
            f"{except_for}",
            err=True,
        )
    reached = 1e9 / target.clk_ns / summary.predicted_cycles_per_image
    if target.target_fps is not None and reached < target.target_fps:
        click.echo(
            f"msq-finn: warning: --target-fps {target.target_fps} is out of reach: "
            f"{reached:.0f} frames per second at {target.clk_ns:g} ns is what folding came to",
            err=True,
        )
