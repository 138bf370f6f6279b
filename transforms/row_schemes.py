"""Find out which number systems hold each row of a weight matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from msq_finn import schemes


def row_schemes(weights: NDArray[np.int64], candidates: Sequence[str]) -> list[tuple[str, ...]]:
    """Return, per row, the schemes that hold every one of its integers.

    The integers are the truth: a row with a 3 or a 7 must be fixed point, one with an 8 must be
    SP2, others may be either.

    Args:
        weights: integers, shape (MW, MH); a row of the layer is a column here (FINN's orientation).
        candidates: scheme names, most wanted first.

    Returns:
        MH tuples, in the order of the candidates; empty where none holds the row.

    >>> row_schemes(np.array([[8, 3, 1, 8], [-5, 7, 2, 3]]), ["sp2_4", "fixed_4"])
    [('sp2_4',), ('fixed_4',), ('sp2_4', 'fixed_4'), ()]
    """
    held = {name: np.all(schemes.get(name).holds(weights), axis=0) for name in candidates}
    return [
        tuple(name for name in candidates if held[name][row]) for row in range(weights.shape[1])
    ]
