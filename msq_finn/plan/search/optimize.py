"""The best folding of a network for a board: an outer search over cycle targets; for each target,
a mixed-integer program that picks one option a layer within the board's resources.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from msq_finn.plan.cost.cost_model import Cost, CostModel, add
from msq_finn.plan.frontend.network import Fold, Network
from msq_finn.plan.search.bound import lut_share
from msq_finn.plan.search.budget import RESOURCES, Budget
from msq_finn.plan.search.candidates import Catalogue
from msq_finn.plan.search.design import MSQ, Design
from msq_finn.plan.search.option import Bundle, Item, Option
from msq_finn.plan.search.program import GAP, cheapest

#: What shares of LUTs, DSPs and block RAMs count when the cheapest folding is looked for: LUTs are
#: what routing needs most, and what other designs lack.
SCARCITY = (1.0, 0.1, 0.1, 0.0, 0.0)

#: What a budget would have to be is found to within this share: a closer figure helps nobody, and
#: took half of all the time.
NEEDS_GAP = 0.01


#: Hardly ever short: one program tells mostly of both that they are not.
PLENTY = ("lutram", "ff")


@dataclass(frozen=True)
class Solution:
    """A folding.

    Attributes:
        options: one a layer, in the network's order.
        nodes: folding and cost of every node that is no layer, in the network's order.
        cycles: a frame, of the slowest node.
        bound: cycles that no folding goes below (as far as options and model tell).
        cost: of everything.
        limited_by: what stops a faster one: "lut", "dsp", "bram", or "folding" where there is none.
        shortfall: per resource, the share of its budget that the next faster target needs if only
            this one were without limit.
    """

    options: tuple[Option, ...]
    nodes: tuple[tuple[Fold, Cost], ...]
    cycles: int
    bound: int
    cost: Cost
    limited_by: str
    shortfall: dict[str, float] = field(default_factory=dict)

    @property
    def gap(self) -> float:
        """How much faster a folding might be at most, as a share.

        >>> round(Solution((), (), 100, 99, Cost(), "lut").gap, 4)
        0.0101
        """
        return self.cycles / self.bound - 1


def solve(catalogue: Catalogue, cycles: int, budget: Budget) -> tuple[list[Bundle] | None, bool]:
    """Find the cheapest folding that meets a cycle target within a budget.

    Args:
        catalogue: of the network.
        cycles: target.
        budget: limits.

    Returns:
        one bundle a group, or None; and whether None is proven.
    """
    items = catalogue.items(cycles)
    if not all(len(item) for item in items):
        return None, True
    return _solve_items(items, budget)


def _solve_items(
    items: list[Item],
    budget: Budget,
    without: Collection[str] = (),
    weights: Sequence[float] = SCARCITY,
) -> tuple[list[Bundle] | None, bool]:
    """As `solve`; with no limit on some resources, and what shares of the budgets count."""
    counts = Counter(items)  # equal groups have one item in common
    limits = np.array(list(budget), dtype=float)
    # Shares of the budgets: numbers near 1 for the solver.
    uses = [item.costs.T / np.maximum(limits, 1e-9)[:, None] for item in counts]
    limited = [name not in without for name in RESOURCES]
    least = sum(n * use.min(axis=1) for use, n in zip(uses, counts.values(), strict=True))
    if (least > 1)[limited].any():
        return None, True
    use = np.concatenate(uses, axis=1)
    sizes, gap = [len(item) for item in counts], NEEDS_GAP if without else GAP
    taken, proven = cheapest(np.array(weights) @ use, use[limited], sizes, [*counts.values()], gap)
    if taken is None:
        return None, proven
    starts = np.cumsum([0, *sizes[:-1]])
    ways = {
        item: iter(np.repeat(np.arange(size), taken[start : start + size]).tolist())
        for item, start, size in zip(counts, starts, sizes, strict=True)
    }
    return [item.bundle(next(ways[item])) for item in items], True


def maximize(
    network: Network,
    budget: Budget,
    model: CostModel,
    design: Design = MSQ,
    progress: Callable[[int, int], None] | None = None,
) -> Solution | None:
    """Find the fastest folding within a budget.

    The possible bottlenecks of a network are known: a search over them finds the fastest that
    fits. The next faster one is proven not to fit, or else counts as the bound's gap.

    Args:
        network: what to fold.
        budget: limits.
        model: costs.
        design: kinds of lanes to use.
        progress: called with steps done and their number.

    Returns:
        the folding, or None where even the smallest does not fit.
    """
    catalogue = Catalogue(network, design, model)
    targets = catalogue.targets.reachable()
    proven_below = low = _first_relaxed(catalogue, targets, budget, progress)
    # Whole ways fit from a little later on, mostly the next: ever larger steps, then by halves.
    high, step = len(targets), 2
    best: list[Bundle] | None = None
    while low < high:
        trial = min(low + step, high) - 1 if best is None else (low + high) // 2
        bundles, proven = solve(catalogue, targets[trial], budget)
        if bundles is not None:
            best, high = bundles, trial
        else:
            low, step = trial + 1, 2 * step
            if proven:
                proven_below = low
    if best is None:
        return None
    bound = targets[min(proven_below, high)]
    faster = targets[high - 1] if high else 0
    limited_by, shortfall = what_limits(catalogue, faster, budget)
    return _solution(catalogue, best, targets[high], bound, limited_by, shortfall)


def _first_relaxed(
    catalogue: Catalogue,
    targets: Sequence[int],
    budget: Budget,
    progress: Callable[[int, int], None] | None,
) -> int:
    """Index of the fastest target that fits, if shares of ways could be built; their number for
    none.
    """
    first = bisect_left(targets, catalogue.targets.fastest())
    steps, done = (len(targets) - first).bit_length(), count(1)

    def fits(index: int) -> bool:
        share = lut_share(catalogue, targets[index], budget)
        if progress is not None:
            progress(next(done), steps)
        return share <= 1

    return bisect_left(range(len(targets)), True, lo=first, key=fits)


def _spent(catalogue: Catalogue, bundles: list[Bundle], cycles: int) -> Cost:
    nodes = (cost for _, cost in catalogue.nodes(cycles))
    return add((*(option.cost for bundle in bundles for option in bundle), *nodes))


def meet(
    network: Network,
    cycles: int,
    budget: Budget,
    model: CostModel,
    design: Design = MSQ,
) -> Solution | None:
    """Find the cheapest folding that meets a cycle target; None where the budget is too small.

    Args:
        network: what to fold.
        cycles: target, cycles a frame.
        budget: limits.
        model: costs.
        design: kinds of lanes to use.
    """
    catalogue = Catalogue(network, design, model)
    bundles, _ = solve(catalogue, cycles, budget)
    return None if bundles is None else _solution(catalogue, bundles, cycles, 0, "target", {})


def _solution(
    catalogue: Catalogue,
    bundles: list[Bundle],
    target: int,
    bound: int,
    limited_by: str,
    shortfall: dict[str, float],
) -> Solution:
    names = [layer.name for group in catalogue.groups() for layer in group]
    by_name = dict(zip(names, (o for bundle in bundles for o in bundle), strict=True))
    options = tuple(by_name[layer.name] for layer in catalogue.network.layers)
    nodes = tuple(catalogue.nodes(target))
    cycles = max((*(o.cycles for o in options), *(fold.cycles for fold, _ in nodes)))
    cost = add((*(o.cost for o in options), *(cost for _, cost in nodes)))
    bound = min(bound, cycles) or cycles
    return Solution(options, nodes, cycles, bound, cost, limited_by, shortfall)


def what_limits(catalogue: Catalogue, cycles: int, budget: Budget) -> tuple[str, dict[str, float]]:
    """Which budget, were it without limit, would let a target fit.

    Args:
        catalogue: of the network.
        cycles: target that does not fit.
        budget: limits.

    Returns:
        of such budgets the one that must grow the least; and for each the share of it that the
        target needs. "folding" and none where no folding reaches the target, "several budgets"
        where more than one must grow.
    """
    items = catalogue.items(cycles) if cycles >= catalogue.targets.fastest() else []
    if not all(len(item) for item in items) or not items:
        return "folding", {}
    limits = dict(zip(RESOURCES, budget, strict=True))
    names = [name for name, limit in limits.items() if math.isfinite(limit)]
    # Where nothing counts, it is soonest known that there is nothing.
    if _solve_items(items, budget, PLENTY, [0.0] * len(RESOURCES))[0] is None:
        names = [name for name in names if name not in PLENTY]
    needed = {}
    for name in names:
        bundles, _ = _solve_items(items, budget, [name], [float(r == name) for r in RESOURCES])
        if bundles is not None:
            spent = _spent(catalogue, bundles, cycles)
            needed[name] = getattr(spent, name) / limits[name] if limits[name] else math.inf
    if not needed:
        return "several budgets", {}
    return min(needed, key=lambda name: needed[name]), needed
