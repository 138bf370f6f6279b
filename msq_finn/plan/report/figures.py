"""A picture of a plan: what the ratio is worth, and where the resources go."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from msq_finn.devices import Device, device_of_part
from msq_finn.plan.cost.cost_model import default_model
from msq_finn.plan.frontend.network import Network
from msq_finn.plan.report.outcome import Outcome
from msq_finn.plan.search.budget import Budget
from msq_finn.plan.search.ratios import best_by_share
from msq_finn.progress import Progress, silent

SP2, BOOTH, DSP, OTHER = "#2a6f97", "#6a994e", "#e07a5f", "#b8b8b8"


def picture(
    network: Network, outcome: Outcome, dsp_block: str, progress: Progress = silent
) -> Figure:
    """Draw a plan, with the search for every ratio that it takes; see :func:`draw`.

    Args:
        network: that was planned.
        outcome: its plan, with what it comes to.
        dsp_block: kind of the board's DSP slices.
        progress: told of ratios.
    """
    plan = outcome.plan
    device = device_of_part(plan.part)
    budget = Budget.of(device, **plan.budget.model_dump())
    by_share = best_by_share(
        network,
        budget,
        default_model(dsp_block),
        plan.clk_ns,
        lambda done, total: progress("Ratios", done, total),
    )
    return draw(outcome, by_share, device)


def draw(outcome: Outcome, by_share: dict[float, float], device: Device) -> Figure:
    """Draw throughput against the SP2:fixed ratio, and the resources of each layer.

    Args:
        outcome: what is drawn.
        by_share: frames per second by share of SP2 rows, as from
            :func:`msq_finn.plan.search.ratios.best_by_share`.
        device: of the plan's board; resources are drawn as shares of its.
    """
    plan = outcome.plan
    height = 2.5 + 0.28 * len(plan.layers)
    figure = Figure(figsize=(11, max(4.0, height)), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=[2, 3])
    _draw_ratios(left, outcome, by_share)
    _draw_resources(right, outcome, device)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    totals = outcome.totals
    figure.suptitle(
        f"{plan.network} on {plan.board}: {totals.fps:,.0f} frames/s at {1e3 / plan.clk_ns:g} MHz,"
        f" limited by {totals.limited_by}"
    )
    return figure


def _draw_ratios(axes: Any, outcome: Outcome, by_share: dict[float, float]) -> None:
    shares = sorted(by_share)
    axes.plot(shares, [by_share[s] for s in shares], "o-", color=SP2, label="most at one ratio")
    layers = outcome.plan.layers
    share = sum(la.rows.get("sp2_4", 0) for la in layers) / sum(la.mh for la in layers)
    axes.plot(
        [share],
        [outcome.totals.fps],
        "*",
        color=DSP,
        markersize=14,
        label="this plan",
        clip_on=False,
        zorder=3,
    )
    axes.set(
        xlabel="share of SP2 rows (SP2 on LUTs, fixed point on DSPs)",
        ylabel="frames/s",
        xlim=(-0.04, 1.04),
        ylim=(0, None),
    )
    axes.grid(axis="y", alpha=0.3)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)


def _draw_resources(axes: Any, outcome: Outcome, device: Device) -> None:
    layers = outcome.layers
    names = [layer.name for layer in layers]
    places = np.arange(len(names))
    for offset, label, colour, of in (
        (-0.27, "LUT", SP2, [la.resources.lut / device.lut for la in layers]),
        (0.0, "DSP", DSP, [la.resources.dsp / device.dsp for la in layers]),
        (0.27, "BRAM36", OTHER, [la.resources.bram36 / device.bram36 for la in layers]),
    ):
        axes.barh(places + offset, 100 * np.array(of), height=0.25, color=colour, label=label)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlabel(f"% of {device.name.upper()}")
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
