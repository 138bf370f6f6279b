"""LUT lanes that take codes: sums of shifts, and Booth digits."""

from __future__ import annotations

import math
import zlib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msq_finn.errors import MsqError
from msq_finn.lanes import trees
from msq_finn.lanes.kind import Features, LaneKind, Shape
from msq_finn.lanes.partial import Partial


class LutLane(LaneKind):
    """A tree of partial products and an accumulator (lut_lane.sv)."""

    engine: ClassVar[str] = "lut"
    rtl_engine: ClassVar[int] = 0

    def features(self, lanes: int, shape: Shape) -> Features:
        """LUTs before the tree, the tree's columns, and bits of the sum."""
        spans = tuple((p.base, p.added) for p in self.partials)
        bits = min(shape.acc_bits, trees.sum_bits(spans, shape.products, shape.act_bits))
        columns = trees.lut_lane_columns(spans, shape.simd, shape.act_bits, bits)
        made = {k: lanes * shape.simd * v for k, v in self._made(shape.act_bits).items()}
        return {**made, "compressor columns": lanes * columns, "accumulator bits": lanes * bits}

    @abstractmethod
    def _made(self, act_bits: int) -> Features:
        """LUTs that make the partial products of one product."""


@dataclass(frozen=True, eq=False)
class ShiftLut(LutLane):
    """Sums of powers of two: a partial product for each term, all complemented by the sign bit.

    One of long shifts complements no more than the activation, which makes its constant depend on
    the shift (msq_finn/rtl/long_shift_row.sv).

    Attributes:
        scheme: codes are a sign above one field for each term.
        terms: the partial products.
        placed: number in product_rows.sv of a module whose LUTs are placed by hand; 0 for shifts.
    """

    terms: tuple[Partial, ...] = ()
    placed: int = 0

    @property
    def partials(self) -> tuple[Partial, ...]:
        """One a term."""
        return self.terms

    @property
    def module(self) -> int:
        """Shifts, or a module of its own."""
        return self.placed

    def check(self) -> None:
        """Compare the sum of the terms with the scheme, code by code.

        Raises:
            MsqError: they differ.
        """
        half = 1 << self.scheme.bits - 1
        for code, value in enumerate(self.scheme.code_values()):
            total = sum(term.of_code(code) for term in self.terms)
            if value is not None and value != (-total if code & half else total):
                raise MsqError(
                    f"code {code} of {self.scheme.name} stands for {value}, but "
                    f"its partial products add up to {total}",
                    where=f"lane {self.name}",
                )

    def _made(self, act_bits: int) -> Features:
        # Columns select among three shifts, those at the ends in pairs; of one shift, all in pairs.
        # Long shifts take two steps.
        found = {"shift LUTs": 0.0, "long shift LUTs": 0.0}
        for term in self.terms:
            if term.is_long:
                found["long shift LUTs"] += 2 * act_bits + 8
            elif term.added:
                found["shift LUTs"] += act_bits + term.added - 2
            else:
                found["shift LUTs"] += math.ceil(act_bits / 2)
        return found

    def _offset(
        self, codes: NDArray[np.int64], act_bits: int, act_signed: bool
    ) -> NDArray[np.int64]:
        sign = codes >> (self.scheme.bits - 1)
        total = np.zeros_like(codes)
        for term in self.terms:
            if term.is_long:
                field = codes >> term.low & 7
                half = 1 << (act_bits - 1) if act_signed else 0
                constant = np.where(sign, (1 << act_bits) - 1 - half, half)
                total += np.where(field > 0, constant << np.maximum(field - 1, 0), 0) << term.base
            else:
                total += sign * _complement(act_bits + term.added, act_signed) << term.base
        return total


@dataclass(frozen=True, eq=False)
class BoothLut(LutLane):
    """Radix-4 Booth digits, -2 c[2i + 1] + c[2i] + c[2i - 1], complemented if negative.

    Attributes:
        scheme: two's complement of an even number of bits.
        placed: number in product_rows.sv of a module whose LUTs are placed by hand.
    """

    placed: int = 1

    @property
    def partials(self) -> tuple[Partial, ...]:
        """One a digit."""
        return tuple(Partial(2 * digit) for digit in range(self.scheme.bits // 2))

    @property
    def module(self) -> int:
        """Digits, or a module of its own."""
        return self.placed

    def check(self) -> None:
        """See LaneKind.

        Raises:
            MsqError: the scheme is not of two's complement, or of an odd number of bits.
        """
        half = 1 << self.scheme.bits - 1
        for code, value in enumerate(self.scheme.code_values()):
            if value not in (None, code - 2 * half * (code >= half)) or self.scheme.bits % 2:
                raise MsqError(
                    f"Booth digits take two's complement of an even number of "
                    f"bits, not {self.scheme.name}",
                    where=f"lane {self.name}",
                )

    def _made(self, act_bits: int) -> Features:
        return {"Booth LUTs": len(self.partials) * (act_bits + 1) / 2}

    def _offset(
        self, codes: NDArray[np.int64], act_bits: int, act_signed: bool
    ) -> NDArray[np.int64]:
        total = np.zeros_like(codes)
        for digit in range(len(self.partials)):
            window = codes << 1 >> 2 * digit & 7
            negative = ((window >= 4) & (window != 7)).astype(np.int64)
            total += negative * _complement(act_bits + 1, act_signed) << 2 * digit
        return total


@dataclass(frozen=True, eq=False)
class ModuleLut(LutLane):
    """Partial products of a module of another package's.

    The module has the parameters ActBits, ActSigned and Width and the ports ``code_i``, ``act_i``
    and ``rows_o[count][Width]`` of product_rows.sv. Its outputs add up to the weight times the
    activation, a constant of the code (what ``_offset`` says), and for signed activations the sum
    of half the range of each partial product that is not long, which lut_lane.sv takes off.

    Attributes:
        spans: the partial products; of them, only base and the columns added matter.
        top: name of the module.
        files: SystemVerilog files of the module and of what is beneath it.
        luts: LUTs that make the partial products of one product, by bits of an activation.
    """

    spans: tuple[Partial, ...] = ()
    top: str = ""
    files: tuple[Path, ...] = ()
    luts: Mapping[int, float] = field(default_factory=dict)

    @property
    def partials(self) -> tuple[Partial, ...]:
        """Where they lie."""
        return self.spans

    @property
    def module(self) -> int:
        """A number of its own, from the module's name: equal in all processes."""
        return 4 + zlib.crc32(self.top.encode()) % 252

    def check(self) -> None:
        """See LaneKind.

        Raises:
            MsqError: a file is missing, or there are more partial products than a unit has room
                for.
        """
        for path in self.files:
            if not path.is_file():
                raise MsqError(f"no such file: {path}", where=f"lane {self.name}")
        if not 1 <= len(self.spans) <= 4:
            raise MsqError("give 1 to 4 partial products", where=f"lane {self.name}")

    def _made(self, act_bits: int) -> Features:
        return {"shift LUTs": self.luts.get(act_bits, 2.0 * act_bits)}


def _complement(bits: int, act_signed: bool) -> int:
    """What a one's complement of that many bits adds to the negated value."""
    return -1 if act_signed else (1 << bits) - 1
