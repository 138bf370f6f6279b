"""Frames per second at one SP2:fixed ratio in every layer, as the MSQ paper plans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from msq_finn.lanes.demand import PAIR, Demand
from msq_finn.plan.cost.cost_model import CostModel
from msq_finn.plan.frontend.network import Network
from msq_finn.plan.search.budget import Budget
from msq_finn.plan.search.design import at_share
from msq_finn.plan.search.optimize import maximize

#: Shares of SP2 rows that are tried: all fixed point, 1:3, 1:2, 1:1, 3:2, 2:1, 3:1, all SP2.
SHARES = (0.0, 1 / 4, 1 / 3, 1 / 2, 3 / 5, 2 / 3, 3 / 4, 1.0)


def best_by_share(
    network: Network,
    budget: Budget,
    model: CostModel,
    clk_ns: float,
    progress: Callable[[int, int], None] | None = None,
) -> dict[float, float]:
    """Find the most frames per second for every share of SP2 rows.

    SP2 rows are on LUT lanes, fixed-point rows on DSP lanes. Rows may be of either scheme, as they
    may before training; those of a last layer, whose order is given, are all of one.

    Args:
        network: what to fold.
        budget: limits.
        model: costs.
        clk_ns: clock period in ns.
        progress: told of shares done and their number.

    Returns:
        frames per second by share, without shares at which nothing fits.
    """
    layers = tuple(replace(la, demand=Demand({PAIR: la.mh})) for la in network.layers)
    free = replace(network, layers=layers)
    found = {}
    for index, share in enumerate(SHARES):
        if progress is not None:
            progress(index, len(SHARES))
        design = at_share("one ratio", share)
        solution = maximize(free, budget, model, design)
        if solution is not None:
            found[share] = 1e9 / clk_ns / solution.cycles
    if progress is not None:
        progress(len(SHARES), len(SHARES))
    return found
