"""What remains of alternatives when those go that another beats in everything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pareto(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows that no other row beats or equals in every column; of equal rows, one.

    Args:
        costs: one a row, numbers that should be small.

    >>> pareto(np.array([[1.0, 5, 0], [2, 5, 0], [2, 4, 0], [1, 5, 0]])).tolist()
    [0, 2]
    """
    # A row with the least sum of ranks is beaten by none of the others.
    scale = np.maximum(costs.max(axis=0, initial=0), 1e-12)
    order = np.lexsort((*costs.T, (costs / scale).sum(axis=1)))
    left = costs[order]
    kept = []
    while len(order):
        kept.append(order[0])
        beaten = (left[0] <= left).all(axis=1)
        order, left = order[~beaten], left[~beaten]
    return np.sort(np.array(kept, dtype=np.int64))
