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


#: Of a limit, what the solver may be off by.
SLACK = 1e-7


class Relaxed(NamedTuple):
    """The optimum where shares of ways may be built, which no choice of whole ways goes below.

    Attributes:
        cost: of the optimum.
        reduced: what every way adds to it at least, where a choice has that way, shape (ways,).
    """

    cost: float
    reduced: FloatArray


def relaxed(costs: FloatArray, uses: FloatArray, sizes: Sequence[int] | IntArray) -> Relaxed | None:
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
    owners = _owners(sizes)
    within = _within_limits(uses, owners)
    left = _sizes(owners[within], len(sizes))
    bound = relaxed(costs[within], uses[:, within], left) if left.all() else None
    if bound is None:
        return None, True
    starts = np.searchsorted(owners, np.arange(len(sizes)))
    # No choice with a way costs less than the relaxed optimum and the way's reduced cost.
    near = within[bound.reduced <= CORE]
    chosen, cost, proven = _choose(costs, uses, owners, near, gap)
    if chosen is not None and (1 - gap) * cost <= bound.cost + CORE:
        return (chosen - starts).tolist(), True
    if len(near) < len(within):
        chosen, _, proven = _choose(costs, uses, owners, within, gap)
    return (None, proven) if chosen is None else ((chosen - starts).tolist(), True)


def _within_limits(uses: FloatArray, owners: IntArray) -> IntArray:
    """Ways that a choice within all limits may have.

    Of each limit, the others kept, the relaxed optimum and a way's reduced use say the least that a
    choice with the way takes. Near the fastest folding that leaves few, and what takes minutes to
    be proven of all ways is soon proven of those.
    """
    items = owners[-1] + 1
    kept = np.arange(len(owners))
    for limit in range(len(uses)):
        use, sizes = uses[limit, kept], _sizes(owners[kept], items)
        if not sizes.all():
            break
        most = np.maximum.reduceat(use, np.cumsum([0, *sizes[:-1]])).sum()
        if most <= 1:
            continue
        least = relaxed(use, np.delete(uses[:, kept], limit, axis=0), sizes)
        if least is None:
            return kept[:0]
        kept = kept[least.cost + least.reduced <= 1 + SLACK]
    return kept


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


def _owners(sizes: Sequence[int] | IntArray) -> IntArray:
    """The item of every way."""
    return np.repeat(np.arange(len(sizes)), sizes)


def _sizes(owners: IntArray, items: int) -> IntArray:
    """Ways that each item has."""
    return np.bincount(owners, minlength=items)


def _one_each(owners: IntArray) -> csr_matrix:
    return csr_matrix((np.ones(len(owners)), (owners, np.arange(len(owners)))))
