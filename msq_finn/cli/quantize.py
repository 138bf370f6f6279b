"""``msq-finn quantize``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
from rich.table import Table

from msq_finn.cli import shared_options
from msq_finn.cli.console import console, echo_json, progress_bars
from msq_finn.post_training import EPOCHS


@click.command()
@click.argument("model", metavar="MODULE:FUNCTION")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER|FILE.npz",
    help="Inputs to calibrate with: arrays x and, for accuracies, y; or images, in a folder for "
    "each class if these are known.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default="model.onnx",
    show_default=True,
    help="QONNX file.",
)
@click.option("--plan", type=click.Path(path_type=Path), help="Plan whose rows the layers get.")
@click.option(
    "--board", help="Board, as FINN names it, to plan rows for; half are SP2 without it and a plan."
)
@click.option(
    "--weight-bits", type=click.IntRange(3, 8), default=4, show_default=True, help="Of weights."
)
@click.option(
    "--act-bits",
    type=click.IntRange(2, 8),
    default=4,
    show_default=True,
    help="Of what a ReLU makes; other values have 8.",
)
@click.option(
    "--input-bits", type=click.IntRange(2, 8), default=8, show_default=True, help="Of the input."
)
@click.option(
    "--epochs",
    type=click.IntRange(0),
    default=EPOCHS,
    show_default=True,
    help="Passes over the data to learn the float network's outputs; 0 calibrates only.",
)
@shared_options.as_json
def quantize(
    model: str,
    data: Path,
    out: Path,
    plan: Path | None,
    board: str | None,
    weight_bits: int,
    act_bits: int,
    input_bits: int,
    epochs: int,
    as_json: bool,
) -> None:
    """Quantize a float network that a Python function builds, and export it as QONNX.

    FUNCTION is called without arguments and returns a trained torch module. No labels are needed.
    Beside the file, in NAME.float.onnx, stands the float network that it was made of, for
    'msq-finn trace --float'.

    Example: msq-finn quantize my_network:trained --data digits.npz -o model.onnx
    """
    from msq_finn.errors import MsqError
    from msq_finn.files import check_target, read, write
    from msq_finn.lowering.inputs import load_network
    from msq_finn.plan.frontend.source import built, export, export_float
    from msq_finn.post_training import quantize as post_training
    from msq_finn.post_training.comparison import check_classes, compare
    from msq_finn.post_training.sample_files import load_samples

    if plan is not None and board is not None:
        raise click.UsageError("--plan and --board: the plan has its own board; give one")
    floats = out.with_suffix(".float.onnx")
    check_target(out)
    check_target(floats)
    module, colon, function = model.rpartition(":")
    if not colon:
        raise MsqError("give what builds the network as module:function", where=model)
    with progress_bars() as progress:
        network = built(module, function).eval()
        inputs, labels = load_samples(data, post_training.channels_of(network))
        if labels is not None:
            check_classes(labels, network, inputs[:1], data)
        quantized = post_training.quantize(
            network, inputs[:1], inputs, plan=plan, board=board, weight_bits=weight_bits,
            act_bits=act_bits, input_bits=input_bits, epochs=epochs, progress=progress,
        )  # fmt: skip
        progress("Compare", 0, 1)
        found = compare(quantized, network, inputs, labels)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / out.name
            export(quantized, path, tuple(inputs.shape[1:]))
            load_network(path)
            beside = Path(folder) / floats.name
            export_float(post_training.float_form(network, inputs[:1]), beside, inputs[:1])
            write(floats, read(beside))
            write(out, read(path))
        progress("Compare", 1, 1)
    if as_json:
        echo_json({"network": model, "file": str(out), **found.figures()})
        return
    layers = Table("layer", "rows x columns", "number systems")
    for la in found.layers:
        systems = ", ".join(f"{count} {name}" for name, count in la.rows.items())
        layers.add_row(la.name, f"{sum(la.rows.values())} x {la.columns}", systems)
    figures = Table("figure", "value")
    for name in ("samples", "accuracy_float", "accuracy_quant", "same_class", "error"):
        if (value := getattr(found, name)) is not None:
            figures.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    console().print(layers, figures)
    click.echo(f"Written to {out}, the float network to {floats}")
