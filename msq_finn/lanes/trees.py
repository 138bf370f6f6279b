"""Sizes of the compressor trees in msq_finn/rtl, counted as the RTL builds them.

A tree's cost is its number of compressor columns, one LUT site each. How many there are follows
from where the rows lie (row_tree.sv), so it is counted instead of fitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from msq_finn.lanes.constants import BLOCK, INPUTS, fold_bits, lane_groups
from msq_finn.lanes.dsp import chain_lengths, field_bits, product_bits

#: Random lanes that an average is taken over.
SAMPLES = 4

#: Values that a random weight may have, -7 to 7.
VALUES = 15

#: A row of a tree: its lowest column, and one beyond its highest.
Row = tuple[int, int]


def columns(rows: tuple[Row, ...], width: int) -> int:
    """Compressor columns of a tree that reduces rows to two.

    Args:
        rows: in any order.
        width: columns of the sum.

    >>> columns(((0, 4),) * 4, 8), columns(((0, 4),) * 2, 8)
    (4, 0)
    """
    return _tree(rows, width)[0]


def registers(rows: tuple[Row, ...], width: int) -> int:
    """Flip-flops of such a tree: of all rows behind a level.

    Args:
        rows: in any order.
        width: columns of the sum.

    >>> registers(((0, 4),) * 4, 8)  # a sum of 5 bits, and majorities of 4
    9
    """
    return _tree(rows, width)[1]


@cache
def _tree(rows: tuple[Row, ...], width: int) -> tuple[int, int]:
    """Compressor columns and flip-flops of all levels."""
    levels = list(_levels(rows, width))
    registers = (high - low for _, left in levels for low, high in left)
    return sum(total for total, _ in levels), sum(registers)


def _levels(rows: tuple[Row, ...], width: int) -> Iterator[tuple[int, tuple[Row, ...]]]:
    """Compressor columns of every level, and the rows that it leaves."""
    while len(rows) > 2:
        rows, total = tuple(sorted(rows, key=lambda row: row[1])), 0
        count = len(rows) // 4 + (len(rows) % 4 == 3)
        sums, majorities = [], []
        for group in (sorted(rows[4 * g : 4 * g + 4]) for g in range(count)):
            start, end = group[2][0], max(high for _, high in group)
            total += end - start
            second = sorted(high for _, high in group[1:])[-2]
            low = group[1][0] if group[1][0] < start else start + 1
            sums.append((group[0][0], min(width, end + 1)))
            majorities.append((low, min(width, max(start, second + 1))))
        passed = rows[4 * count :] if len(rows) % 4 != 3 else ()
        rows = (*sums, *majorities, *passed)
        yield total, rows


@cache
def lut_lane_columns(spans: tuple[Row, ...], simd: int, act_bits: int, acc_bits: int) -> int:
    """Compressor columns of a LUT lane (lut_lane.sv).

    Args:
        spans: per partial product its lowest column, and its columns beyond an activation's.
        simd: elements that a lane takes a cycle.
        act_bits: bits of an activation.
        acc_bits: bits of a sum.
    """
    width = min(acc_bits, sum_bits(spans, simd, act_bits))
    rows = [
        (min(base, width), min(base + act_bits + added, width))
        for base, added in spans
        for _ in range(simd)
    ]
    return columns(tuple(rows), width)


@cache
def sum_bits(spans: tuple[Row, ...], products: int, act_bits: int) -> int:
    """Bits of the largest sum of partial products.

    Args:
        spans: per partial product its lowest column, and its columns beyond an activation's.
        products: in the sum.
        act_bits: bits of an activation.

    >>> sum_bits(((0, 2), (2, 0)), 16, 4)  # 16 times 63 + 4 * 15
    11
    """
    largest = sum((2 ** (act_bits + added) - 1) << base for base, added in spans)
    return int(products * largest).bit_length()


class ConstantLane(NamedTuple):
    """A lane of LUT constants (embedded_lane.sv), on average.

    Attributes:
        outputs: LUT outputs of its tables; two share a site.
        columns: compressor columns.
        sum_bits: bits of the largest sum.
    """

    outputs: float
    columns: float
    sum_bits: int


@cache
def constant_lane(folds: int, sum_folds: int, simd: int, act_bits: int) -> ConstantLane:
    """Sizes of lanes of LUT constants, of random 4-bit weights, all integers equally likely.

    Trained weights are mostly smaller, which makes narrower tables.

    Args:
        folds: cycles a vector.
        sum_folds: of them, those of one row.
        simd: columns a cycle.
        act_bits: bits of an activation.
    """
    outputs, found, bits = 0.0, 0.0, 0
    for ends in _tables(folds, simd):
        rows = tuple((lo + k, hi + k) for lo, hi in ends for k in range(act_bits))
        largest = sum(2**hi - 2**lo for lo, hi in rows)
        outputs += sum(hi - lo for lo, hi in rows)
        found += columns(rows, largest.bit_length())
        bits = max(bits, (sum_folds * largest).bit_length())
    return ConstantLane(outputs / SAMPLES, found / SAMPLES, bits)


class SerialLane(NamedTuple):
    """A lane of LUT constants that takes a bit plane a cycle (serial_lane.sv), on average.

    Attributes:
        table_sites: of LUTs that hold its tables, two columns each.
        columns: compressor columns.
        registers: flip-flops of the tree.
        tree_bits: bits of a word's largest sum.
        sum_bits: columns of the accumulator, which holds less than two planes' sums.
    """

    table_sites: float
    columns: float
    registers: float
    tree_bits: float
    sum_bits: float


@cache
def serial_lane(folds: int, sum_folds: int, simd: int) -> SerialLane:
    """Sizes of serial lanes of LUT constants, of weights as those of :func:`constant_lane`.

    Args:
        folds: words of weights.
        sum_folds: of them, those of one row.
        simd: columns a cycle.
    """
    found = np.zeros(5)
    for rows in _tables(folds, simd):
        largest = sum(2**hi - 2**lo for lo, hi in rows)
        found += (
            sum((hi - lo + 1) // 2 for lo, hi in rows),
            columns(rows, largest.bit_length()),
            registers(rows, largest.bit_length()),
            largest.bit_length(),
            (2 * sum_folds * largest).bit_length(),
        )
    return SerialLane(*(found / SAMPLES).tolist())


def _tables(folds: int, simd: int) -> Iterator[tuple[Row, ...]]:
    """Lowest and highest bit of every table of some lanes of random weights.

    More than BLOCK columns are divided into equal blocks, of tables as a full one's.
    """
    sample, size = min(simd, BLOCK), INPUTS - fold_bits(folds)
    used = simd * (1 - VALUES**-folds)  # columns whose weights are not all 0
    blocks = math.ceil(used / BLOCK)
    count = blocks * math.ceil(used / blocks / size)
    for ends in _sampled_tables(folds, sample):
        yield tuple(ends[i % len(ends)] for i in range(count)) if simd > BLOCK else tuple(ends)


@cache
def _sampled_tables(folds: int, columns: int) -> list[list[tuple[int, int]]]:
    """Lowest and highest bit of every table of some lanes of random weights."""
    rng = np.random.default_rng(0)
    top = VALUES // 2
    samples = (rng.integers(-top, top + 1, size=(folds, columns)) for _ in range(SAMPLES))
    return [[(group.lo, group.hi) for group in lane_groups(weights)] for weights in samples]


@cache
def dsp_lane_columns(
    weight_bits: int, simd: int, act_bits: int, act_signed: bool, acc_bits: int, lowest: bool
) -> int:
    """Compressor columns of one DSP lane: its fields, its carries and their merge.

    Args:
        simd: elements that a lane takes a cycle.
        act_bits: bits of an activation.
        act_signed: whether activations are signed.
        acc_bits: bits of a sum.
        lowest: whether the lane is the lowest in its slice.
    """
    pairs, step = (simd + 1) // 2, product_bits(weight_bits, act_bits, act_signed)
    each = min(pairs, 2)
    field_bits = (pairs * (2**step - 1)).bit_length()
    carry_bits = (3 * pairs).bit_length()
    largest = pairs * (4 * 2**step - 1) + each * (2**carry_bits - 1)
    width = min(acc_bits, largest.bit_length())
    fields = (0, min(width, field_bits))
    above = min(width, step + carry_bits)
    if carry_bits > step:
        borrows = [(0, min(width, carry_bits))] * each
        merge = [fields] * each + borrows + [(step, above)] * each
    else:
        merge = [fields] * each + [(step if lowest else 0, above)] * each
    return (
        columns(((0, step),) * pairs, field_bits)
        + columns(((0, 2),) * pairs, carry_bits)
        + columns(tuple(merge), width)
    )


@cache
def apart_lane_columns(
    weight_bits: int, simd: int, act_bits: int, act_signed: bool, chain: int
) -> int:
    """Compressor columns of one DSP lane whose fields hold sums of a chain's products.

    Args:
        weight_bits: of a weight, its sign included.
        simd: elements that a lane takes a cycle.
        act_bits: bits of an activation.
        act_signed: whether activations are signed.
        chain: products that add up in a chain of slices, at most.
    """
    fields = len(chain_lengths(simd, chain))
    step = field_bits(weight_bits, act_bits, act_signed, chain)
    return columns(((0, step),) * fields, (fields * (2**step - 1)).bit_length())
