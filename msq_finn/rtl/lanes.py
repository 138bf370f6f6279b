"""What each kind of lane computes, and the SystemVerilog files behind them.

A lane sums products over a row of weights. LUT lanes write a negative term as a one's complement
in an unsigned row (msq_finn/rtl/product_rows.sv): -v becomes 2^n - 1 - v. The sum then is W x + c
modulo 2^AccBits, where c depends on the row's weight codes only. Rows of signed activations are
two's complement, so that 2^n drops out: but for long shifts, their sign offset does not depend on
weights and the accumulator starts at what cancels it. DSP lanes cancel all their constants so.

>>> get("sp2_4_lut").code_offset([0, 15], act_bits=4, act_signed=False)
array([  0, 123])
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.rtl import dsp
from msq_finn.schemes import Scheme

MIN_ACT_BITS, MAX_ACT_BITS = 2, 8
MAX_ACC_BITS = 48


@dataclass(frozen=True)
class LaneKind(ABC):
    """A way to compute one output row.

    Attributes:
        name: what `get` finds the kind by.
        scheme: the number system of the weights it takes.
        engine: "lut" or "dsp".
    """

    name: str
    scheme: Scheme
    engine: str

    @property
    def streams_codes(self) -> bool:
        """Whether the lane takes codes from a weight memory."""
        return True

    def takes(self, names: Sequence[str]) -> bool:
        """Tell whether the lane computes a row.

        Args:
            names: the schemes that hold the row, such as ("sp2_4", "fixed_4").

        >>> get("sp2_4_lut").takes(["fixed_4"]), get("embedded_lut").takes(["fixed_4"])
        (False, True)
        """
        return self.scheme.name in names

    def code_offset(self, codes: ArrayLike, act_bits: int, act_signed: bool) -> NDArray[np.int64]:
        """Return what the lane adds to the true sum for each weight code.

        Args:
            codes: weight codes, any shape.
            act_bits: bits of an activation, 2 to 8.
            act_signed: whether activations are two's complement.

        Returns:
            Offsets of the shape of ``codes``, in units of the grid times an activation's.

        Raises:
            MsqError: the lane does not take such activations, or a code is not one of the scheme's.
        """
        if not MIN_ACT_BITS <= act_bits <= MAX_ACT_BITS:
            raise MsqError(
                f"lane {self.name}: activations of {act_bits} bits; "
                f"it takes {MIN_ACT_BITS} to {MAX_ACT_BITS}"
            )
        words = np.asarray(codes).astype(np.int64)
        self.scheme.decode(words)
        return self._offset(words, act_bits, act_signed)

    def row_offset(self, weights: ArrayLike, act_bits: int, act_signed: bool) -> NDArray[np.int64]:
        """Return what the lane adds to the sum of whole rows.

        Args:
            weights: grid integers of the lane's scheme, shape (..., MW).
            act_bits: bits of an activation, 2 to 8.
            act_signed: whether activations are two's complement.

        Returns:
            Offsets, shape (...).

        Raises:
            MsqError: the scheme does not hold a weight, or the lane does not take such activations.
        """
        offsets = self.code_offset(self.scheme.encode(weights), act_bits, act_signed)
        return np.asarray(offsets.sum(axis=-1), dtype=np.int64)

    @abstractmethod
    def _offset(
        self, codes: NDArray[np.int64], act_bits: int, act_signed: bool
    ) -> NDArray[np.int64]: ...


@dataclass(frozen=True)
class PowersLut(LaneKind):
    """Sums of powers of two: a row for each term, all complemented where the sign bit is set.

    A row of long shifts complements no more than the activation, which makes its constant depend on
    the shift (msq_finn/rtl/long_shift_row.sv).

    Attributes:
        name: what `get` finds the kind by.
        scheme: the number system of the weights it takes.
        engine: "lut".
        rows: per row the column at which it starts and its columns beyond an activation's, as
            ``row_base`` and ``row_shift`` in msq_pkg.sv have them.
        long_field: lowest bit of the three in a code that choose a long shift of the first row.
    """

    rows: tuple[tuple[int, int], ...]
    long_field: int | None = None

    def _offset(
        self, codes: NDArray[np.int64], act_bits: int, act_signed: bool
    ) -> NDArray[np.int64]:
        sign = codes >> (self.scheme.bits - 1)
        short = self.rows if self.long_field is None else self.rows[1:]
        constants = [_complement(act_bits + added, act_signed) << base for base, added in short]
        total = sign * sum(constants)
        if self.long_field is not None:
            field = codes >> self.long_field & 7
            half = 1 << (act_bits - 1) if act_signed else 0
            shifted = np.where(sign, (1 << act_bits) - 1 - half, half) << np.maximum(field - 1, 0)
            total += np.where(field > 0, shifted, 0)
        return total


@dataclass(frozen=True)
class BoothLut(LaneKind):
    """Radix-4 Booth digits, -2 c[2i + 1] + c[2i] + c[2i - 1], a row complemented if negative.

    Attributes:
        name: what `get` finds the kind by.
        scheme: two's complement of an even number of bits.
        engine: "lut".
    """

    def _offset(
        self, codes: NDArray[np.int64], act_bits: int, act_signed: bool
    ) -> NDArray[np.int64]:
        total = np.zeros_like(codes)
        for digit in range(self.scheme.bits // 2):
            window = codes << 1 >> 2 * digit & 7
            negative = ((window >= 4) & (window != 7)).astype(np.int64)
            total += negative * _complement(act_bits + 1, act_signed) << 2 * digit
        return total


class EmbeddedLut(LaneKind):
    """Weights of any scheme in tables, which hold sums less the most negative one.

    The scheme says only what is wide enough.
    """

    @property
    def streams_codes(self) -> bool:
        """The weights are in the lane."""
        return False

    def takes(self, names: Sequence[str]) -> bool:
        """Any row whose integers are narrow enough."""
        return any(schemes.get(name).grid_max <= self.scheme.grid_max for name in names)

    def _offset(
        self, codes: NDArray[np.int64], act_bits: int, act_signed: bool
    ) -> NDArray[np.int64]:
        weights = self.scheme.decode(codes)
        positive, negative = np.maximum(weights, 0), np.maximum(-weights, 0)
        top = 1 << (act_bits - 1)
        # The highest bit of signed activations selects inverted, so that it counts as positive.
        offset: NDArray[np.int64] = negative * (top - 1) + top * (
            positive if act_signed else negative
        )
        return offset


class TrueSum(LaneKind):
    """A lane that cancels its own constants."""

    def _offset(
        self, codes: NDArray[np.int64], act_bits: int, act_signed: bool
    ) -> NDArray[np.int64]:
        return np.zeros_like(codes)


def _complement(bits: int, act_signed: bool) -> int:
    """What a one's complement of that many bits adds to the negated value."""
    return -1 if act_signed else (1 << bits) - 1


_KINDS = {
    kind.name: kind
    for kind in (
        PowersLut("sp2_4_lut", schemes.get("sp2_4"), "lut", ((0, 2), (2, 0))),
        BoothLut("fixed_4_lut", schemes.get("fixed_4"), "lut"),
        PowersLut("pot_4_lut", schemes.get("pot_4"), "lut", ((0, 6),), long_field=0),
        PowersLut("apot_4_lut", schemes.get("apot_4"), "lut", ((0, 3), (1, 0))),
        PowersLut("sp2_5_lut", schemes.get("sp2_5"), "lut", ((0, 2), (0, 2))),
        PowersLut("sp2_6_lut", schemes.get("sp2_6"), "lut", ((0, 6), (4, 2)), long_field=2),
        BoothLut("fixed_6_lut", schemes.get("fixed_6"), "lut"),
        BoothLut("fixed_8_lut", schemes.get("fixed_8"), "lut"),
        # Those after the first in the order of msq_pkg.sv's dsp_code_bits.
        *(
            TrueSum(f"fixed_{bits}_dsp", schemes.get(f"fixed_{bits}"), "dsp")
            for bits in (4, 3, 5, 6, 7, 8)
        ),
        # Two's complement of 8 bits holds every scheme's row whose grid is no wider.
        EmbeddedLut("embedded_lut", schemes.get("fixed_8"), "lut"),
    )
}


def get(name: str) -> LaneKind:
    """Return a lane kind.

    Args:
        name: such as "sp2_4_lut".

    Raises:
        MsqError: there is no such kind.
    """
    if name not in _KINDS:
        raise MsqError(f"no lane kind is named {name!r}; known: {', '.join(_KINDS)}")
    return _KINDS[name]


def names() -> list[str]:
    """Return the names of all lane kinds, in the order of their lanes in ``mvau_msq``."""
    return list(_KINDS)


def other_lut_names() -> list[str]:
    """Return the names of the LUT lanes that take codes, without the first two."""
    return [n for n, kind in _KINDS.items() if kind.engine == "lut" and kind.streams_codes][2:]


def other_dsp_names() -> list[str]:
    """Return the names of the DSP lanes, without the first."""
    return [n for n, kind in _KINDS.items() if kind.engine == "dsp"][1:]


def sources() -> list[Path]:
    """Return the SystemVerilog files of ``mvau_msq``, the package that the others import first.

    They are those of ``vvau_msq`` as well, which shares the package and the lanes.

    >>> sources()[0].name
    'msq_pkg.sv'
    """
    folder = Path(__file__).parent
    package = folder / "msq_pkg.sv"
    return [package, *sorted(path for path in folder.glob("*.sv") if path != package)]


def dsp_port_bits(dsp_block: str) -> int:
    """Return the bits of the multiplier's port that lanes of one DSP slice share.

    Args:
        dsp_block: as ``finn.util.basic.get_dsp_block`` names it, such as "DSP48E1".

    Raises:
        MsqError: there is no such slice.
    """
    return dsp.get(dsp_block).weight_port


def lanes_per_dsp(dsp_block: str, act_bits: int, act_signed: bool) -> int:
    """Return how many Fixed(4) lanes share a DSP slice.

    Args:
        dsp_block: as ``finn.util.basic.get_dsp_block`` names it, such as "DSP48E1".
        act_bits: bits of an activation.
        act_signed: whether activations are two's complement.

    Raises:
        MsqError: there is no such slice, or an activation is wider than its port.

    >>> lanes_per_dsp("DSP48E1", 4, False), lanes_per_dsp("DSP48E1", 8, False)
    (4, 2)
    """
    return dsp.get(dsp_block).lanes(4, act_bits, act_signed)
