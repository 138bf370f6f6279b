"""Exact numbers, with a bound on how far float32 arithmetic may have been from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

#: Bits of a float32's significand, and half the distance of neighbours relative to them.
_BITS = 24
_UNIT = Fraction(1, 2**_BITS)


@dataclass(frozen=True)
class Bounded:
    """A real number that some float32 evaluation came to, but for its rounding.

    Attributes:
        value: in exact arithmetic.
        error: the most that the evaluation may be off; 0 where it did not round at all.
    """

    value: Fraction
    error: Fraction = Fraction(0)

    def rounded(self, roundings: int = 1) -> Bounded:
        """The same after operations that each round once; exact where nothing is lost.

        Args:
            roundings: how many operations, each relative to the result.

        >>> Bounded(Fraction(3, 8)).rounded().error, Bounded(Fraction(1, 3)).rounded().error
        (Fraction(0, 1), Fraction(1, 50331645))
        """
        if not self.error and roundings == 1 and _representable(self.value):
            return self
        lost = _growth(roundings) * (abs(self.value) + self.error)
        return Bounded(self.value, self.error + lost)

    def __add__(self, other: Bounded) -> Bounded:
        return Bounded(self.value + other.value, self.error + other.error)

    def __neg__(self) -> Bounded:
        return Bounded(-self.value, self.error)

    def __mul__(self, other: Bounded) -> Bounded:
        cross = abs(self.value) * other.error + abs(other.value) * self.error
        return Bounded(self.value * other.value, cross + self.error * other.error)


def total(terms: Sequence[Bounded], roundings: int = 0) -> Bounded:
    """A sum in whatever order, with or without fused multiplications.

    The bound is Higham's for n terms, n u / (1 - n u) times the sum of magnitudes (Accuracy and
    Stability of Numerical Algorithms, section 4.2). Terms that are multiples of one power of two
    add up without rounding, as long as the sum of magnitudes is below 2^24 times that power.

    Args:
        terms: numbers to add, products not rounded.
        roundings: further ones of each term, beside that of a product.

    >>> total([Bounded(Fraction(1, 4)), Bounded(Fraction(3))])
    Bounded(value=Fraction(13, 4), error=Fraction(0, 1))
    >>> total([Bounded(Fraction(1, 3))] * 3).error > 0
    True
    """
    value = sum((t.value for t in terms), Fraction(0))
    error = sum((t.error for t in terms), Fraction(0))
    magnitude = sum((abs(t.value) for t in terms), Fraction(0)) + error
    if not error and not roundings:
        finest = max((t.value.denominator for t in terms), default=1)
        dyadic = all(_is_power(t.value.denominator) for t in terms)
        if dyadic and magnitude * finest <= 2**_BITS:
            return Bounded(value)
    return Bounded(value, error + _growth(len(terms) + 1 + roundings) * magnitude)


def nearest_even(value: Fraction, low: int, high: int) -> int:
    """The level that a quantizer gives a number: the nearest, halves to the even one.

    Args:
        value: in steps.
        low: least level.
        high: greatest level.

    >>> [nearest_even(Fraction(n, 2), 0, 3) for n in (-1, 1, 3, 5, 9)]
    [0, 0, 2, 2, 3]
    """
    return min(max(round(value), low), high)


def may_round_to(value: Bounded, level: int, low: int, high: int) -> bool:
    """Whether a quantizer that knows a number but for its error may give a level.

    Args:
        value: in steps.
        level: in question.
        low: least level.
        high: greatest level.

    >>> half = Fraction(5, 2)
    >>> [may_round_to(Bounded(half), level, 0, 7) for level in (2, 3)]
    [True, False]
    >>> [may_round_to(Bounded(half, Fraction(1, 1000)), level, 0, 7) for level in (1, 2, 3)]
    [False, True, True]
    """
    if not value.error:
        return level == nearest_even(value.value, low, high)
    above = level == low or value.value + value.error >= level - Fraction(1, 2)
    below = level == high or value.value - value.error <= level + Fraction(1, 2)
    return low <= level <= high and above and below


def _growth(roundings: int) -> Fraction:
    return roundings * _UNIT / (1 - roundings * _UNIT)


def _representable(value: Fraction) -> bool:
    """Whether float32 has the number; its exponents suffice for any network's."""
    odd = abs(value.numerator)
    odd //= (odd & -odd) or 1
    return _is_power(value.denominator) and odd.bit_length() <= _BITS


def _is_power(number: int) -> bool:
    return number & (number - 1) == 0
