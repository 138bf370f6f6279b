"""A build's summary on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from msq_finn.build.output import FILES, FOLDERS
from msq_finn.cli.console import console

if TYPE_CHECKING:
    from msq_finn.build.summary import Summary


def show(summary: Summary, out: Path, as_json: bool) -> None:
    """Print what a build came to.

    Args:
        summary: of the build.
        out: its output folder, whose files are listed.
        as_json: print the summary as JSON instead of tables.

    Raises:
        click.exceptions.Exit: with 1, where an image differs between RTL and exported model.
    """
    if as_json:
        click.echo(summary.model_dump_json(indent=2))
    else:
        _show(summary, out)
    if summary.rtl_mismatches:
        click.echo(
            f"msq-finn: {summary.rtl_mismatches} of {summary.images_simulated} images differ "
            "between the RTL and the exported model: do not use this design, and please report it",
            err=True,
        )
        click.get_current_context().exit(1)


def _show(summary: Summary, out: Path) -> None:
    screen = console()
    layers = Table("layer", "rows", "LUT lanes", "DSP lanes", "SIMD", "cycles", "LUT sites")
    for la in summary.layers:
        values = (
            la.rows_text,
            la.pe_lut,
            la.pe_dsp,
            la.simd,
            la.cycles,
            "-" if la.lut_sites is None else la.lut_sites,
        )
        layers.add_row(la.name, *map(str, values))
    figures = Table("figure", "value")
    for name in (
        "accuracy_float",
        "accuracy_quant",
        "accuracy_rtl",
        "images_simulated",
        "rtl_mismatches",
        "cycles_per_image",
        "predicted_cycles_per_image",
        "slowest_node",
        "fps_at_clock",
        "lut_sites",
        "ff",
        "dsp",
        "bram36",
        "simulator",
        "finn_seconds",
        "msq_seconds",
    ):
        value = getattr(summary, name)
        if value is not None:
            figures.add_row(name, number(value) if isinstance(value, float) else str(value))
    screen.print(layers, figures)
    written = [name for name in sorted((*FILES, *FOLDERS)) if (out / name).exists()]
    screen.print(f"Written to {out}: {', '.join(written)}")
    if "deploy" in written and not summary.bitfile:
        screen.print("The package lacks the bitfile, which Vivado makes: see deploy/README.md")


def number(value: float) -> str:
    """Write a figure with four digits, or as many as are in front of its point.

    Args:
        value: any.

    >>> number(25088.0), number(1157.41), number(0.99444)
    ('25088', '1157', '0.9944')
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
