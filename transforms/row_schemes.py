"""Find out which number systems hold each row of a weight matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from msq_finn import schemes
from msq_finn.errors import MsqError


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


def uniform_schemes(rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Schemes that hold every row.

    Args:
        rows: per row the schemes that hold it.

    >>> uniform_schemes([("sp2_4", "fixed_4"), ("fixed_4",)])
    ('fixed_4',)
    """
    return tuple(name for name in rows[0] if all(name in held for held in rows))


def common_rows(layers: list[list[tuple[str, ...]]], names: str) -> list[tuple[str, ...]]:
    """Per row, the schemes that hold it in every layer.

    Args:
        layers: of layers whose outputs are added, per row the schemes that hold it.
        names: what an error calls these layers.

    Raises:
        MsqError: a row that no scheme holds in all of them.

    >>> common_rows([[("a", "b"), ("a",)], [("b",), ("a", "b")]], "conv1 and conv2")
    [('b',), ('a',)]
    """
    common = []
    for row, held in enumerate(zip(*layers, strict=True)):
        schemes = tuple(name for name in held[0] if all(name in other for other in held))
        if not schemes:
            raise MsqError(
                f"their outputs are added, but row {row} has another scheme in each; "
                "give these layers one assignment of rows",
                where=names,
            )
        common.append(schemes)
    return common
