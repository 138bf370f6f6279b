"""``msq-finn inspect``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
from rich.table import Table

from msq_finn.cli import shared_options
from msq_finn.cli.console import console, echo_json, progress_bars
from msq_finn.cli.group import one_line


@click.command("inspect")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Picture of the rows (.png, .svg, .pdf).",
)
@shared_options.verbose
@shared_options.as_json
def inspect_model(model: Path, figure: Path | None, verbose: bool, as_json: bool) -> None:
    """Say which schemes hold each weight row of MODEL, and what they cost.

    MODEL is an exported QONNX file, or a checkpoint: a state_dict saved with torch.save.

    A row's letter is S where only SP2(4) holds it, F where only Fixed(4) does, E for either and -
    for neither, as for powers of two and 8-bit rows, which may have lanes all the same; letters are
    counted, and with -v given row by row. Errors are relative squared ones, had the file's weights
    been projected.

    Example: msq-finn inspect model.onnx -o rows.png
    """
    from msq_finn.inspect import inspect

    with progress_bars() as progress:
        result = inspect(model, figure, progress)
    if as_json:
        echo_json(result.model_dump())
        return
    table = Table("layer", "rows x columns", "integers", "rows", "SP2 error", "fixed error")
    if verbose:
        table.add_column("variance")
    for layer in result.layers:
        letters = "".join(row.letter for row in layer.rows)
        counts = " ".join(f"{letter}{count}" for letter, count in Counter(letters).most_common())
        variances = [row.variance for row in layer.rows]
        table.add_row(
            one_line(layer.name),
            f"{len(layer.rows)} x {layer.columns}",
            f"{layer.smallest} to {layer.largest}",
            letters if verbose else counts,
            f"{layer.mean_error('sp2_4'):.2%}",
            f"{layer.mean_error('fixed_4'):.2%}",
            *([f"{min(variances):.2g} to {max(variances):.2g}"] if verbose else []),
        )
    console().print(table)
    if figure is not None:
        click.echo(f"Written to {figure}")
