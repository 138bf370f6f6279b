"""Cost model: LUT sites, DSP slices and block RAMs of every node, fitted to synthesis runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from msq_finn.errors import MsqError
from msq_finn.plan import runs, sweep
from msq_finn.plan.features import FEATURES, brams, dsps, group
from msq_finn.plan.lane_features import Features
from msq_finn.plan.points import Point


class Cost(NamedTuple):
    """Resources of a node; sums with ``+`` of :func:`add`."""

    lut: float = 0.0
    dsp: int = 0
    bram: float = 0.0


def add(costs: Iterable[Cost]) -> Cost:
    """Sum of costs.

    >>> add([Cost(10, 2, 0.5), Cost(5)])
    Cost(lut=15.0, dsp=2, bram=0.5)
    """
    lut, dsp, bram = 0.0, 0, 0.0
    for cost in costs:
        lut, dsp, bram = lut + cost.lut, dsp + cost.dsp, bram + cost.bram
    return Cost(lut, dsp, bram)


@dataclass(frozen=True)
class CostModel:
    """LUT sites of a unit of every feature, per group of nodes.

    Args:
        coefficients: group -> feature -> LUT sites.
        dsp_block: kind of DSP slice.
    """

    coefficients: dict[str, dict[str, float]]
    dsp_block: str = "DSP48E1"

    @classmethod
    def fit(cls, measured: Iterable[runs.Run], dsp_block: str = "DSP48E1") -> CostModel:
        """Fit to runs: least squares of the relative error, no negative coefficient."""
        groups: defaultdict[str, list[runs.Run]] = defaultdict(list)
        for run in measured:
            groups[group(run.point)].append(run)
        return cls({name: _fit(members) for name, members in groups.items()}, dsp_block)

    def lut(self, point: Point) -> float:
        """LUT sites.

        Raises:
            MsqError: no run of such a node has been fitted.
        """
        return self.sites(group(point), FEATURES[type(point)](point))

    def sites(self, name: str, features: Features) -> float:
        """LUT sites of features of a group of nodes.

        Raises:
            MsqError: no run of such a node has been fitted.
        """
        if name not in self.coefficients:
            raise MsqError(f"no synthesis runs of {name} nodes; run 'msq-finn characterize'")
        unit = self.coefficients[name]
        return sum(unit[feature] * value for feature, value in features.items())

    def cost(self, point: Point) -> Cost:
        """All resources."""
        return Cost(self.lut(point), dsps(point, self.dsp_block), brams(point))


class Error(NamedTuple):
    """A run against the model; ``lut`` is relative, the others are differences."""

    point: Point
    lut: float
    dsp: int
    bram: float


def errors(model: CostModel, measured: Iterable[runs.Run]) -> list[Error]:
    """Compare runs with the model."""
    found = []
    for run in measured:
        cost, took = model.cost(run.point), run.resources
        relative = cost.lut / took.lut_sites - 1
        found.append(Error(run.point, relative, cost.dsp - took.dsp, cost.bram - took.bram36))
    return found


@cache
def default_model(dsp_block: str = "DSP48E1") -> CostModel:
    """The model fitted to the runs that come with the package."""
    return CostModel.fit(_of(sweep.fitted()), dsp_block)


def held_back_errors() -> list[Error]:
    """Errors of the default model on the runs that it was not fitted to."""
    return errors(default_model(), _of(sweep.held_back()))


def _of(points: Iterable[Point]) -> list[runs.Run]:
    known = runs.load()
    return [known[point.key] for point in points if point.key in known]


def _fit(members: list[runs.Run]) -> dict[str, float]:
    table = [FEATURES[type(run.point)](run.point) for run in members]
    names = list(table[0])
    sites = np.array([run.resources.lut_sites for run in members], dtype=float)
    matrix = np.array([[float(row[name]) for name in names] for row in table]) / sites[:, None]
    found, _ = nnls(matrix, np.ones(len(sites)))
    return dict(zip(names, found.tolist(), strict=True))
