"""The mixed-integer program of a cycle target: a way for each item, within all limits.

Equal items are one with a count, and how often each way is taken is what is asked for: which of
them takes which way would be as many choices, of which none is better.
"""

from __future__ import annotations

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


def relaxed(
    costs: FloatArray, uses: FloatArray, owners: IntArray, counts: IntArray
) -> Relaxed | None:
    """Solve the linear program; None where nothing is within the limits.

    Costs are 0 or more, which is all that is known where the solver gives up.

    Args:
        costs: to keep low, of every way, shape (ways,).
        uses: shares of the limits that every way takes, shape (limits, ways).
        owners: the item of every way, shape (ways,).
        counts: how many ways each item takes, shape (items,).

    >>> relaxed(np.array([1.0, 2]), np.array([[1.5, 0.5]]), np.array([0, 0]), np.array([1])).cost
    1.5
    """
    with silence():
        found = linprog(
            costs,
            A_ub=uses,
            b_ub=np.ones(len(uses)),
            A_eq=_of_each(owners, len(counts)),
            b_eq=counts,
            method="highs-ds",
        )
    if found.status == 2:
        return None
    if found.status:
        return Relaxed(0.0, np.zeros(len(costs)))
    return Relaxed(float(found.fun), found.lower.marginals)


def cheapest(
    costs: FloatArray,
    uses: FloatArray,
    sizes: Sequence[int],
    counts: Sequence[int],
    gap: float = GAP,
) -> tuple[IntArray | None, bool]:
    """Choose as many ways for each item as it takes.

    Args:
        costs: to keep low, of every way, item by item, shape (ways,).
        uses: shares of the limits that every way takes, shape (limits, ways).
        sizes: ways that each item has.
        counts: how many of them each item takes.
        gap: what the choice may count more than the cheapest, as a share.

    Returns:
        how often each way is taken, shape (ways,), or None; and whether None is proven.

    >>> cheapest(np.array([1.0, 2, 1, 3]), np.array([[0.9, 0.4, 0.2, 0.1]]), [2, 2], [1, 2])
    (array([0, 1, 2, 0]), True)
    """
    owners, needed = np.repeat(np.arange(len(sizes)), sizes), np.array(counts)
    within = _within_limits(uses, owners, needed)
    if len(within) == 0:
        return None, True
    bound = relaxed(costs[within], uses[:, within], owners[within], needed)
    if bound is None:
        return None, True
    # No choice with a way costs less than the relaxed optimum and the way's reduced cost.
    near = within[bound.reduced <= CORE]
    if 2 * len(near) > len(within):
        near = within  # one program of all takes less time than two
    taken, proven = _choose(costs, uses, owners, needed, near, gap)
    if taken is not None and (1 - gap) * (costs @ taken) <= bound.cost + CORE:
        return taken, True
    if len(near) < len(within):
        taken, proven = _choose(costs, uses, owners, needed, within, gap)
    return taken, proven


def _within_limits(uses: FloatArray, owners: IntArray, counts: IntArray) -> IntArray:
    """Ways that a choice within all limits may have.

    Of each limit, the others kept, the relaxed optimum and a way's reduced use say the least that a
    choice with the way takes. Near the fastest folding that leaves few, and what takes minutes to
    be proven of all ways is soon proven of those.
    """
    kept = np.arange(len(owners))
    for limit in range(len(uses)):
        use, of = uses[limit, kept], owners[kept]
        most = np.zeros(len(counts))
        np.maximum.at(most, of, use)
        if counts @ most <= 1:
            continue
        least = relaxed(use, np.delete(uses[:, kept], limit, axis=0), of, counts)
        if least is None:
            return kept[:0]
        kept = kept[least.cost + least.reduced <= 1 + SLACK]
    return kept


def _choose(
    costs: FloatArray,
    uses: FloatArray,
    owners: IntArray,
    counts: IntArray,
    ways: IntArray,
    gap: float,
) -> tuple[IntArray | None, bool]:
    """The cheapest choice among some ways; and if there is none, whether it is proven."""
    with silence():
        result = milp(
            costs[ways],
            integrality=np.ones(len(ways)),
            bounds=Bounds(0, counts[owners[ways]]),
            constraints=[
                LinearConstraint(uses[:, ways], ub=1.0),
                LinearConstraint(_of_each(owners[ways], len(counts)), lb=counts, ub=counts),
            ],
            # Nothing beats anything among the ways: looking for what can go takes longest of all.
            options={"time_limit": TIME_LIMIT_S, "mip_rel_gap": gap, "presolve": False},
        )
    if result.x is None:
        return None, result.status == 2
    taken = np.zeros(len(owners), dtype=np.int64)
    taken[ways] = result.x.round()
    return taken, True


def _of_each(owners: IntArray, items: int) -> csr_matrix:
    ways = len(owners)
    return csr_matrix((np.ones(ways), (owners, np.arange(ways))), shape=(items, ways))
