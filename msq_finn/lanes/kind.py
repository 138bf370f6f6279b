"""What a lane kind says of itself: an entry of the table answers for RTL, ops, planner and reports.

A lane sums products over a row of weights. LUT lanes write each product as unsigned partial
products and a negative weight as a one's complement: -v becomes 2^n - 1 - v. The sum then is
W x + c modulo 2^AccBits, where c depends on the row's weight codes only. Partial products of signed
activations are two's complement, so that 2^n drops out: but for long shifts, their sign offset does
not depend on weights and the accumulator starts at what cancels it. DSP lanes cancel all their
constants so.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.lanes.dsp import DspBlock
from msq_finn.lanes.partial import Partial
from msq_finn.schemes import Scheme

MIN_ACT_BITS, MAX_ACT_BITS = 2, 8
MAX_ACC_BITS = 48

#: Quantities by name, of which the cost model knows what a unit takes.
Features = dict[str, float]

#: Units that have lanes: the matrix-vector unit, the depthwise one, and FINN's of DSP slices only.
DENSE, DEPTHWISE, FINN = "mvau_msq", "vvau_msq", "mvu_vvu_axi"


@dataclass(frozen=True)
class Shape:
    """What the size of a lane depends on.

    Attributes:
        products: of a sum: columns of the weight matrix, or elements of a window.
        simd: products a cycle.
        folds: words of weights, of all rows of a lane.
        act_bits: bits of an activation.
        act_signed: whether activations are two's complement.
        acc_bits: bits of a sum.
        block: the device's DSP slice.
    """

    products: int
    simd: int
    folds: int
    act_bits: int
    act_signed: bool
    acc_bits: int
    block: DspBlock


@dataclass(frozen=True, eq=False)
class LaneKind(ABC):
    """A way to compute one output row.

    Attributes:
        name: what :func:`msq_finn.lanes.get` finds the kind by, and its key in plans.
        label: what tables call it.
        scheme: the number system of its codes.
        units: those that have such lanes, of ``DENSE``, ``DEPTHWISE`` and ``FINN``.
    """

    name: str
    label: str
    scheme: Scheme
    units: tuple[str, ...] = (DENSE,)

    #: "lut" or "dsp".
    engine: ClassVar[str]
    #: ``engine_e`` in msq_pkg.sv.
    rtl_engine: ClassVar[int]
    #: Whether the weights are in the lane, which then takes no codes.
    constant: ClassVar[bool] = False
    #: Whether rows of any scheme lie on it, as integers.
    any_scheme: ClassVar[bool] = False
    #: Whether it takes a bit plane of the activations a cycle, for which a layer has one schedule.
    serial: ClassVar[bool] = False

    def planes(self, act_bits: int) -> int:
        """Cycles that a word of activations takes.

        Args:
            act_bits: bits of an activation.
        """
        return act_bits if self.serial else 1

    @property
    def partials(self) -> tuple[Partial, ...]:
        """The addends of a product, on lanes that make some."""
        return ()

    @property
    def module(self) -> int:
        """What makes the partial products: a number in product_rows.sv."""
        return 0

    @property
    def chain(self) -> int:
        """DSP slices whose products add up before their sum is read, at most; 0 without."""
        return 0

    @property
    def code_bits(self) -> int:
        """Bits of a weight in memory; 0 where the lane holds its weights."""
        return 0 if self.constant else self.scheme.bits

    def takes(self, names: Sequence[str]) -> bool:
        """Tell whether the lane computes a row.

        Args:
            names: the schemes that hold the row, such as ("sp2_4", "fixed_4").
        """
        if self.any_scheme:
            return any(schemes.get(name).grid_max <= self.scheme.grid_max for name in names)
        return self.scheme.name in names

    def pack(self, shape: Shape) -> int:
        """Lanes that share slices, or are counted together."""
        return 1

    def slices(self, lanes: int, shape: Shape) -> int:
        """DSP slices of so many lanes; exact, they are instantiated one by one.

        Args:
            lanes: how many.

        Raises:
            MsqError: an operand is wider than its port.
        """
        return 0

    @abstractmethod
    def features(self, lanes: int, shape: Shape) -> Features:
        """What the LUTs of a pack are proportional to.

        Args:
            lanes: that the pack holds, at most :meth:`pack`.
            shape: of the lanes.
        """

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
                f"activations of {act_bits} bits; it takes {MIN_ACT_BITS} to {MAX_ACT_BITS}",
                where=f"lane {self.name}",
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

    def _offset(
        self, codes: NDArray[np.int64], act_bits: int, act_signed: bool
    ) -> NDArray[np.int64]:
        """By default nothing: the lane cancels its own constants."""
        return np.zeros_like(codes)

    def check(self) -> None:  # noqa: B027  (most kinds take any scheme)
        """Refuse an entry that contradicts its scheme.

        Raises:
            MsqError: it does.
        """
