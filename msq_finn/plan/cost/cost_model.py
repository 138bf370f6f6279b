"""Cost model: LUT sites, DSP slices and block RAMs of every node, fitted to synthesis runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from msq_finn.errors import MsqError
from msq_finn.lanes import dsp
from msq_finn.lanes.kind import Features
from msq_finn.plan.cost import stored_runs, sweep
from msq_finn.plan.cost.features import brams, dsps, features, group
from msq_finn.plan.cost.point_kinds import Point


class Cost(NamedTuple):
    """Resources of a node; sums with :func:`add`.

    Attributes:
        lut: LUT sites.
        dsp: DSP slices.
        bram: block RAMs of 36 kbit.
        lutram: of the LUT sites, those that are memory or shift registers.
        ff: flip-flops.
    """

    lut: float = 0.0
    dsp: int = 0
    bram: float = 0.0
    lutram: float = 0.0
    ff: float = 0.0

    def times(self, count: float) -> Cost:
        """Of so many.

        Args:
            count: how many nodes.

        >>> Cost(10, 2, 0.5).times(3).lut
        30
        """
        dsp = int(count * self.dsp)
        lut, bram, lutram, ff = (count * x for x in (self.lut, self.bram, self.lutram, self.ff))
        return Cost(lut, dsp, bram, lutram, ff)


def add(costs: Iterable[Cost]) -> Cost:
    """Sum of costs.

    Args:
        costs: of nodes.

    >>> add([Cost(10, 2, 0.5), Cost(5)])[:3]
    (15.0, 2, 0.5)
    """
    lut, dsp, bram, lutram, ff = 0.0, 0, 0.0, 0.0, 0.0
    for cost in costs:
        lut, dsp, bram = lut + cost.lut, dsp + cost.dsp, bram + cost.bram
        lutram, ff = lutram + cost.lutram, ff + cost.ff
    return Cost(lut, dsp, bram, lutram, ff)


#: DSP slice of the FPGA that runs are made for.
RUNS_BLOCK = dsp.get("DSP48E1")

#: Group of nodes -> feature -> what a unit of it takes.
Coefficients = dict[str, dict[str, float]]


@dataclass(frozen=True)
class CostModel:
    """What a unit of every feature takes, per group of nodes.

    Attributes:
        coefficients: LUT sites.
        lutram: LUT sites that are memory.
        ff: flip-flops.
        dsp_block: kind of DSP slice.
    """

    coefficients: Coefficients
    lutram: Coefficients = field(default_factory=dict)
    ff: Coefficients = field(default_factory=dict)
    dsp_block: str = "DSP48E1"

    @classmethod
    def fit(cls, measured: Iterable[stored_runs.Run], dsp_block: str = "DSP48E1") -> CostModel:
        """Fit to runs: least squares of the error beside the LUT sites, no negative coefficient.

        Args:
            measured: synthesis runs.
            dsp_block: kind of DSP slice, such as "DSP48E1".
        """
        groups: defaultdict[str, list[stored_runs.Run]] = defaultdict(list)
        for run in measured:
            groups[group(run.point)].append(run)
        lut, lutram, ff = (
            {name: _fit(members, resource) for name, members in groups.items()}
            for resource in ("lut_sites", "lut_memory", "ff")
        )
        return cls(lut, lutram, ff, dsp_block)

    def lut(self, point: Point) -> float:
        """LUT sites.

        Args:
            point: the node.

        Raises:
            MsqError: no run of such a node has been fitted.
        """
        return self.cost(point).lut

    def sites(self, name: str, parts: Features) -> Cost:
        """What features of a group of nodes take in LUT sites and flip-flops.

        Args:
            name: of the group of nodes.
            parts: features of a node or of a part of one.

        Raises:
            MsqError: no run of such a node has been fitted.
        """
        if name not in self.coefficients:
            raise MsqError(f"no synthesis runs of {name} nodes; run 'msq-finn characterize'")
        lut, lutram, ff = (
            sum(unit[name][feature] * value for feature, value in parts.items() if value)
            for unit in (self.coefficients, self.lutram, self.ff)
        )
        return Cost(lut, 0, 0.0, lutram, ff)

    def cost(self, point: Point) -> Cost:
        """All resources.

        Args:
            point: the node.
        """
        block = dsp.get(self.dsp_block)
        found = self.sites(group(point), features(point, block))
        return found._replace(dsp=dsps(point, block), bram=brams(point))


class Error(NamedTuple):
    """A run against the model; ``lut`` is relative, the others are differences."""

    point: Point
    lut: float
    dsp: int
    bram: float


def errors(model: CostModel, measured: Iterable[stored_runs.Run]) -> list[Error]:
    """Compare runs with the model.

    Args:
        model: what predicts.
        measured: synthesis runs.
    """
    found = []
    for run in measured:
        cost, took = model.cost(run.point), run.resources
        relative = cost.lut / took.lut_sites - 1
        found.append(Error(run.point, relative, cost.dsp - took.dsp, cost.bram - took.bram36))
    return found


@cache
def default_model(dsp_block: str = "DSP48E1") -> CostModel:
    """The model fitted to the runs that come with the package.

    Args:
        dsp_block: kind of DSP slice, such as "DSP48E1".
    """
    return CostModel.fit(_of(sweep.fitted()), dsp_block)


def held_back_errors() -> list[Error]:
    """Errors of the default model on the runs that it was not fitted to."""
    return errors(default_model(), _of(sweep.held_back()))


def _of(points: Iterable[Point]) -> list[stored_runs.Run]:
    known = stored_runs.load()
    return [known[point.key] for point in points if point.key in known]


def _fit(members: list[stored_runs.Run], resource: str) -> dict[str, float]:
    table = [features(run.point, RUNS_BLOCK) for run in members]
    names = list(dict.fromkeys(name for row in table for name in row))
    taken = np.array([getattr(run.resources, resource) for run in members], dtype=float)
    # Errors count beside the node's size: much of a little memory is still little.
    weights = np.maximum([run.resources.lut_sites for run in members], 1.0)
    matrix = (
        np.array([[float(row.get(name, 0)) for name in names] for row in table]) / weights[:, None]
    )
    found, _ = nnls(matrix, taken / weights)
    return dict(zip(names, found.tolist(), strict=True))
