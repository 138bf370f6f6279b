"""Integers brought from one quantizer's scale to another's by one multiplication and a shift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from msq_finn.errors import MsqError

IntArray = NDArray[np.int64]

#: Most bits of a shift that are tried; sums times factors stay within 64 bits.
_MOST_SHIFT = 40


@dataclass(frozen=True)
class ScaleRound:
    """``(value * factor + offset) >> shift``, a half to the even integer, clipped.

    The offset holds the half that is added, so that a result without fraction was a half.

    Attributes:
        factors: one a row, or one for all.
        offsets: likewise.
        shift: at least 1.
        low: least result.
        high: greatest result.
    """

    factors: tuple[int, ...]
    offsets: tuple[int, ...]
    shift: int
    low: int
    high: int

    def levels(self, values: IntArray) -> IntArray:
        """Compute as the hardware does.

        Args:
            values: [..., rows].

        >>> half = ScaleRound((1,), (1,), 1, -8, 7)  # values / 2
        >>> half.levels(np.array([[1], [3], [-3], [40]])).ravel().tolist()
        [0, 2, -2, 7]
        """
        sums = values * np.array(self.factors) + np.array(self.offsets)
        above = sums >> self.shift
        half = (sums & ((1 << self.shift) - 1)) == 0
        return np.asarray(np.clip(above - (half & (above & 1 == 1)), self.low, self.high))

    def shifted(self, shift: int) -> ScaleRound:
        """The same results by a longer shift.

        Args:
            shift: no less than the present one.
        """
        more = 1 << shift - self.shift
        return replace(
            self,
            factors=tuple(f * more for f in self.factors),
            offsets=tuple(o * more for o in self.offsets),
            shift=shift,
        )

    @staticmethod
    def joined(rows: Sequence[ScaleRound]) -> ScaleRound:
        """One for all rows, of the longest shift among them.

        Args:
            rows: of equal limits.
        """
        shift = max(row.shift for row in rows)
        even = [row.shifted(shift) for row in rows]
        factors = tuple(f for row in even for f in row.factors)
        offsets = tuple(o for row in even for o in row.offsets)
        return ScaleRound(factors, offsets, shift, rows[0].low, rows[0].high)


def scale_round(
    ratio: Fraction, bias: Fraction, limits: tuple[int, int], values: tuple[int, int]
) -> ScaleRound:
    """Find the shortest factor that gives what exact arithmetic does, for every value.

    What is to be given is ``ratio * value + bias``, rounded to the nearest integer, halves to the
    even one, and clipped. The result is compared at every level's threshold, the least value that
    gives that level: between thresholds nothing can differ, since both sides only rise.

    Args:
        ratio: positive.
        bias: any.
        limits: least and greatest result.
        values: least and greatest value.

    Raises:
        MsqError: no shift of up to 40 bits does.

    >>> found = scale_round(Fraction(1, 3), Fraction(0), (-8, 7), (-100, 100))
    >>> found.levels(np.array([[-2], [1], [2], [4], [5]])).ravel().tolist()
    [-1, 0, 1, 1, 2]
    """
    thresholds = _thresholds(ratio, bias, limits, values)
    levels = np.arange(limits[0] + 1, limits[1] + 1, dtype=np.int64)
    odd = levels & 1
    reached, missed = thresholds <= values[1], thresholds > values[0]
    for shift in range(1, _MOST_SHIFT + 1):
        steps = (levels << shift) + odd
        nearest = round(ratio * (1 << shift))
        for factor in (nearest, nearest - 1, nearest + 1):
            if factor < 1:
                continue
            # At a threshold the level is reached, at the value below it is not.
            least = (steps - thresholds * factor)[reached]
            most = (steps - (thresholds - 1) * factor)[missed] - 1
            low = int(least.max()) if len(least) else None
            high = int(most.min()) if len(most) else None
            if low is None or high is None or low <= high:
                ends = [end for end in (low, high) if end is not None]
                offset = sum(ends) // len(ends) if ends else 0
                return ScaleRound((factor,), (offset,), shift, *limits)
    raise MsqError(
        f"no factor and shift of {_MOST_SHIFT} bits round as a scale of {float(ratio):.9g} does, "
        "of which halves are no multiples; change a scale a little, or restrict scales to powers "
        "of two"
    )


def _thresholds(
    ratio: Fraction, bias: Fraction, limits: tuple[int, int], values: tuple[int, int]
) -> IntArray:
    """Per level above the least, the least value that gives it; one beyond the values if none."""
    found = []
    scale = 2 * bias.denominator * ratio.numerator
    for level in range(limits[0] + 1, limits[1] + 1):
        # The value at which the result is half a step below the level.
        half = ((2 * level - 1) * bias.denominator - 2 * bias.numerator) * ratio.denominator
        whole, rest = divmod(half, scale)
        # A half goes to the even level.
        found.append(whole if not rest and level % 2 == 0 else whole + 1)
    return np.array([min(max(value, values[0]), values[1] + 1) for value in found], dtype=np.int64)
