"""``msq-finn trace``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from msq_finn.cli import shared_options
from msq_finn.cli.console import console, echo_json, progress_bars
from msq_finn.cli.group import one_line

if TYPE_CHECKING:
    from msq_finn.trace.traced import TracedLayer


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
    help="Output folder of a simulated build of MODEL, to look into its RTL too.",
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

    with progress_bars() as progress:
        given = image(load_images(inputs, model), slice(images))
        by_name = dict(zip(end_names(model)[0], each(given), strict=True))
        found = traced(model, by_name, float_model, build, progress)
    if as_json:
        echo_json(found.model_dump())
        return
    table = Table("layer", "rows", "float", "quantized", "saturated", "dead", "SNR, dB", "alone")
    if build is not None:
        table.add_column("RTL differs")
    for layer in found.layers:
        table.add_row(*_cells(layer, build is not None))
    console().print(table)
    click.echo(f"{found.images} images; float: {found.against}")
    if found.unmatched:
        click.echo(f"Not compared: {', '.join(map(one_line, found.unmatched))}")
    if (worst := found.worst) is not None:
        click.echo(f"Most noise of its own: {one_line(worst.name)}, {worst.own_snr_db:.1f} dB")


def _cells(layer: TracedLayer, with_rtl: bool) -> list[str]:
    cells = [
        one_line(layer.name),
        ", ".join(f"{name.replace('|', ' or ')} {count}" for name, count in layer.rows.items()),
        _range(layer.float_range),
        _range(layer.range),
        "" if layer.saturated is None else f"{layer.saturated:.1%}",
        f"{layer.dead} of {layer.channels}",
        _decibels(layer.snr_db),
        _decibels(layer.own_snr_db),
    ]
    if with_rtl:
        seen = layer.rtl_values is not None
        cells.append(f"{layer.rtl_differ} of {layer.rtl_values}" if seen else "not seen")
    return cells


def _range(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.3g} to {ends[1]:.3g}"


def _decibels(value: float | None) -> str:
    return "exact" if value is None else f"{value:.1f}"
