"""What remains of alternatives when those go that another beats in everything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

import moocore
import numpy as np
from numpy.typing import NDArray

from msq_finn.plan.cost.cost_model import Cost

#: Of a cost's resources, the first so many are what foldings are traded by. LUT RAM and flip-flops
#: come with LUTs and block RAM; that they are enough is checked for the whole.
TRADED = 3


class _Choice(Protocol):
    @property
    def cost(self) -> Cost: ...


_AnyChoice = TypeVar("_AnyChoice", bound=_Choice)


def unbeaten(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows that no other row beats or equals in LUTs, DSPs and block RAM; of equal ones, the first.

    Args:
        costs: one a row, in the columns of Cost.

    >>> unbeaten(np.array([[1.0, 5, 0], [2, 5, 0], [2, 4, 0], [1, 5, 0]])).tolist()
    [0, 2]
    """
    return np.flatnonzero(moocore.is_nondominated(costs[:, :TRADED]))


def least_memory(found: Iterable[_AnyChoice]) -> list[_AnyChoice]:
    """Drop what another beats in both LUTs and block RAM.

    Args:
        found: alternatives.
    """
    kept: list[_AnyChoice] = []
    for item in sorted(found, key=lambda item: (item.cost.lut, item.cost.bram)):
        if not kept or item.cost.bram < kept[-1].cost.bram:
            kept.append(item)
    return kept
