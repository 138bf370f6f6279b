"""The mixed-integer program of a cycle target: one way for each item, within all limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix

from msq_finn.plan.search.option import FloatArray, IntArray
from msq_finn.silence import silence

#: Seconds for one program, which takes up to three: a busy machine is to plan what an idle one
#: does. The search goes on with what is known by then.
TIME_LIMIT_S = 60.0

#: A choice may count this much more than the cheapest, as a share.
GAP = 0.005

#: Ways that make a choice cost this much more than the relaxed program's optimum are left out at
#: first: a cheapest choice is mostly nearer to it.
CORE = 0.003


class Relaxed(NamedTuple):
    """The optimum where shares of ways may be built, which no choice of whole ways goes below.

    Attributes:
        cost: of the optimum.
        reduced: what every way adds to it at least, where a choice has that way, shape (ways,).
    """

    cost: float
    reduced: FloatArray


def relaxed(costs: FloatArray, uses: FloatArray, sizes: Sequence[int]) -> Relaxed | None:
    """Solve the linear program; None where nothing is within the limits.

    Costs are 0 or more, which is all that is known where the solver gives up.

    Args:
        costs: to keep low, of every way, item by item, shape (ways,).
        uses: shares of the limits that every way takes, shape (limits, ways).
        sizes: ways that each item has.

    >>> relaxed(np.array([1.0, 2]), np.array([[1.5, 0.5]]), [2]).cost
    1.5
    """
    with silence():
        found = linprog(
            costs,
            A_ub=uses,
            b_ub=np.ones(len(uses)),
            A_eq=_one_each(_owners(sizes)),
            b_eq=np.ones(len(sizes)),
            method="highs-ds",
        )
    if found.status == 2:
        return None
    if found.status:
        return Relaxed(0.0, np.zeros(len(costs)))
    return Relaxed(float(found.fun), found.lower.marginals)


def cheapest(
    costs: FloatArray, uses: FloatArray, sizes: Sequence[int], gap: float = GAP
) -> tuple[list[int] | None, bool]:
    """Choose a way for each item.

    Args:
        costs: to keep low, of every way, item by item, shape (ways,).
        uses: shares of the limits that every way takes, shape (limits, ways).
        sizes: ways that each item has.
        gap: what the choice may count more than the cheapest, as a share.

    Returns:
        the number of the way of each item, or None; and whether None is proven.

    >>> cheapest(np.array([1.0, 2, 1, 3]), np.array([[0.9, 0.4, 0.5, 0.1]]), [2, 2])
    ([1, 0], True)
    """
    bound = relaxed(costs, uses, sizes)
    if bound is None:
        return None, True
    owners, every = _owners(sizes), np.arange(len(costs))
    starts = np.searchsorted(owners, np.arange(len(sizes)))
    # No choice with a way costs less than the relaxed optimum and the way's reduced cost.
    near = every[bound.reduced <= CORE]
    chosen, cost, _ = _choose(costs, uses, owners, near, gap)
    if chosen is not None and (1 - gap) * cost <= bound.cost + CORE:
        return (chosen - starts).tolist(), True
    chosen, _, proven = _choose(costs, uses, owners, every, gap)
    return (None, proven) if chosen is None else ((chosen - starts).tolist(), True)


def _choose(
    costs: FloatArray, uses: FloatArray, owners: IntArray, ways: IntArray, gap: float
) -> tuple[IntArray | None, float, bool]:
    """The cheapest choice among some ways, its cost, and if there is none, whether it is proven."""
    with silence():
        result = milp(
            costs[ways],
            integrality=np.ones(len(ways)),
            bounds=Bounds(0, 1),
            constraints=[
                LinearConstraint(uses[:, ways], ub=1.0),
                LinearConstraint(_one_each(owners[ways]), lb=1.0, ub=1.0),
            ],
            # Nothing beats anything among the ways: looking for what can go takes longest of all.
            options={"time_limit": TIME_LIMIT_S, "mip_rel_gap": gap, "presolve": False},
        )
    if result.x is None:
        return None, math.inf, result.status == 2
    return ways[result.x > 0.5], float(result.fun), True


def _owners(sizes: Sequence[int]) -> IntArray:
    """The item of every way."""
    return np.repeat(np.arange(len(sizes)), sizes)


def _one_each(owners: IntArray) -> csr_matrix:
    return csr_matrix((np.ones(len(owners)), (owners, np.arange(len(owners)))))
