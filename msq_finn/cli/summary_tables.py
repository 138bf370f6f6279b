"""A build's summary on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from msq_finn.build.output import DIFFERENCE, FILES, FOLDERS
from msq_finn.cli.console import console

if TYPE_CHECKING:
    from msq_finn.build.summary import Summary, TieRecord

#: Ties that are written out; all are in the summary.
_SHOWN = 3

#: Share of values that may be far outside the input quantizer's range without a word.
_MOST_OUTSIDE = 0.1


def show(summary: Summary, out: Path, as_json: bool) -> None:
    """Print what a build came to.

    Args:
        out: its output folder, whose files are listed.
        as_json: print the summary as JSON instead of tables.

    Raises:
        click.exceptions.Exit: with 1, where the RTL computes something else than the exported
            model, and not only where float32 rounds a tie the other way, or the netlist something
            else than the RTL.
    """
    if as_json:
        click.echo(summary.model_dump_json(indent=2))
    else:
        _show(summary, out)
    images = f"{summary.rtl_mismatches} of {summary.images_simulated} images differ"
    if summary.faults:
        first = summary.faults[0]
        click.echo(
            f"msq-finn: {images} between the RTL and the exported model, first image {first.image} "
            f"at {first.node} ({first.values} values: {first.why}), see report/{DIFFERENCE}: do "
            "not use this design, and please report it",
            err=True,
        )
    if summary.gate_mismatches:
        click.echo(
            f"msq-finn: {summary.gate_mismatches} of {summary.gate_images} images differ between "
            "the synthesised netlist and the RTL: do not use this design, and please report it",
            err=True,
        )
    if summary.ties:
        ties = "1 tie" if len(summary.ties) == 1 else f"{len(summary.ties)} ties"
        shown = [*map(described, summary.ties[:_SHOWN])]
        click.echo(
            f"msq-finn: {images} where the exported model's float32 arithmetic rounds {ties} the "
            f"other way, and the RTL is right: {'; '.join(shown)}"
            f"{'; ...' if len(shown) < len(summary.ties) else ''}",
            err=True,
        )
    if (outside := summary.inputs_outside or 0.0) > _MOST_OUTSIDE:
        click.echo(
            f"msq-finn: {outside:.0%} of the values of the images are far outside the input "
            "quantizer's range, and count as its ends; scale images as those in training were",
            err=True,
        )
    if summary.faults or summary.gate_mismatches:
        click.get_current_context().exit(1)


def described(tie: TieRecord) -> str:
    """One tie in words.

    Args:
        tie: of a summary.

    >>> from msq_finn.build.summary import TieRecord
    >>> described(TieRecord(image=1, node="q", index=[0, 3], value=9.5, rtl=9, reference=10))
    'image 1, q [0, 3]: 9.5, 9 in RTL, 10 in the exported model'
    """
    return (
        f"image {tie.image}, {tie.node} {tie.index}: {tie.value:.9g}, {tie.rtl} in RTL, "
        f"{tie.reference} in the exported model"
    )


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
        "rtl_ties",
        "rtl_faults",
        "gate_images",
        "gate_mismatches",
        "cycles_per_image",
        "predicted_cycles_per_image",
        "slowest_node",
        "fps_at_clock",
        "longest_sequence",
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

    >>> number(25088.0), number(1157.41), number(0.99444)
    ('25088', '1157', '0.9944')
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
