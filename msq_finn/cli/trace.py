"""``msq-finn trace``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from msq_finn.cli import shared_options
from msq_finn.cli.console import console, echo_json, progress_bars
from msq_finn.cli.group import one_line


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--inputs",
    type=click.Path(path_type=Path),
    required=True,
    help="Images to trace (.npy, N first; .npz by name for several inputs).",
)
@click.option(
    "--float",
    "float_model",
    type=click.Path(path_type=Path),
    help="The float network, from torch.onnx.export, to compare with; without it, MODEL's own "
    "weights with activations that are not quantized.",
)
@click.option(
    "--build",
    type=click.Path(path_type=Path),
    help="Output folder of a simulated build of MODEL, to look into its RTL too; the table is put "
    "in its report.",
)
@click.option(
    "--images",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    help="Take so many of the --inputs at most.",
)
@shared_options.as_json
def trace(
    model: Path,
    inputs: Path,
    float_model: Path | None,
    build: Path | None,
    images: int,
    as_json: bool,
) -> None:
    """Follow images through MODEL layer by layer, beside the float network and the RTL.

    Signal to noise is that of the quantized network beside the float one: behind the layer, with
    all noise from before it, and of the layer alone. Where it is low, accuracy is lost; where many
    values are saturated, the activation's scale is too small.

    Example: msq-finn trace model.onnx --inputs images.npy --float float.onnx
    """
    from msq_finn.lowering.ends import each, end_names, image
    from msq_finn.lowering.inputs import load_images
    from msq_finn.trace import trace as traced
    from msq_finn.trace.in_report import notes_of, put_in_report, table_of

    with progress_bars() as progress:
        given = image(load_images(inputs, model), slice(images))
        by_name = dict(zip(end_names(model)[0], each(given), strict=True))
        found = traced(model, by_name, float_model, build, progress)
    report = put_in_report(build, found) if build is not None else None
    if as_json:
        echo_json(found.model_dump())
        return
    heads, *rows = table_of(found)
    table = Table(*heads)
    for row in rows:
        table.add_row(*map(one_line, row))
    console().print(table)
    for note in notes_of(found):
        click.echo(one_line(note))
    if report is not None:
        click.echo(f"In the report too: {report}")
