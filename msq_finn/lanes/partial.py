"""Partial products: the unsigned addends that a LUT lane makes of a weight and an activation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: Options of a field of three bits, which are made in two steps (long_shift_row.sv).
LONG = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Partial:
    """One addend: the activation shifted as a field of the weight's code says.

    Attributes:
        base: column at which it starts (weight 2^base).
        shifts: what the field's values from 1 on shift by, ascending; 0 selects none. Empty for a
            Booth digit, which is no field of its own.
        low: lowest bit of the field in the code.
    """

    base: int
    shifts: tuple[int, ...] = ()
    low: int = 0

    @property
    def added(self) -> int:
        """Columns beyond those of an activation."""
        return max(self.shifts, default=1)

    @property
    def is_long(self) -> bool:
        """Whether shifts are made in two steps, without a constant of signed activations."""
        return self.shifts == LONG

    @property
    def bits(self) -> int:
        """Of the field."""
        return len(self.shifts).bit_length()

    def of_code(self, code: int) -> int:
        """What it multiplies the activation by.

        Args:
            code: of a weight.
        """
        field = code >> self.low & (1 << self.bits) - 1
        return 1 << self.base + self.shifts[field - 1] if field else 0

    def packed(self) -> tuple[int, int]:
        """Return ``partial_t`` of msq_pkg.sv, and its bits."""
        shifts = reversed([*self.shifts, *[0] * (len(LONG) - len(self.shifts))])
        head = [(self.base, 4), (self.added, 4), (self.is_long, 1), (self.low, 4), (self.bits, 4)]
        return packed([*head, *((shift, 4) for shift in shifts)])


def packed(fields: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Put fields side by side as a packed struct does, the first in the highest bits.

    Args:
        fields: value and bits of each.

    Returns:
        the value and its bits.

    >>> packed([(1, 2), (3, 4)])
    (19, 6)
    """
    value, total = 0, 0
    for field, bits in fields:
        value, total = value << bits | int(field), total + bits
    return value, total


def shift_fields(*terms: tuple[int, tuple[int, ...]]) -> tuple[Partial, ...]:
    """Partial products of a code that has one field for each below its sign, the first on top.

    Args:
        terms: base and shifts of each.

    >>> [partial.low for partial in shift_fields((0, (0, 1, 2)), (2, (0,)))]
    [1, 0]
    """
    found: list[Partial] = []
    low = 0
    for base, shifts in reversed(terms):
        found.insert(0, Partial(base, shifts, low))
        low += found[0].bits
    return tuple(found)
