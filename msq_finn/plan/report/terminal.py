"""Plans and model errors as tables."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any

from rich.table import Table

from msq_finn.devices import Device
from msq_finn.plan.cost.cost_model import Error
from msq_finn.plan.cost.features import group
from msq_finn.plan.report.outcome import RESOURCE_NAMES, Outcome, PlannedResources

#: What stands for all groups of nodes.
ALL = "all"


def headline(outcome: Outcome, device: Device) -> list[str]:
    """What a plan comes to, in a few lines.

    Args:
        outcome: to show.
        device: the plan's.
    """
    plan, totals, used = outcome.plan, outcome.totals, outcome.totals.resources
    limit = RESOURCE_NAMES.get(totals.limited_by, totals.limited_by)
    shares = (
        ("LUT sites", used.lut, device.lut),
        ("FF", used.ff, device.ff),
        ("DSP", used.dsp, device.dsp),
        ("BRAM36", used.bram36, device.bram36),
    )
    lines = [
        f"{plan.network} on {plan.board} at {1e3 / plan.clk_ns:g} MHz: {totals.fps:,.1f} frames/s "
        f"({totals.gops:,.1f} GOPS), {totals.cycles:,} cycles each",
        f"Slowest: {totals.bottleneck}, limited by {limit}; no plan is faster than "
        f"{totals.bound_fps:,.1f} frames/s",
        ", ".join(f"{used:,.10g} of {there:,} {name} ({used / there:.0%})"
                  for name, used, there in ((n, round(u, 1), t) for n, u, t in shares)),
    ]  # fmt: skip
    for name in outcome.on_host:
        lines.append(f"Computed by the processor, and in no figure: {name}")
    return lines


def layer_table(outcome: Outcome) -> Table:
    """A plan's layers; nodes that are none count in one row.

    Args:
        outcome: to show.
    """
    table = Table("layer", "lanes", "SIMD", "rows", "cycles", "LUT", "DSP", "BRAM36")
    for la, comes_to in zip(outcome.plan.layers, outcome.layers, strict=True):
        rows = ", ".join(f"{count} {scheme}" for scheme, count in la.rows.items() if count)
        simd = f"{la.simd}, {la.pixels} pixels" if la.pixels > 1 else f"{la.simd}"
        decisions = (la.name, la.lanes.label, simd, rows)
        table.add_row(*decisions, f"{comes_to.cycles}", *_taken(comes_to.resources))
    if nodes := outcome.nodes:
        sums = PlannedResources(
            lut=sum(node.resources.lut for node in nodes),
            dsp=sum(node.resources.dsp for node in nodes),
            bram36=sum(node.resources.bram36 for node in nodes),
        )
        slowest = max(node.cycles for node in nodes)
        table.add_row(f"{len(nodes)} other nodes", "", "", "", f"{slowest}", *_taken(sums))
    return table


def details(outcome: Outcome) -> list[Table]:
    """The nodes that are no layers, memories of weights, and why each layer is as it is.

    Args:
        outcome: to show.
    """
    tables = [_reasons(outcome)]
    if outcome.nodes:
        others = Table("node", "what", "parallel", "cycles", "LUT", "DSP", "BRAM36")
        for node in outcome.nodes:
            parallel = f"{node.simd} x {node.pe}" if node.simd > 1 else f"{node.pe}"
            row = (node.name, node.what, parallel, f"{node.cycles}")
            others.add_row(*row, *_taken(node.resources))
        tables.insert(0, others)
    return tables


def _taken(used: PlannedResources) -> tuple[str, str, str]:
    return f"{used.lut:.0f}", f"{used.dsp}", f"{used.bram36:g}"


def _reasons(outcome: Outcome) -> Table:
    """Why each layer is as it is, and what the next best foldings would change."""
    table = Table("layer", "weights", "why, and what else")
    for planned, la in zip(outcome.plan.layers, outcome.layers, strict=True):
        weights = "in the lanes" if planned.lanes.is_constant else planned.memory
        table.add_row(la.name, weights, la.why)
        for other in la.next_best:
            budget = "" if other.fits else ", beyond the budget"
            table.add_row(
                "",
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
