"""Lanes that are no trees of partial products: LUT constants, and DSP slices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from msq_finn.lanes import dsp, trees
from msq_finn.lanes.kind import Features, LaneKind, Shape


class ConstantLut(LaneKind):
    """Weights of any scheme in tables, which hold sums less the most negative one.

    The scheme says only what is wide enough.
    """

    engine: ClassVar[str] = "lut"
    rtl_engine: ClassVar[int] = 2
    constant: ClassVar[bool] = True
    any_scheme: ClassVar[bool] = True

    def features(self, lanes: int, shape: Shape) -> Features:
        """Outputs of tables, the tree's columns, and bits of the sum."""
        sums = shape.products // shape.simd
        lane = trees.constant_lane(shape.folds, sums, shape.simd, shape.act_bits)
        return {
            "table outputs": lanes * lane.outputs,
            "compressor columns": lanes * lane.columns,
            "accumulator bits": lanes * min(shape.acc_bits, lane.sum_bits),
        }

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


class SerialLut(ConstantLut):
    """The same tables, for a bit plane of the activations a cycle (rtl/serial/serial_lane.sv).

    A word takes as many cycles as activations have bits, and may be as many times wider.
    """

    serial: ClassVar[bool] = True

    def features(self, lanes: int, shape: Shape) -> Features:
        """LUTs of tables, tree and sums, and flip-flops behind the last two."""
        words = shape.products // shape.simd
        lane = trees.serial_lane(shape.folds, words, shape.simd)
        # Several words of a plane are added up before they accumulate.
        sums = lane.sum_bits + lane.tree_bits * (words > 1)
        return {
            "lane sites": lanes * (lane.table_sites + lane.columns + sums),
            "tree registers": lanes * lane.registers,
            "sum bits": lanes * (sums + shape.act_bits - 1),
        }


@dataclass(frozen=True, eq=False)
class DspLane(LaneKind):
    """Fixed-point rows that share a slice's multiplier side by side (dsp_lanes.sv).

    Attributes:
        scheme: two's complement of narrow range.
        chain: slices whose products add up before their sum is read, at most. Rows leave room for
            the sum of more than two, so that fewer share a slice, but only each chain's sum takes
            LUTs.
    """

    engine: ClassVar[str] = "dsp"
    rtl_engine: ClassVar[int] = 1

    chain: int = 2

    def pack(self, shape: Shape) -> int:
        """Rows in a slice."""
        return shape.block.lanes(self.scheme.bits, shape.act_bits, shape.act_signed, self.chain)

    def slices(self, lanes: int, shape: Shape) -> int:
        """One a pack and product."""
        return math.ceil(lanes / self.pack(shape)) * shape.simd

    def features(self, lanes: int, shape: Shape) -> Features:
        """The fields' trees, with carries of their own where sums are not apart."""
        bits, act, signed = self.scheme.bits, shape.act_bits, shape.act_signed
        made = {
            "DSP lanes": lanes,
            "accumulator bits": lanes * shape.acc_bits,
            "waiting bits": lanes * bits * dsp.waits(shape.simd, self.chain),
        }
        if shape.block.apart(bits, act, signed, self.chain):
            columns = lanes * trees.apart_lane_columns(bits, shape.simd, act, signed, self.chain)
            return {**made, "compressor columns": columns}
        columns = sum(
            trees.dsp_lane_columns(bits, shape.simd, act, signed, shape.acc_bits, lane == 0)
            for lane in range(lanes)
        )
        return {
            **made,
            "DSP low products": (lanes - 1) * shape.simd,
            "DSP carries": lanes * ((shape.simd + 1) // 2),
            "compressor columns": columns,
        }


class ChannelDsp(LaneKind):
    """Channels of a depthwise layer, as integers that hold rows of any scheme (dsp_channels.sv).

    Lanes share no activation, so that a wider weight costs next to nothing: five bits hold every
    row of the 4-bit grids.
    """

    engine: ClassVar[str] = "dsp"
    rtl_engine: ClassVar[int] = 1
    any_scheme: ClassVar[bool] = True

    def pack(self, shape: Shape) -> int:
        """Channels in a slice."""
        return dsp.channels_per_slice(*self._fields(shape))

    def slices(self, lanes: int, shape: Shape) -> int:
        """One a pack; such lanes take one product a cycle."""
        return math.ceil(lanes / self.pack(shape))

    def features(self, lanes: int, shape: Shape) -> Features:
        """Lanes, and the lower channels' signs, which are inverted where they are read."""
        inverts = shape.acc_bits >= dsp.channel_spacing(*self._fields(shape))
        return {"DSP lanes": lanes, "inverted signs": (lanes - 1) * inverts}

    def _fields(self, shape: Shape) -> tuple[int, int, bool, int]:
        return shape.products, shape.act_bits, shape.act_signed, self.scheme.bits


class FinnDsp(LaneKind):
    """Lanes of FINN's matrix-vector unit, which designs are compared with."""

    engine: ClassVar[str] = "dsp"
    rtl_engine: ClassVar[int] = 1

    def pack(self, shape: Shape) -> int:
        """Lanes of narrow weights in a slice (mvu.sv's NUM_LANES)."""
        bits = self.scheme.bits
        return 1 + (shape.block.weight_port - bits) // (bits + shape.act_bits - 1)

    def slices(self, lanes: int, shape: Shape) -> int:
        """One a pack and product."""
        return math.ceil(lanes / self.pack(shape)) * shape.simd

    def features(self, lanes: int, shape: Shape) -> Features:
        """Products, their adders' levels, and bits of the sum."""
        macs = lanes * shape.simd
        return {
            "MACs": macs,
            "MAC bits": macs * shape.act_bits,
            "accumulator bits": lanes * shape.acc_bits,
            "lanes": lanes,
            "lane levels": lanes * (shape.simd - 1).bit_length(),
        }
