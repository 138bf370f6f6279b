"""Tables of LUT-constant lanes: weights that live in the LUTs instead of in a memory.

For a few folds, the weights of a group of columns and the fold's address fit the five inputs that
two LUT outputs can share (msq_finn/rtl/embedded_lane.sv). For one bit of every activation such a
table holds sum(w b) - sum(min(w, 0)) over the group: distributed arithmetic.

>>> [(group.members, group.lo, group.hi) for group in lane_groups(np.array([[3, -2, 0, 1]]))]
[((0, 1, 3), 0, 3)]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from msq_finn.errors import MsqError

IntArray = NDArray[np.int64]

#: Inputs that both outputs of a LUT can share.
INPUTS = 5

#: Folds that leave a table at least one weight.
MAX_FOLDS = 2 ** (INPUTS - 1)


def fold_bits(folds: int) -> int:
    """Bits of the fold's address.

    Args:
        folds: words of weights, at least one.

    >>> [fold_bits(n) for n in (1, 2, 5, 16)]
    [0, 1, 3, 4]
    """
    return (folds - 1).bit_length()


#: Columns that are shared out together.
BLOCK = 48


@dataclass(frozen=True)
class Group:
    """Columns that share a table.

    Attributes:
        members: numbers of the columns in a word, at most ``INPUTS - fold_bits``.
        lo: lowest bit of the table that is not always 0.
        hi: one above the highest such bit.
        table: per bit 0 to ``hi - 1`` the LUT's contents, the members in the address' low bits.
    """

    members: tuple[int, ...]
    lo: int
    hi: int
    table: tuple[int, ...]


def lane_groups(weights: IntArray) -> list[Group]:
    """Share a lane's columns out over tables.

    Args:
        weights: integers, shape (folds, SIMD), in the order in which the folds are computed.

    Returns:
        one group or more; columns whose weights are all 0 are in none.

    Raises:
        MsqError: more than MAX_FOLDS folds.
    """
    folds = len(weights)
    if not 1 <= folds <= MAX_FOLDS:
        raise MsqError(f"weights of {folds} folds do not fit into LUTs, which hold {MAX_FOLDS}")
    size = INPUTS - fold_bits(folds)
    members = share_out(np.abs(weights), size) or [[0]]
    return [_group(weights, sorted(columns)) for columns in members]


@dataclass(frozen=True)
class LayerTables:
    """Parameters of ``mvau_msq`` for its embedded lanes, lane 0 in the low bits.

    Attributes:
        groups: groups of the lane that has most.
        members: columns in a group.
        table_bits: columns of the widest table.
        parameters: the packed arrays by name, each with its width in bits.
    """

    groups: int
    members: int
    table_bits: int
    parameters: dict[str, tuple[int, int]]


def layer_tables(weights: IntArray) -> LayerTables:
    """Lay the tables of a layer's embedded lanes out.

    Args:
        weights: integers, shape (lanes, folds, SIMD), at least one lane.

    Returns:
        the parameters; lanes of fewer groups than others are filled up with empty ones.

    Raises:
        MsqError: more than MAX_FOLDS folds.

    >>> tables = layer_tables(np.array([[[3, -2, 0, 1]], [[7, 7, 7, 7]]]))
    >>> tables.groups, tables.members, tables.table_bits
    (1, 5, 5)
    """
    lanes = [lane_groups(lane) for lane in weights]
    members = INPUTS - fold_bits(weights.shape[1])
    most = max(len(groups) for groups in lanes)
    bits = max(group.hi for groups in lanes for group in groups)
    empty = Group((), 0, 0, ())
    padded = [group for groups in lanes for group in (*groups, *[empty] * (most - len(groups)))]
    sources = [index for g in padded for index in _filled(g.members, members)]
    columns = [column for g in padded for column in _filled(g.table, bits)]
    return LayerTables(
        most,
        members,
        bits,
        {
            "LaneGroups": _packed([len(groups) for groups in lanes], 16),
            "Source": _packed(sources, 16),
            "Lo": _packed([group.lo for group in padded], 16),
            "Hi": _packed([group.hi for group in padded], 16),
            "Table": _packed(columns, 32),
        },
    )


def _filled(values: Sequence[int], length: int) -> list[int]:
    return [*values, *[0] * (length - len(values))]


def _packed(values: Sequence[int], bits: int) -> tuple[int, int]:
    return sum(value << index * bits for index, value in enumerate(values)), len(values) * bits


def share_out(magnitudes: IntArray, size: int) -> list[list[int]]:
    """Divide columns into groups whose tables have few bits.

    A table's width is that of the group's largest sum in any fold. Columns are grouped by size to
    begin with; then any two groups exchange columns as long as their tables get narrower. Of many
    columns, BLOCK at a time are looked at, each block with columns of all sizes.

    Args:
        magnitudes: absolute weights, shape (folds, SIMD).
        size: columns that a group may have.

    Returns:
        numbers of the columns, group by group; columns whose weights are all 0 are in none.

    >>> share_out(np.array([[7, 1, 6, 0, 1, 1]]), 2)
    [[0, 2], [1, 4], [5]]
    """
    used = [column for column in range(magnitudes.shape[1]) if magnitudes[:, column].any()]
    used.sort(key=lambda column: (-magnitudes[:, column].max(), -magnitudes[:, column].sum()))
    blocks = -(-len(used) // BLOCK)
    return [
        group
        for block in range(blocks)
        for group in _improved(magnitudes, used[block::blocks], size)
    ]


def _improved(magnitudes: IntArray, columns: list[int], size: int) -> list[list[int]]:
    groups = [columns[start : start + size] for start in range(0, len(columns), size)]
    if size == 1:  # whatever is exchanged, the tables are the same
        return groups
    pairs = list(combinations(range(len(groups)), 2))
    settled: set[tuple[int, int]] = set()  # have nothing to exchange until one of them changes
    while len(settled) < len(pairs):
        for p, q in pairs:
            if (p, q) in settled:
                continue
            settled.add((p, q))
            better = _exchange(magnitudes, groups[p], groups[q], size)
            if better:
                groups[p], groups[q] = better
                settled -= {pair for pair in pairs if {p, q} & set(pair)}
    return [group for group in groups if group]


def _exchange(
    magnitudes: IntArray, first: list[int], second: list[int], size: int
) -> tuple[list[int], list[int]] | None:
    """Move a column from one group to the other, or swap two, where that saves most bits."""
    # The last row and column of the table of exchanges stand for "none".
    give, take = (_columns_and_none(magnitudes, group) for group in (first, second))
    moved = take[None, :] - give[:, None]
    widths = _widths(give.sum(axis=0) + moved) + _widths(take.sum(axis=0) - moved)
    if len(first) == size:
        widths[-1, :-1] = widths[-1, -1]
    if len(second) == size:
        widths[:-1, -1] = widths[-1, -1]
    p, q = np.unravel_index(widths.argmin(), widths.shape)
    if widths[p, q] == widths[-1, -1]:
        return None
    given, taken = first[p : p + 1], second[q : q + 1]
    return (
        [column for column in first if column not in given] + taken,
        [column for column in second if column not in taken] + given,
    )


def _columns_and_none(magnitudes: IntArray, columns: list[int]) -> IntArray:
    none = np.zeros((1, len(magnitudes)), dtype=magnitudes.dtype)
    return np.concatenate([magnitudes[:, columns].T, none])


def _widths(sums: IntArray) -> IntArray:
    """Bits of the largest of sums, along the last axis."""
    # frexp counts the bits of a whole number below 2^53.
    bits: IntArray = np.frexp(sums.max(axis=-1))[1]
    return bits


def _group(weights: IntArray, members: list[int]) -> Group:
    folds, size = len(weights), INPUTS - fold_bits(len(weights))
    chosen = np.zeros((folds, size), dtype=np.int64)
    chosen[:, : len(members)] = weights[:, members]
    bits = np.arange(2**size)[:, None] >> np.arange(size) & 1
    sums = chosen @ bits.T - np.minimum(chosen, 0).sum(axis=1)[:, None]
    flat = sums.ravel()  # the address of an entry: fold, then members
    hi = max(1, int(flat.max()).bit_length())
    used = int(np.bitwise_or.reduce(flat))
    lo = (used & -used).bit_length() - 1 if used else 0
    table = tuple(sum(1 << int(i) for i in np.flatnonzero(flat >> bit & 1)) for bit in range(hi))
    return Group(tuple(members), lo, hi, table)
