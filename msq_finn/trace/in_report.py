"""The table of a trace, as the command prints it and as a build's report shows it."""

from __future__ import annotations

import re
from pathlib import Path

from msq_finn.build.publish import PAGE
from msq_finn.build.report.page import filled
from msq_finn.errors import MsqError
from msq_finn.files import read, write
from msq_finn.trace.traced import Trace, TracedLayer

#: Where a report has room for a trace.
_SECTION = re.compile(r'(<section id="trace">).*?(</section>)', re.DOTALL)


def table_of(trace: Trace) -> list[list[str]]:
    """A trace as text: a row of headings, and one a layer.

    Args:
        trace: of a network.
    """
    heads = ["layer", "rows", "float", "quantized", "saturated", "dead", "SNR, dB", "alone"]
    rows = [heads, *map(_cells, trace.layers)]
    if any(layer.rtl_values is not None for layer in trace.layers):
        heads.append("RTL differs")
        for row, layer in zip(rows[1:], trace.layers, strict=True):
            seen = layer.rtl_values is not None
            row.append(f"{layer.rtl_differ} of {layer.rtl_values}" if seen else "not seen")
    return rows


def notes_of(trace: Trace) -> list[str]:
    """What there is to say beside the table, a line each.

    Args:
        trace: of a network.
    """
    lines = [f"{trace.images} images; float: {trace.against}"]
    if trace.unmatched:
        lines.append(f"Not compared: {', '.join(trace.unmatched)}")
    if (worst := trace.worst) is not None:
        lines.append(f"Most noise of its own: {worst.name}, {worst.own_snr_db:.1f} dB")
    return lines


def put_in_report(out: Path, trace: Trace) -> Path:
    """Show a trace in the report of a build, in place of an earlier one.

    Args:
        out: the build's output folder.
        trace: of the network built.

    Returns:
        the report's path.

    Raises:
        MsqError: no report of this version is there.
    """
    file = out / PAGE
    page = read(file, "; run msq-finn build first").decode()
    if not _SECTION.search(page):
        raise MsqError("has no room for a trace; build again with this version", where=file)
    heads, *rows = table_of(trace)
    worst = trace.worst.name if trace.worst else None
    section = filled("trace.html.j2", heads=heads, rows=rows, worst=worst, notes=notes_of(trace))
    write(file, _SECTION.sub(lambda found: f"{found[1]}\n{section}{found[2]}", page))
    return file


def _cells(layer: TracedLayer) -> list[str]:
    return [
        layer.name,
        ", ".join(f"{name.replace('|', ' or ')} {count}" for name, count in layer.rows.items()),
        _range(layer.float_range),
        _range(layer.range),
        "" if layer.saturated is None else f"{layer.saturated:.1%}",
        f"{layer.dead} of {layer.channels}",
        _decibels(layer.snr_db),
        _decibels(layer.own_snr_db),
    ]


def _range(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.3g} to {ends[1]:.3g}"


def _decibels(value: float | None) -> str:
    return "exact" if value is None else f"{value:.1f}"
