"""The program of a cycle target against every choice, tried one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from msq_finn.plan.search.program import GAP, cheapest

ITEMS, WAYS, LIMITS = 3, 5, 3

#: The second item is two equal ones.
COUNTS = (1, 2, 1)
OF = (0, 1, 1, 2)


def tried(costs: np.ndarray, uses: np.ndarray) -> float | None:
    """Cost of the cheapest choice within all limits, if there is one."""
    found = [
        costs[OF, choice].sum()
        for choice in product(range(WAYS), repeat=len(OF))
        if (uses[:, OF, choice].sum(axis=1) <= 1).all()
    ]
    return min(found, default=None)


def program(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Costs (items, ways) and uses (limits, items, ways); what is cheap uses much."""
    rng = np.random.default_rng(seed)
    uses = rng.uniform(0.1, 0.5, (LIMITS, ITEMS, WAYS))
    return 1 / uses.sum(axis=0) + rng.uniform(0, 0.2, (ITEMS, WAYS)), uses


@pytest.mark.parametrize("seed", range(60))
def test_cheapest_choice_is_that_of_all(seed):
    costs, uses = program(seed)
    wanted = tried(costs, uses)
    taken, proven = cheapest(costs.ravel(), uses.reshape(LIMITS, -1), [WAYS] * ITEMS, COUNTS)
    if wanted is None:
        assert taken is None
        assert proven
        return
    assert taken is not None
    assert (taken >= 0).all()
    assert taken.reshape(ITEMS, WAYS).sum(axis=1).tolist() == list(COUNTS)
    assert (uses.reshape(LIMITS, -1) @ taken <= 1 + 1e-6).all()
    assert wanted - 1e-9 <= costs.ravel() @ taken <= wanted / (1 - GAP) + 1e-9


def test_some_programs_have_choices_and_some_have_none():
    assert 10 < sum(tried(*program(seed)) is not None for seed in range(60)) < 50
