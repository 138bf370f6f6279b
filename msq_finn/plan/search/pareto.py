"""What remains of alternatives when those go that another beats in everything."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from msq_finn.plan.cost.cost_model import Cost


class _Choice(Protocol):
    @property
    def cost(self) -> Cost: ...


_AnyChoice = TypeVar("_AnyChoice", bound=_Choice)


def pareto(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows that no other row beats or equals in every column; of equal rows, the first.

    Args:
        costs: shape (rows, 3), numbers that should be small.

    >>> pareto(np.array([[1.0, 5, 0], [2, 5, 0], [2, 4, 0], [1, 5, 0]])).tolist()
    [0, 2]
    """
    # Nothing is beaten by what comes later in this order. Of what came before, the second and the
    # third cost that nothing beats make a staircase: one goes up where the other goes down.
    order = np.lexsort(costs.T[::-1])
    seconds: list[float] = []
    thirds: list[float] = []
    kept = []
    for row, (_, second, third) in zip(order.tolist(), costs[order].tolist(), strict=True):
        before = bisect_right(seconds, second)
        if before and thirds[before - 1] <= third:
            continue
        kept.append(row)
        start = end = bisect_left(seconds, second)
        while end < len(thirds) and thirds[end] >= third:
            end += 1
        seconds[start:end] = [second]
        thirds[start:end] = [third]
    return np.array(sorted(kept), dtype=np.int64)


def least_memory(found: Iterable[_AnyChoice]) -> list[_AnyChoice]:
    """Drop what another beats in both LUTs and block RAM.

    Args:
        found: alternatives.
    """
    kept: list[_AnyChoice] = []
    for item in sorted(found, key=lambda item: (item.cost.lut, item.cost.bram)):
        if not kept or item.cost.bram < kept[-1].cost.bram:
            kept.append(item)
    return kept
