"""Cycles from the operands of a sum's last products to the sum, as msq_pkg.sv counts them."""

from __future__ import annotations

import math

from msq_finn.lanes import dsp
from msq_finn.lanes.counts import LaneCounts
from msq_finn.lanes.kind import LaneKind

#: Columns that a carry passes in a cycle where sums accumulate (``AccColumns``).
ACC_COLUMNS = 16


def tree_depth(rows: int) -> int:
    """Register stages of a tree that reduces rows to two.

    Args:
        rows: to add.

    >>> [tree_depth(rows) for rows in (2, 3, 4, 8, 16)]
    [0, 1, 1, 2, 3]
    """
    depth = 0
    while rows > 2:
        groups = rows // 4 + (rows % 4 == 3)
        rows = 2 * groups + (0 if rows % 4 == 3 else rows % 4)
        depth += 1
    return depth


def _lut_depth(kind: LaneKind, simd: int) -> int:
    long = any(partial.is_long for partial in kind.partials)
    return max(1, long + tree_depth(len(kind.partials) * simd))


def dsp_depth(
    kind: LaneKind, simd: int, act_bits: int, act_signed: bool, block: dsp.DspBlock
) -> int:
    """Cycles from operands to the accumulators of DSP lanes (``dsp_lane_depth``).

    Args:
        simd: products a cycle.
        act_bits: bits of an activation.
        act_signed: whether activations are two's complement.
        block: the device's kind of DSP slice.
    """
    lengths = dsp.chain_lengths(simd, kind.chain)
    chains, merged = len(lengths), 1
    if not block.apart(kind.code_bits, act_bits, act_signed, kind.chain):
        spacing = dsp.product_bits(kind.code_bits, act_bits, act_signed)
        carries = (3 * chains).bit_length()
        merged = min(chains, 2) * (3 if carries > spacing else 2)
    return 2 + max(2, *lengths) + tree_depth(chains) + tree_depth(merged)


def sum_latency(
    lanes: LaneCounts,
    simd: int,
    act_bits: int,
    act_signed: bool,
    acc_bits: int,
    block: dsp.DspBlock,
) -> int:
    """Cycles of ``mvau_msq`` from operands to sums, but for lanes that hold their weights.

    Args:
        lanes: of the layer, which all keep step with the deepest.
        simd: products a cycle.
        act_bits: bits of an activation.
        act_signed: whether activations are two's complement.
        acc_bits: bits of a sum.
        block: the device's kind of DSP slice.
    """
    depth = max(
        _lut_depth(kind, simd)
        if kind.engine == "lut"
        else dsp_depth(kind, simd, act_bits, act_signed, block)
        for kind in lanes.kinds
    )
    widest = max([4, *(kind.code_bits for kind in lanes.kinds if kind.engine == "dsp")])
    return depth + math.ceil(max(acc_bits, act_bits + widest) / ACC_COLUMNS)
