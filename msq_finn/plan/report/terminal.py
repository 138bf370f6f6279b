"""Plans and model errors as tables."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any

from rich.table import Table

from msq_finn.plan.cost.cost_model import Error
from msq_finn.plan.cost.features import group
from msq_finn.plan.report.outcome import Outcome

#: What stands for all groups of nodes.
ALL = "all"


def tables(outcome: Outcome) -> list[Table]:
    """A plan's layers, and its totals.

    Args:
        outcome: to show.
    """
    layers = Table("layer", "SIMD", "lanes", "rows", "weights", "cycles", "LUT", "DSP", "BRAM36")
    for la, comes_to in zip(outcome.plan.layers, outcome.layers, strict=True):
        used = comes_to.resources
        rows = ", ".join(f"{count} {scheme}" for scheme, count in la.rows.items() if count)
        memory = "in the lanes" if la.lanes.is_constant else la.memory
        figures = (comes_to.cycles, f"{used.lut:.0f}", used.dsp, f"{used.bram36:g}")
        layers.add_row(la.name, str(la.simd), la.lanes.label, rows, memory, *map(str, figures))
    for node in outcome.nodes:
        used, parallel = node.resources, f"{node.simd} x {node.pe}" if node.simd > 1 else node.pe
        figures = (node.cycles, f"{used.lut:.0f}", used.dsp, f"{used.bram36:g}")
        layers.add_row(f"{node.name} ({node.what})", str(parallel), "", "", "", *map(str, figures))
    totals, used = outcome.totals, outcome.totals.resources
    figures_table = Table("figure", "value")
    for name, value in (
        ("frames per second", f"{totals.fps:.1f}"),
        ("at most, as far as the model tells", f"{totals.bound_fps:.1f}"),
        ("GOPS", f"{totals.gops:.2f}"),
        ("LUT / DSP / BRAM36", f"{used.lut:.0f} / {used.dsp} / {used.bram36:g}"),
        ("LUTs that are memory / FF", f"{used.lutram:.0f} / {used.ff:.0f}"),
        ("bottleneck", totals.bottleneck),
        ("limited by", totals.limited_by),
        *(("computed by the processor, and in no figure", name) for name in outcome.on_host),
    ):
        figures_table.add_row(name, value)
    return [layers, _reasons(outcome), figures_table]


def _reasons(outcome: Outcome) -> Table:
    """Why each layer is as it is, and what the next best foldings would change."""
    table = Table("layer", "why, and what else")
    for la in outcome.layers:
        table.add_row(la.name, la.why)
        for other in la.next_best:
            budget = "" if other.fits else ", beyond the budget"
            table.add_row(
                "",
                f"or {other.lanes.label} of SIMD {other.simd}, {other.memory} weights: "
                f"{other.change}, {other.fps:.1f} frames/s{budget}",
            )
    return table


def summary(errors: list[Error]) -> list[dict[str, Any]]:
    """Per family of FPGAs, of each group of nodes and over all: runs, median and worst error.

    Args:
        errors: runs against the model.
    """
    groups: defaultdict[tuple[str, str], list[Error]] = defaultdict(list)
    for error in errors:
        for name in (group(error.point), ALL):
            groups[error.family, name].append(error)
    order = sorted(groups, key=lambda key: (key[0], key[1] == ALL, key[1]))
    return [
        {
            "family": family,
            "nodes": name,
            "runs": len(members),
            "median_lut_error": statistics.median(abs(e.lut) for e in members),
            "worst_lut_error": max(abs(e.lut) for e in members),
            "dsp_exact": all(e.dsp == 0 for e in members),
            "bram_exact": all(e.bram == 0 for e in members),
        }
        for family, name in order
        for members in (groups[family, name],)
    ]


def errors_as_dicts(errors: list[Error]) -> dict[str, Any]:
    """The summary, and every run.

    Args:
        errors: runs against the model.
    """
    runs = [
        {"family": e.family, "point": e.point.key, "lut": e.lut, "dsp": e.dsp, "bram36": e.bram}
        for e in errors
    ]
    return {"held_back": summary(errors), "runs": runs}


def error_tables(errors: list[Error]) -> list[Table]:
    """Errors on the runs held back.

    Args:
        errors: runs against the model.
    """
    table = Table("family", "nodes held back", "runs", "median LUT error", "worst", "DSP, BRAM")
    for row in summary(errors):
        exact = "exact" if row["dsp_exact"] and row["bram_exact"] else "not exact"
        shares = (f"{100 * row[key]:.1f} %" for key in ("median_lut_error", "worst_lut_error"))
        table.add_row(row["family"], row["nodes"], str(row["runs"]), *shares, exact)
    return [table]
