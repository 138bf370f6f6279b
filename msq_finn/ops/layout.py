"""How the rows of one layer lie on its lanes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msq_finn.errors import MsqError
from msq_finn.rtl.lanes import LaneKind
from msq_finn.rtl.lanes import get as lane_kind
from msq_finn.rtl.lanes import names as lane_names

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class LaneLayout:
    """The lane groups of a layer, in the order of the hardware's lanes.

    Row ``r`` of the weight matrix is computed on lane ``r mod PE`` (FINN's interleaving of MH over
    PE), so a lane holds the rows ``lane, lane + PE, lane + 2 PE, ...``.

    Attributes:
        kinds: lane kinds, in the order of the RTL's lane groups.
        counts: lanes (PE) of each kind.

    >>> layout = LaneLayout.from_names(["sp2_4_lut", "fixed_4_dsp"], [1, 2])
    >>> [kind.name for kind in layout.row_kinds(6)][:4]
    ['sp2_4_lut', 'fixed_4_dsp', 'fixed_4_dsp', 'sp2_4_lut']
    >>> layout.encode(np.array([[8, 7, -1]]))  # MW = 1, MH = 3
    array([[ 7,  7, 15]])
    """

    kinds: tuple[LaneKind, ...]
    counts: tuple[int, ...]

    @classmethod
    def from_names(cls, names: list[str], counts: list[int]) -> LaneLayout:
        """Build a layout from the attributes of a node.

        Args:
            names: lane kinds, such as ``["sp2_4_lut", "fixed_4_dsp"]``, in the hardware's order.
            counts: lanes (PE) of each.

        Raises:
            MsqError: a kind is unknown, kinds are out of order, or counts are not one >= 0 each.
        """
        if len(names) != len(counts) or any(count < 0 for count in counts):
            raise MsqError(f"lane kinds {names} need one count >= 0 each, got {counts}")
        kinds = tuple(lane_kind(name) for name in names)
        order = [name for name in lane_names() if name in names]
        if order != names:
            raise MsqError(f"lane kinds {names} must come in the hardware's order: {order}")
        return cls(kinds, tuple(int(c) for c in counts))

    @property
    def pe(self) -> int:
        """Lanes of all groups together (FINN's PE)."""
        return sum(self.counts)

    @property
    def lanes(self) -> list[LaneKind]:
        """The kind of every lane, lane 0 first."""
        return [kind for kind, n in zip(self.kinds, self.counts, strict=True) for _ in range(n)]

    def count(self, name: str) -> int:
        """Count the lanes of a kind.

        Args:
            name: of the kind; one that the layer does not have counts 0.
        """
        return sum(n for k, n in zip(self.kinds, self.counts, strict=True) if k.name == name)

    @property
    def code_lanes(self) -> IntArray:
        """Numbers of the lanes that take codes from the weight memory."""
        return np.flatnonzero([kind.streams_codes for kind in self.lanes])

    @property
    def code_bits(self) -> list[int]:
        """Bits of a code on each lane that takes codes."""
        return [kind.scheme.bits for kind in self.lanes if kind.streams_codes]

    @property
    def embedded_lanes(self) -> IntArray:
        """Numbers of the lanes that hold their weights."""
        return np.flatnonzero([not kind.streams_codes for kind in self.lanes])

    def row_kinds(self, rows: int) -> list[LaneKind]:
        """Return the kind of the lane that each row is computed on.

        Args:
            rows: rows of the weight matrix (MH).

        Raises:
            MsqError: the lanes do not divide the rows.
        """
        if self.pe == 0 or rows % self.pe:
            raise MsqError(f"{rows} rows (MH) are no multiple of {self.pe} lanes (PE)")
        return self.lanes * (rows // self.pe)

    def folded(self, weights: IntArray, simd: int) -> IntArray:
        """Arrange a matrix as the lanes take it.

        Args:
            weights: shape (MW, MH), FINN's orientation; PE divides MH.
            simd: columns a cycle, a divisor of MW.

        Returns:
            shape (PE, NF, SF, SIMD) for the NF = MH / PE rows of a lane, each in SF = MW / SIMD
            cycles.
        """
        mw, mh = weights.shape
        return weights.T.reshape(mh // self.pe, self.pe, mw // simd, simd).transpose(1, 0, 2, 3)

    def encode(self, weights: IntArray) -> IntArray:
        """Turn grid integers into codes, as they are kept in weight memory.

        Args:
            weights: integers, shape (MW, MH), FINN's orientation.

        Returns:
            codes of the same shape, each row in the code of the lane it lies on.

        Raises:
            MsqError: a row lies on a lane whose scheme does not hold it.
        """
        codes = np.empty_like(weights)
        for kind, rows in self._rows_by_kind(weights.shape[1]):
            try:
                codes[:, rows] = kind.scheme.encode(weights[:, rows])
            except MsqError as error:
                held = kind.scheme.holds(weights[:, rows])
                row = rows[held.all(axis=0).argmin()]
                strange = weights[:, row][~kind.scheme.holds(weights[:, row])]
                raise MsqError(
                    f"row {row} lies on a {kind.name} lane, but {kind.scheme.name} does not hold "
                    f"its values {np.unique(strange).tolist()}"
                ) from error
        return codes

    def row_offsets(self, weights: IntArray, act_bits: int, act_signed: bool) -> IntArray:
        """Return the constants that the lanes add to the true sums (`LaneKind.code_offset`).

        Args:
            weights: integers, shape (MW, MH), FINN's orientation.
            act_bits: bits of an activation, 2 to 8.
            act_signed: whether activations are two's complement.

        Returns:
            one a row, shape (MH,).

        Raises:
            MsqError: a row lies on a lane whose scheme does not hold it, or the lanes do not take
                such activations.
        """
        codes = self.encode(weights)
        offsets = np.empty(weights.shape[1], dtype=np.int64)
        for kind, rows in self._rows_by_kind(weights.shape[1]):
            offsets[rows] = kind.code_offset(codes[:, rows], act_bits, act_signed).sum(axis=0)
        return offsets

    def _rows_by_kind(self, rows: int) -> list[tuple[LaneKind, IntArray]]:
        """The rows on each kind of lane, ascending."""
        kinds = self.row_kinds(rows)
        return [
            (kind, np.array([row for row, its in enumerate(kinds) if its == kind]))
            for kind in dict.fromkeys(kinds)
        ]
