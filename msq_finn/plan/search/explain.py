"""Why each layer is folded as it is, and what else there was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from msq_finn.plan.cost.cost_model import Cost, add
from msq_finn.plan.frontend.network import Layer
from msq_finn.plan.search.budget import Budget
from msq_finn.plan.search.candidates import Catalogue
from msq_finn.plan.search.optimize import Solution
from msq_finn.plan.search.option import Option, Table

#: Alternatives within the plan's cycles that are listed for a layer.
NEAREST = 2


@dataclass(frozen=True)
class Choice:
    """A layer's folding among others.

    Attributes:
        option: what was chosen.
        why: what decided.
        others: foldings within the same cycles that take less of some resource, those with the
            nearest ones, then the cheapest that is slower than the plan.
        fits: for each of the others, whether the network still fits the budget with it.
    """

    option: Option
    why: str
    others: list[Option]
    fits: list[bool]


def choices(catalogue: Catalogue, solution: Solution, budget: Budget) -> list[Choice]:
    """Explain a solution, layer by layer in the network's order.

    Args:
        catalogue: of the network.
        solution: to explain.
        budget: limits.
    """
    reasons = _Reasons(catalogue, solution.cycles)
    found = []
    for layer, option in zip(catalogue.network.layers, solution.options, strict=True):
        slower = reasons.slower(layer)
        others = [*reasons.nearest(layer, option), *([slower] if slower else [])]
        rest = [o.cost for o in solution.options if o is not option]
        rest += [cost for _, cost in solution.nodes]
        fits = [_fits(add((*rest, other.cost)), budget) for other in others]
        why = _why(option, solution.cycles, slower, reasons.faster(layer))
        found.append(Choice(option, why, others, fits))
    return found


def difference(other: Cost, own: Cost) -> str:
    """What another folding takes beyond one's own.

    Args:
        other: of the other folding.
        own: of one's own.

    >>> difference(Cost(900, 8, 1.5), Cost(1000, 4, 1.5))
    '-100 LUT, +4 DSP'
    """
    parts = [
        f"{change:+g} {name}"
        for name, change in (
            ("LUT", round(other.lut - own.lut)),
            ("DSP", other.dsp - own.dsp),
            ("BRAM36", other.bram - own.bram),
        )
        if change
    ]
    return ", ".join(parts) or "nothing"


class _Reasons:
    """Foldings of single layers, faster and slower than the plan."""

    def __init__(self, catalogue: Catalogue, cycles: int) -> None:
        self.catalogue = catalogue
        self.cycles = cycles
        self._tables: dict[tuple[Layer, int, int], Table] = {}

    def nearest(self, layer: Layer, own: Option) -> list[Option]:
        """Foldings as fast as the plan that save something, with the nearest costs; one a cost."""
        table = self._table(layer, self.cycles)
        order = np.argsort(_distances(table.costs, own.cost), kind="stable")
        found: list[Option] = []
        for row in order[: 64 * (NEAREST + 1)]:
            option = table.option(int(row))
            built = {(o.simd, o.lanes, o.memory) for o in (own, *found)}
            # Layers whose outputs meet in an add keep equal lanes.
            if (
                (option.simd, option.lanes, option.memory) not in built
                and (not layer.group or option.lanes == own.lanes)
                and _saves(option.cost, own.cost)
            ):
                found.append(option)
            if len(found) == NEAREST:
                break
        return found

    def slower(self, layer: Layer) -> Option | None:
        """The cheapest at the next slower folding of the lanes."""
        targets = [c for c in self.catalogue.targets.of_lanes(layer) if c > self.cycles]
        found = self._cheapest(layer, min(targets)) if targets else None
        return found if found is not None and found.cycles > self.cycles else None

    def faster(self, layer: Layer) -> Option | None:
        """The cheapest at the next faster folding of the lanes."""
        targets = [c for c in self.catalogue.targets.of_lanes(layer) if c < self.cycles]
        return self._cheapest(layer, max(targets)) if targets else None

    def _cheapest(self, layer: Layer, cycles: int) -> Option | None:
        table = self._table(layer, cycles)
        if not len(table.costs):
            return None
        return table.option(int(np.argmin(_weights(table.costs))))

    def _table(self, layer: Layer, cycles: int) -> Table:
        key = (*self.catalogue.key(layer, cycles), cycles)
        if key not in self._tables:
            self._tables[key] = self.catalogue.table(layer, cycles)
        return self._tables[key]


def _weights(costs: np.ndarray) -> np.ndarray:
    """One number a cost; a DSP slice or half a block RAM weighs as a hundred LUTs."""
    weighted: np.ndarray = np.abs(costs) @ np.array([1.0, 100.0, 200.0, 0.0, 0.0])
    return weighted


def _distances(costs: np.ndarray, own: Cost) -> np.ndarray:
    return _weights(costs - np.array(own, dtype=float))


def _saves(other: Cost, own: Cost) -> bool:
    """Whether a folding takes less of something that a reader sees."""
    pairs = ((round(other.lut), round(own.lut)), (other.dsp, own.dsp), (other.bram, own.bram))
    return any(theirs < ours for theirs, ours in pairs)


def _fits(cost: Cost, budget: Budget) -> bool:
    return all(used <= limit for used, limit in zip(cost, budget, strict=True))


def _why(option: Option, cycles: int, slower: Option | None, faster: Option | None) -> str:
    if option.cycles < cycles:
        text = f"least resources beside the other layers' within {cycles} cycles"
        if slower is not None:
            text += f"; the next smaller folding takes {slower.cycles}"
        return text
    slow = {"window": ", by its windows", "thresholds": ", by its thresholds"}
    text = f"bottleneck{slow.get(option.slowest, '')}"
    if faster is None:
        return f"{text}: no folding is faster"
    return f"{text}: {faster.cycles} cycles would take {difference(faster.cost, option.cost)}"
