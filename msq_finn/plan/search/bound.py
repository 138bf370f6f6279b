"""LUTs that no folding goes below, found without a list of its ways.

Layers that have to agree have very many ways together, of which the bound needs few. Columns are
generated as Dantzig and Wolfe do it: a linear program over the ways that are known says what DSP
slices and memories are worth in LUTs, and for a choice of lanes the best way at these prices is the
best of every layer for itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog

from msq_finn.plan.cost.cost_model import add
from msq_finn.plan.search.budget import Budget
from msq_finn.plan.search.candidates import Catalogue
from msq_finn.plan.search.option import FloatArray, IntArray, Table
from msq_finn.silence import silence

#: A bound this near to the optimum, as a share of the LUTs, is good enough.
TOLERANCE = 1e-4

#: What a whole budget too much counts, in budgets of LUTs: more than staying within them costs.
_PENALTY = 1e4


class AgreeingLayers:
    """Layers that have to have equal lanes, by what their lanes cost at given prices.

    Args:
        tables: options, one a layer.
    """

    def __init__(self, tables: Sequence[Table]) -> None:
        common = set(tables[0].lanes).intersection(*(table.lanes for table in tables[1:]))
        number = {lanes: i for i, lanes in enumerate(common)}
        self.choices = len(number)
        self._costs = [table.costs for table in tables]
        self._starts = [table.segments for table in tables]
        # Choices that a layer lacks lie behind the others.
        self._numbers = [
            np.array([number.get(lanes, len(number)) for lanes in table.lanes], dtype=np.int64)
            for table in tables
        ]

    def cheapest(self, prices: FloatArray) -> FloatArray:
        """Resources of the way that costs least.

        Args:
            prices: of each resource, shape (resources,).
        """
        each = list(zip(self._costs, self._starts, self._numbers, strict=True))
        values = [costs @ prices for costs in self._costs]
        total = np.zeros(self.choices + 1)
        for value, (_, starts, numbers) in zip(values, each, strict=True):
            least = np.full(self.choices + 1, np.inf)
            np.minimum.at(least, numbers, np.minimum.reduceat(value, starts))
            total += least
        best, spent = total[:-1].argmin(), np.zeros(len(prices))
        for value, (costs, starts, numbers) in zip(values, each, strict=True):
            has_best = np.repeat(numbers == best, np.diff(starts, append=len(costs)))
            spent += costs[np.where(has_best, value, np.inf).argmin()]
        return spent


def lut_share(catalogue: Catalogue, cycles: int, budget: Budget) -> float:
    """LUTs that shares of ways take at least, of all that a budget has.

    Args:
        catalogue: of the network.
        cycles: target, cycles a frame.
        budget: limits.

    Returns:
        the share; infinite where the rest of the budget is too small, or nothing is so fast.
    """
    groups, nodes = catalogue.tables(cycles), catalogue.nodes(cycles)
    layers = {id(tables): AgreeingLayers(tables) for tables in groups}
    counts = Counter(map(id, groups))
    if any(fold.cycles > cycles for fold, _ in nodes) or not all(
        each.choices for each in layers.values()
    ):
        return math.inf
    fixed = np.array(add(cost for _, cost in nodes), dtype=float)
    every = [(each, counts[key]) for key, each in layers.items()]
    return least_luts(every, fixed, np.array(list(budget), dtype=float))


def least_luts(
    groups: Sequence[tuple[AgreeingLayers, int]], fixed: FloatArray, limits: FloatArray
) -> float:
    """LUTs of the best shares of ways, as a share of the limit; infinite where the rest is short.

    Args:
        groups: layers that have to have equal lanes, and how many such groups there are.
        fixed: resources of all that has one way, LUTs first, shape (resources,).
        limits: of each resource, shape (resources,).
    """
    limits = np.maximum(limits, 1e-9)
    counts = np.array([count for _, count in groups])
    room = 1 - fixed[1:] / limits[1:]
    known = np.empty((0, len(limits)))
    prices, worth = np.zeros(len(room)), np.full(len(groups), np.inf)
    bound, beyond = -math.inf, 0.0
    while True:
        now = np.array([1.0, *prices]) / limits
        ways = np.array([layers.cheapest(now) for layers, _ in groups]) / limits
        values = ways @ [1.0, *prices]
        bound = max(bound, float(counts @ values - prices @ room))
        if counts @ (worth - values) <= TOLERANCE:
            return math.inf if beyond > TOLERANCE else bound + float(fixed[0] / limits[0])
        known = np.concatenate([known, ways])
        beyond, prices, worth = _priced(known, counts, room)


def _priced(
    uses: FloatArray, counts: IntArray, room: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Solve the program over the ways that are known, one a group and then one a group again.

    Returns:
        how far it goes beyond the budgets; what each of them is worth; and what a group costs.
    """
    rounds = len(uses) // len(counts)
    with silence():
        found = linprog(
            [*uses[:, 0], _PENALTY],
            A_ub=np.column_stack([uses[:, 1:].T, -np.ones(len(room))]),
            b_ub=room,
            A_eq=np.column_stack([np.tile(np.eye(len(counts)), rounds), np.zeros(len(counts))]),
            b_eq=counts,
            method="highs-ds",
        )
    return float(found.x[-1]), -found.ineqlin.marginals, found.eqlin.marginals
