"""The bound on LUTs against a linear program over every way, listed one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

from msq_finn.devices import DEVICES
from msq_finn.lanes import LaneCounts
from msq_finn.plan.cost.cost_model import default_model
from msq_finn.plan.frontend import zoo
from msq_finn.plan.search.bound import TOLERANCE, AgreeingLayers, least_luts, lut_share
from msq_finn.plan.search.budget import Budget
from msq_finn.plan.search.candidates import Catalogue
from msq_finn.plan.search.design import MSQ
from msq_finn.plan.search.option import COLUMNS, Block, Table

LANES = [LaneCounts({"sp2_4_lut": n, "fixed_4_dsp": 4 - n}) for n in range(4)]


def random_table(rng: np.random.Generator) -> Table:
    """Two blocks of some lanes, so that lanes of both have rows in two places."""
    blocks = []
    for simd in (1, 2):
        lanes = [LANES[i] for i in rng.choice(4, rng.integers(1, 5), replace=False)]
        around = [("block", None, None, row) for row in rng.uniform(0, 1, (2, COLUMNS)).tolist()]
        blocks.append(Block(simd, lanes, rng.uniform(0, 5, (len(lanes), COLUMNS)), around, 1))
    return Table.of(blocks)


def ways(tables: list[Table]) -> np.ndarray:
    """Costs of every choice of rows of equal lanes."""
    found = []
    for rows in product(*(range(len(table.costs)) for table in tables)):
        lanes = [
            table.lanes[np.searchsorted(table.segments, row, side="right") - 1]
            for table, row in zip(tables, rows, strict=True)
        ]
        if len(set(lanes)) == 1:
            found.append(sum(t.costs[row] for t, row in zip(tables, rows, strict=True)))
    return np.array(found)


def listed(items: list[np.ndarray], fixed: np.ndarray, limits: np.ndarray) -> float:
    """The optimum where shares of all ways may be built."""
    costs = np.concatenate(items) / limits
    owners = np.repeat(np.arange(len(items)), [len(item) for item in items])
    found = linprog(
        costs[:, 0],
        A_ub=costs[:, 1:].T,
        b_ub=1 - fixed[1:] / limits[1:],
        A_eq=(owners == np.arange(len(items))[:, None]).astype(float),
        b_eq=np.ones(len(items)),
    )
    return found.fun + fixed[0] / limits[0] if found.status == 0 else np.inf


@pytest.mark.parametrize("seed", range(12))
def test_bound_is_that_of_all_ways(seed):
    rng = np.random.default_rng(seed)
    groups = [[random_table(rng) for _ in range(n)] for n in (1, 2, 3)]
    fixed = rng.uniform(0, 0.5, COLUMNS)
    items = [ways(group) for group in groups]
    if not all(map(len, items)):
        assert not all(AgreeingLayers(group).choices for group in groups)
        return
    each = [1, 2, 1]
    every = [item for item, count in zip(items, each, strict=True) for _ in range(count)]
    least = sum(item.min(axis=0) for item in every) + fixed
    most = sum(item.max(axis=0) for item in every) + fixed
    for share in (0.1, 0.3, 0.5, 1.0):
        limits = least + share * (most - least)
        limits[3] = np.inf
        wanted = listed(every, fixed, limits)
        found = least_luts(
            [(AgreeingLayers(g), n) for g, n in zip(groups, each, strict=True)], fixed, limits
        )
        assert found == pytest.approx(wanted, abs=TOLERANCE), share
        # It is a bound, whatever it is short of the optimum.
        assert found <= wanted + 1e-6
    assert (
        least_luts([(AgreeingLayers(groups[0]), 1)], fixed, 0.9 * (items[0].min(axis=0) + fixed))
        == np.inf
    )


@pytest.mark.parametrize(("network", "cycles"), [("resnet8", 5000), ("kws_mlp", 300)])
def test_bound_of_a_network(network, cycles):
    """The catalogue's ways, of which none beats another, have the same bound."""
    catalogue = Catalogue(zoo.NETWORKS[network](), MSQ, default_model())
    budget = Budget.of(DEVICES["xc7z020"])
    *items, nodes = (item.costs for item in catalogue.items(cycles))
    wanted = listed(items, nodes[0], np.array(list(budget)))
    assert lut_share(catalogue, cycles, budget) == pytest.approx(wanted, abs=TOLERANCE)
    assert wanted < np.inf
