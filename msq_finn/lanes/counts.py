"""How many lanes of each kind a layer has, and how its rows lie on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from msq_finn.errors import MsqError
from msq_finn.lanes.divisors import folds
from msq_finn.lanes.kind import LaneKind, Shape
from msq_finn.lanes.table import get, kinds

IntArray = NDArray[np.int64]


class LaneCounts(Mapping[str, int]):
    """Lanes (PE) by the name of their kind, in the order of the hardware; immutable.

    Kinds without lanes are left out. Row ``r`` of the weight matrix is computed on lane
    ``r mod PE`` (FINN's interleaving of MH over PE), so a lane holds the rows
    ``lane, lane + PE, lane + 2 PE, ...``.

    Args:
        counts: by name of the kind.

    Raises:
        MsqError: a kind is unknown, a count is negative, or serial lanes have others beside them.

    >>> lanes = LaneCounts({"fixed_4_dsp": 2, "sp2_4_lut": 1})
    >>> lanes, lanes.pe
    (LaneCounts(sp2_4_lut=1, fixed_4_dsp=2), 3)
    >>> [kind.name for kind in lanes.row_kinds(6)][:4]
    ['sp2_4_lut', 'fixed_4_dsp', 'fixed_4_dsp', 'sp2_4_lut']
    >>> lanes.encode(np.array([[8, 7, -1]]))  # MW = 1, MH = 3
    array([[ 7,  7, 15]])
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        for name, count in counts.items():
            get(name)
            if count < 0:
                raise MsqError(f"{count} lanes of kind {name}; give a number of at least 0")
        self._counts = {k.name: int(counts[k.name]) for k in kinds() if counts.get(k.name, 0)}
        self._key = tuple(self._counts.items())
        if len(self._counts) > 1 and (serial := [k.name for k in self.kinds if k.serial]):
            raise MsqError(
                f"{serial[0]} lanes take activations bit by bit, so that a layer has no others "
                f"beside them; of {', '.join(self._counts)}, use either"
            )
        self._hash = hash(self._key)

    def __getitem__(self, name: str) -> int:
        """Lanes of a kind that the layer has; ``get(name, 0)`` is 0 for others."""
        return self._counts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, LaneCounts) else NotImplemented

    def __repr__(self) -> str:
        return f"LaneCounts({', '.join(f'{name}={count}' for name, count in self._key)})"

    @property
    def label(self) -> str:
        """For people, such as ``4 SP2(4) LUT, 8 Fixed(4) DSP``."""
        return ", ".join(f"{count} {get(name).label}" for name, count in self._key)

    @cached_property
    def pe(self) -> int:
        """Lanes of all kinds together (FINN's PE)."""
        return sum(self._counts.values())

    @property
    def kinds(self) -> list[LaneKind]:
        """The kinds that there are lanes of."""
        return [get(name) for name in self._counts]

    @property
    def per_lane(self) -> list[LaneKind]:
        """The kind of every lane, lane 0 first."""
        return [get(name) for name, count in self._key for _ in range(count)]

    @property
    def code_lanes(self) -> IntArray:
        """Numbers of the lanes that take codes from the weight memory, shape (lanes,)."""
        return np.flatnonzero([not kind.constant for kind in self.per_lane])

    @property
    def constant_lanes(self) -> IntArray:
        """Numbers of the lanes that hold their weights, shape (lanes,)."""
        return np.flatnonzero([kind.constant for kind in self.per_lane])

    @property
    def is_constant(self) -> bool:
        """Whether all lanes hold their weights, so that there is no weight memory."""
        return all(kind.constant for kind in self.kinds)

    @property
    def is_serial(self) -> bool:
        """Whether the lanes take a bit plane of the activations a cycle."""
        return any(kind.serial for kind in self.kinds)

    def planes(self, act_bits: int) -> int:
        """Cycles that a word of activations takes.

        Args:
            act_bits: bits of an activation.
        """
        return max((kind.planes(act_bits) for kind in self.kinds), default=1)

    @property
    def code_bits(self) -> list[int]:
        """Bits of a code on each lane that takes codes."""
        return [kind.code_bits for kind in self.per_lane if not kind.constant]

    @cached_property
    def column_bits(self) -> int:
        """Bits of the codes of a column of weights, on all lanes that take codes."""
        return sum(get(name).code_bits * count for name, count in self._key)

    @property
    def widest_code(self) -> int:
        """Bits of the widest code, four at least."""
        return max([4, *(kind.code_bits for kind in self.kinds)])

    def of_engine(self, engine: str) -> int:
        """Count lanes.

        Args:
            engine: "lut" or "dsp".
        """
        return sum(count for name, count in self._key if get(name).engine == engine)

    def slices(self, shape: Shape) -> int:
        """Count DSP slices; exact, they are instantiated one by one.

        Args:
            shape: of the lanes.

        Raises:
            MsqError: an operand is wider than its port.
        """
        return sum(get(name).slices(count, shape) for name, count in self._key)

    def check_unit(self, unit: str) -> None:
        """Refuse lanes that a unit does not have.

        Args:
            unit: of DENSE and DEPTHWISE.

        Raises:
            MsqError: there are some.
        """
        for kind in self.kinds:
            if unit not in kind.units:
                known = ", ".join(known.name for known in kinds(unit))
                raise MsqError(f"{unit} has no lanes of kind {kind.name}, but of {known}")

    def row_kinds(self, rows: int) -> list[LaneKind]:
        """Return the kind of the lane that each row is computed on.

        Args:
            rows: rows of the weight matrix (MH); the last lanes have one less where PE does not
                divide it.
        """
        return (self.per_lane * folds(rows, self.pe))[:rows]

    def rows_taken(self, rows: int) -> dict[str, int]:
        """Return how many rows the lanes of every kind have.

        Args:
            rows: rows of the weight matrix (MH).

        >>> LaneCounts({"sp2_4_lut": 1, "fixed_4_dsp": 2}).rows_taken(8)
        {'sp2_4_lut': 3, 'fixed_4_dsp': 5}
        """
        whole, over, first = rows // self.pe, rows % self.pe, 0
        taken = {}
        for name, count in self._key:
            taken[name] = whole * count + min(count, max(0, over - first))
            first += count
        return taken

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
        own = [kind.name for kind in self.row_kinds(rows)]
        return [(get(name), np.flatnonzero([name == other for other in own])) for name in self]
