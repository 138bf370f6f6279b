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
from msq_finn.plan.cost.held_back import held_back
from msq_finn.plan.cost.point_kinds import Point
from msq_finn.synth.yosys import family_of


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
            dsp_block: kind of DSP slice of the FPGA that they are of, such as "DSP48E1".
        """
        groups: defaultdict[str, list[stored_runs.Run]] = defaultdict(list)
        for run in measured:
            groups[group(run.point)].append(run)
        block = dsp.get(dsp_block)
        lut, lutram, ff = (
            {name: _fit(members, resource, block) for name, members in groups.items()}
            for resource in ("lut_sites", "lut_memory", "ff")
        )
        return cls(lut, lutram, ff, dsp_block)

    def lut(self, point: Point) -> float:
        """LUT sites.

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
        """All resources."""
        block = dsp.get(self.dsp_block)
        found = self.sites(group(point), features(point, block))
        return found._replace(dsp=dsps(point, block), bram=brams(point))


class Error(NamedTuple):
    """A run against the model; ``lut`` is relative, the others are differences."""

    family: str
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
    found, family = [], family_of(stored_runs.part_of(model.dsp_block))
    for run in measured:
        cost, took = model.cost(run.point), run.resources
        relative = cost.lut / took.lut_sites - 1
        dsps_off, brams_off = cost.dsp - took.dsp, cost.bram - took.bram36
        found.append(Error(family, run.point, relative, dsps_off, brams_off))
    return found


@cache
def default_model(dsp_block: str = "DSP48E1") -> CostModel:
    """The model fitted to the runs that come with the package.

    Args:
        dsp_block: kind of DSP slice, such as "DSP48E1".

    Raises:
        MsqError: no DSP slice is named so.
    """
    return CostModel.fit(_of(sweep.fitted(), dsp_block), dsp_block)


def held_back_errors() -> list[Error]:
    """Errors of the default models, of all families, on the runs that they were not fitted to."""
    return [
        error
        for block in stored_runs.PARTS
        for error in errors(default_model(block), _of(held_back(), block))
    ]


def _of(points: Iterable[Point], dsp_block: str) -> list[stored_runs.Run]:
    known = stored_runs.load(stored_runs.path_of(stored_runs.part_of(dsp_block)))
    return [known[point.key] for point in points if point.key in known]


def _fit(members: list[stored_runs.Run], resource: str, block: dsp.DspBlock) -> dict[str, float]:
    table = [features(run.point, block) for run in members]
    names = list(dict.fromkeys(name for row in table for name in row))
    taken = np.array([getattr(run.resources, resource) for run in members], dtype=float)
    # Errors count beside the node's size: much of a little memory is still little.
    weights = np.maximum([run.resources.lut_sites for run in members], 1.0)
    matrix = (
        np.array([[float(row.get(name, 0)) for name in names] for row in table]) / weights[:, None]
    )
    found, _ = nnls(matrix, taken / weights)
    return dict(zip(names, found.tolist(), strict=True))
