"""Number systems for weights: the levels of Fixed, SP2, PoT and APoT, and their codes.

A scheme says which values m bits can hold. Seen from training these are *levels* in [-1, 1], scaled
by one positive number per row; seen from hardware they are integers, the *grid* (levels times
``grid_max``), stored as m-bit *codes*. Quantizers, graph transformations, RTL generators and golden
models all take the three from here.

>>> sp2 = get("sp2_4")
>>> sp2.grid()
array([-8, -6, -5, -4, -2, -1,  0,  1,  2,  4,  5,  6,  8])
>>> sp2.project_ints([0.33, -0.9, 0.05], alpha=1.0)
array([ 2, -8,  0])
>>> sp2.decode(sp2.encode([5, -8, 0]))
array([ 5, -8,  0])
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from msq_finn import plugins
from msq_finn.errors import MsqError

MIN_BITS, MAX_BITS = 2, 8


class Scheme(ABC):
    """A number system that stores a weight in ``bits`` bits, symmetric around zero.

    A new scheme is a subclass that says which integer each code stands for; levels, grid,
    encoding, decoding and projection follow from that. `register` makes it known by name.

    Args:
        name: what `get` finds the scheme by.
        bits: bits stored per weight, the sign included.

    Raises:
        MsqError: ``bits`` is not in 2..8.
    """

    def __init__(self, name: str, bits: int) -> None:
        if not MIN_BITS <= bits <= MAX_BITS:
            raise MsqError(
                f"{bits} bits per weight; choose {MIN_BITS} to {MAX_BITS}", where=f"scheme {name}"
            )
        self.name = name
        self.bits = bits

    def __repr__(self) -> str:
        return f"<scheme {self.name}>"

    @abstractmethod
    def code_values(self) -> Sequence[int | None]:
        """Return, for each of the 2^bits codes in order, its integer, or None for an unused code.

        The integers must be symmetric around zero and contain zero.
        """

    @property
    def grid_max(self) -> int:
        """The largest integer of the grid, which stands for level 1."""
        return self._magnitudes[-1]

    @property
    def grid_bits(self) -> int:
        """Width of the two's complement integer that holds every grid integer."""
        return self.grid_max.bit_length() + 1

    def grid(self) -> NDArray[np.int64]:
        """Return the signed integers of the scheme, ascending.

        The type is int64; PoT(8), whose largest integer is 2^126, gets Python integers.
        """
        negative = [-value for value in reversed(self._magnitudes[1:])]
        return np.array([*negative, *self._magnitudes], dtype=self._integer)

    def levels(self) -> NDArray[np.float64]:
        """Return the signed levels in [-1, 1], ascending."""
        return self.grid().astype(np.float64) / float(self.grid_max)

    def holds(self, ints: ArrayLike) -> NDArray[np.bool_]:
        """Return, elementwise, whether the scheme has that integer.

        Args:
            ints: grid integers, any shape.
        """
        return self._find(np.asarray(ints)) >= 0

    def encode(self, ints: ArrayLike) -> NDArray[np.uint8]:
        """Return the code of each integer: of several codes for one value, the smallest.

        Args:
            ints: grid integers, any shape.

        Raises:
            MsqError: an integer is not on the grid.
        """
        values = np.asarray(ints)
        found = self._find(values)
        strangers = values[found < 0]
        if strangers.size:
            raise MsqError(f"{self.name} has no code for {strangers[0]}; its grid is {self.grid()}")
        codes = np.array([self._code_of[int(value)] for value in self.grid()], dtype=np.uint8)
        return codes[found]

    def decode(self, codes: ArrayLike) -> NDArray[np.int64]:
        """Return the integer that each code stands for.

        Args:
            codes: unsigned words of ``bits`` bits, any shape.

        Raises:
            MsqError: a code is wider than the scheme's bits, or unused.
        """
        words = np.asarray(codes).astype(np.int64)
        table = self._values
        used = np.array([value is not None for value in table])
        inside = (words >= 0) & (words < len(table))
        strangers = words[~inside | ~used[np.where(inside, words, 0)]]
        if strangers.size:
            raise MsqError(f"{strangers[0]} is no {self.bits}-bit code of {self.name}")
        return np.array([value or 0 for value in table], dtype=self._integer)[words]

    def project_ints(self, w: ArrayLike, alpha: ArrayLike) -> NDArray[np.int64]:
        """Return the grid integer nearest to each weight.

        Args:
            w: weights, any shape.
            alpha: the value of level 1, positive; broadcasts against ``w``.

        Returns:
            Integers of the shape of ``w``. A weight halfway between two levels goes to the one of
            even index, counted from zero outwards, which is round-half-to-even for Fixed.

        Raises:
            MsqError: a weight is NaN or infinite, or an ``alpha`` is not a positive number.
        """
        weights = np.asarray(w, dtype=np.float64)
        scale = np.asarray(alpha, dtype=np.float64)
        _refuse_not_finite(self.name, weights)
        if not (np.isfinite(scale).all() and (scale > 0).all()):
            raise MsqError("the scale alpha must be positive and finite", where=self.name)
        magnitudes = np.array(self._magnitudes, dtype=np.float64)
        x = np.abs(weights) / (scale / magnitudes[-1])
        midpoints = (magnitudes[1:] + magnitudes[:-1]) / 2
        below = np.searchsorted(midpoints, x, side="left")
        above = np.searchsorted(midpoints, x, side="right")
        index = np.where(below % 2 == 0, below, above)
        zero = len(self._magnitudes) - 1
        ints: NDArray[np.int64] = self.grid()[zero + np.where(weights < 0, -index, index)]
        return ints

    def project(self, w: ArrayLike, alpha: ArrayLike) -> NDArray[np.float64]:
        """Return alpha times the nearest level; see `project_ints`.

        Args:
            w: weights, any shape.
            alpha: the value of level 1, positive; broadcasts against ``w``.

        Raises:
            MsqError: a weight is NaN or infinite, or an ``alpha`` is not a positive number.
        """
        ints = self.project_ints(w, alpha).astype(np.float64)
        return np.asarray(alpha, dtype=np.float64) * (ints / float(self.grid_max))

    @cached_property
    def _values(self) -> list[int | None]:
        return list(self.code_values())

    @cached_property
    def _code_of(self) -> dict[int, int]:
        codes = reversed(list(enumerate(self._values)))
        return {value: code for code, value in codes if value is not None}

    @cached_property
    def _magnitudes(self) -> list[int]:
        """The grid's magnitudes, ascending from zero."""
        values = set(self._code_of)
        if 0 not in values or values != {-value for value in values}:
            raise MsqError("code values must contain 0 and be symmetric around it", where=self.name)
        return sorted(value for value in values if value >= 0)

    @property
    def _integer(self) -> type:
        return np.int64 if self.grid_bits <= 64 else object

    def _find(self, values: NDArray[np.generic]) -> NDArray[np.int64]:
        """Return the grid index of each value, -1 where the grid does not have it."""
        grid = self.grid()
        if grid.dtype == object:
            values = values.astype(object)
        index = np.searchsorted(grid, values).clip(max=len(grid) - 1)
        return np.where(grid[index] == values, index, -1)


class Fixed(Scheme):
    """Fixed point: every integer from -(2^(m-1) - 1) to 2^(m-1) - 1, in two's complement.

    The range is narrow, as Brevitas calls it: the code of -2^(m-1) is unused.

    Args:
        bits: bits stored per weight, the sign included; 2 to 8.
    """

    def __init__(self, bits: int) -> None:
        super().__init__(f"fixed_{bits}", bits)

    def code_values(self) -> Sequence[int | None]:
        """Return the integers by code."""
        top = 1 << (self.bits - 1)
        return [*range(top), None, *range(-top + 1, 0)]


class SP2(Scheme):
    """Sums of two powers of two: q1 + q2 with a sign (MSQ, HPCA 2021, equation 8).

    q1 is 0 or 2^-i with 1 <= i <= 2^m1 - 1, and q2 likewise with m2, where m1 + m2 + 1 = m and
    m1 - m2 is 0 or 1. The largest sum is 1/2 + 1/2 = 1, so that the levels need no normalisation.

    A code is {sign, q1 code, q2 code}, m1 and m2 bits wide; code 0 is 0, the others ascend to 1/2.

    Args:
        bits: bits stored per weight, the sign included; 2 to 8.
    """

    def __init__(self, bits: int) -> None:
        super().__init__(f"sp2_{bits}", bits)

    def code_values(self) -> Sequence[int | None]:
        """Return the integers by code; negative zero decodes to 0, and encoding never makes it."""
        m1, m2 = self.bits // 2, (self.bits - 1) // 2
        half = 1 << ((1 << m1) - 2)
        q1, q2 = ([0, *(half >> i for i in reversed(range((1 << n) - 1)))] for n in (m1, m2))
        return _signed([a + b for a in q1 for b in q2])


class PoT(Scheme):
    """Powers of two: 0 and 2^-i with 0 <= i <= 2^(m-1) - 2; a code is {sign, exponent code}.

    Args:
        bits: bits stored per weight, the sign included; 2 to 8.
    """

    def __init__(self, bits: int) -> None:
        super().__init__(f"pot_{bits}", bits)

    def code_values(self) -> Sequence[int | None]:
        """Return the integers by code; negative zero decodes to 0, and encoding never makes it."""
        return _signed([0, *(1 << i for i in range((1 << (self.bits - 1)) - 1))])


class APoT(Scheme):
    """Additive powers of two with terms of two bits (Li et al., ICLR 2020, k = 2).

    The m - 1 magnitude bits make terms of two bits, each 0 or one of three powers of two, and one
    term of one bit if a bit is left. The powers 1/2, 1/4, ... are dealt to the terms in turn, the
    one-bit term taking its turn before the last round, as the authors' code does; the sums are then
    normalised by the largest. For m = 4 the grid is 0, 1, 2, 3, 4, 6, 8, 10.

    Args:
        bits: bits stored per weight, the sign included; 2 to 8.
    """

    def __init__(self, bits: int) -> None:
        super().__init__(f"apot_{bits}", bits)

    def code_values(self) -> Sequence[int | None]:
        """Return the integers by code; negative zero decodes to 0, and encoding never makes it."""
        pairs, odd = divmod(self.bits - 1, 2)
        powers = [1 << i for i in reversed(range(3 * pairs + odd))]
        single = [powers.pop(2 * pairs)] if odd else []
        terms = [powers[i::pairs] for i in range(pairs)] + [single] * odd
        sums = [0]
        for term in terms:
            sums = [a + b for a in sums for b in [0, *reversed(term)]]
        return _signed(sums)


def register(scheme: Scheme) -> Scheme:
    """Make a scheme known by its name.

    Args:
        scheme: the scheme; its name must be new.

    Returns:
        The scheme.

    Raises:
        MsqError: another scheme has that name.
    """
    if scheme.name in _REGISTRY:
        raise MsqError(f"a scheme named {scheme.name} is registered already; choose another name")
    _REGISTRY[scheme.name] = scheme
    return scheme


def get(name: str) -> Scheme:
    """Return the scheme of a name.

    Args:
        name: family and bits, such as "sp2_4".

    Raises:
        MsqError: no scheme has that name.
    """
    if name not in _REGISTRY:
        plugins.load("msq_finn.schemes")
    if name not in _REGISTRY:
        raise MsqError(f"no scheme is named {name!r}; known: {', '.join(names())}", value=name)
    return _REGISTRY[name]


def names() -> list[str]:
    """Return the names of all registered schemes, sorted."""
    plugins.load("msq_finn.schemes")
    return sorted(_REGISTRY)


def _signed(magnitudes: list[int]) -> list[int | None]:
    """Return the code values of a sign bit above a magnitude code."""
    return [*magnitudes, *(-value for value in magnitudes)]


def _refuse_not_finite(name: str, weights: NDArray[np.float64]) -> None:
    bad = np.argwhere(~np.isfinite(weights))
    if len(bad):
        where = tuple(int(i) for i in bad[0])
        raise MsqError(
            f"weight {weights[where]} at index {where} is not a finite number; "
            f"check the training for divergence",
            where=name,
        )


_REGISTRY: dict[str, Scheme] = {}

for _bits in range(3, MAX_BITS + 1):
    for _scheme in (Fixed, SP2, PoT, APoT):
        register(_scheme(_bits))
