"""VVAU_MSQ: FINN's depthwise unit with a number system per channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.vectorvectoractivation import VVAU
from qonnx.core.datatype import DataType
from qonnx.util.basic import roundup_to_integer_multiple

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.ops import weight_file
from msq_finn.ops.layout import IntArray, LaneLayout
from msq_finn.ops.mvau_msq import smallest_integer_type
from msq_finn.rtl.lanes import TrueSum
from msq_finn.rtl.lanes import get as lane_kind


class IntegerDsp(TrueSum):
    """Rows of any scheme as integers of the lane's bits.

    Lanes share no DSP port, so that a wider weight costs next to nothing: five bits hold every row
    of the 4-bit grids.
    """

    def takes(self, names: Sequence[str]) -> bool:
        """Any row whose integers are narrow enough."""
        return any(schemes.get(name).grid_max <= self.scheme.grid_max for name in names)


#: DSP lanes by bits of a weight.
DSP_KINDS = {
    bits: IntegerDsp(f"fixed_{bits}_dsp", schemes.get(f"fixed_{bits}"), "dsp") for bits in (5, 8)
}

#: LUT lanes, in the order of the hardware's lane groups; a layer's DSP lanes follow.
LUT_KINDS = ("sp2_4_lut", "fixed_4_lut")

#: LUT sites per MAC and per lane, and of a DSP lane, fitted to benchmarks/depthwise_cost.py.
LUT_SITES_PER_MAC, LUT_SITES_PER_LANE, DSP_SITES_PER_LANE = 12.8, 4.8, 1.0


def channels_per_dsp(window: int, act_bits: int, act_signed: bool, weight_bits: int) -> int:
    """Channels that share a DSP slice (``channel_packing`` in msq_finn/rtl/msq_pkg.sv).

    >>> channels_per_dsp(9, 4, False, 5), channels_per_dsp(9, 8, False, 8)
    (2, 1)
    """
    act_max = 1 << (act_bits - 1) if act_signed else (1 << act_bits) - 1
    cross_products = 2 * window * act_max * ((1 << (weight_bits - 1)) - 1)
    spacing = (2 * cross_products).bit_length()
    return 2 if spacing + act_bits + 1 <= 18 else 1


class VVAU_MSQ(VVAU):
    """Depthwise product whose channels mix number systems and engines.

    Beside VVAU's attributes it has those of MVAU_MSQ: ``rowSchemes`` (a row is a channel),
    ``laneKinds`` and ``lanePE``, ``offsetOutput``. Channel ``c`` is computed on lane ``c mod PE``;
    its place is also that of its input, so that the order of the layer's channels is that of the
    layer before.

    What streams in as weights is codes, as many bits each as the layer's widest lane takes.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """VVAU's attributes and those of the class docstring."""
        return super().get_nodeattr_types() | {
            "rowSchemes": ("strings", False, []),
            "laneKinds": ("strings", False, []),
            "lanePE": ("ints", False, []),
            "offsetOutput": ("i", False, 0, {0, 1}),
        }

    def layout(self) -> LaneLayout:
        """The layer's lanes.

        Raises:
            MsqError: the layer is not folded yet, PE is not the sum of its lanes, or these are not
                in the hardware's order.
        """
        names = [n.decode() if isinstance(n, bytes) else n for n in self.get_nodeattr("laneKinds")]
        counts = tuple(int(n) for n in self.get_nodeattr("lanePE"))
        own = {kind.name: kind for kind in DSP_KINDS.values()}
        orders = [[*LUT_KINDS, dsp] for dsp in own]
        if not any([name for name in order if name in names] == names for order in orders):
            raise MsqError(
                f"{self.onnx_node.name}: lane kinds {names} are none of the hardware's in its "
                f"order, {' or '.join(map(str, orders))}"
            )
        kinds = tuple(own[name] if name in own else lane_kind(name) for name in names)
        lanes = dict(zip(names, counts, strict=False))
        if len(counts) != len(kinds) or min(counts, default=0) < 0:
            raise MsqError(f"{self.onnx_node.name}: lane kinds {names} need one count >= 0 each")
        if sum(counts) != self.get_nodeattr("PE"):
            raise MsqError(
                f"{self.onnx_node.name}: PE={self.get_nodeattr('PE')} but its lanes {lanes} sum to "
                f"{sum(counts)}"
            )
        return LaneLayout(kinds, counts)

    def row_schemes(self) -> list[tuple[str, ...]]:
        """Per channel, the names of the schemes that hold it."""
        values = self.get_nodeattr("rowSchemes")
        return [tuple((v.decode() if isinstance(v, bytes) else v).split("|")) for v in values]

    def window(self) -> int:
        """Products in a sum."""
        return math.prod(self.get_nodeattr("Kernel"))

    def code_bits(self) -> int:
        """Bits of a code in the weight stream."""
        layout = self.layout()
        used = zip(layout.kinds, layout.counts, strict=True)
        return max((kind.scheme.bits for kind, lanes in used if lanes), default=4)

    def get_input_datatype(self, ind: int = 0) -> Any:
        """Type of a stream's elements; of the weight stream (1) that of a code."""
        if ind == 1 and self.get_nodeattr("laneKinds"):
            return DataType[f"UINT{self.code_bits()}"]
        return super().get_input_datatype(ind)

    def row_offsets(self, weights: Any) -> IntArray:
        """Constants the lanes leave in each channel's sum, shape (Channels,).

        Args:
            weights: integers, shape (Channels, 1, kernel height, kernel width).
        """
        acts = self.get_input_datatype(0)
        return self.layout().row_offsets(_matrix(weights), acts.bitwidth(), acts.signed())

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Compute the sums (plus the row offsets, where they stay in the output) in Python."""
        VVAU.execute_node(self, context, graph)
        if self.get_nodeattr("offsetOutput"):
            output = context[self.onnx_node.output[0]]
            offsets = self.row_offsets(context[self.onnx_node.input[1]])
            context[self.onnx_node.output[0]] = (output + offsets).astype(output.dtype)

    def minimize_accumulator_width(self, model: Any, datatype_only: bool = False) -> Any:
        """Set the narrowest accumulator (= output) type that holds every sum of every channel.

        FINN's own knows no row offsets.
        """
        acts = self.get_input_datatype(0)
        extremes = np.array([acts.min(), acts.max()], dtype=np.int64)
        offset_output = self.get_nodeattr("offsetOutput")
        if datatype_only or self.get_nodeattr("runtime_writeable_weights"):
            largest = np.abs(extremes).max() * self._weight_limit() * self.window()
            offset = 8 * 2 ** acts.bitwidth() * self.window() * offset_output
            low, high = int(-largest - offset), int(largest + offset)
        else:
            weights = model.get_initializer(self.onnx_node.input[1])
            products = _matrix(weights)[None] * extremes[:, None, None]
            lows, highs = products.min(0).sum(0), products.max(0).sum(0)
            if offset_output:
                offsets = self.row_offsets(weights)
                lows, highs = lows + offsets, highs + offsets
            low, high = int(lows.min()), int(highs.max())
        accumulator = smallest_integer_type(low, high)
        if model.find_direct_successors(self.onnx_node) is None:
            # What leaves the accelerator is a whole number of bytes.
            bits = roundup_to_integer_multiple(accumulator.bitwidth(), 8)
            accumulator = DataType[f"{'INT' if accumulator.signed() else 'UINT'}{bits}"]
        self.set_nodeattr("accDataType", accumulator.name)
        self.set_nodeattr("outputDataType", accumulator.name)
        return accumulator

    def _weight_limit(self) -> int:
        """Largest weight that may be written at run time: the lanes', before folding the rows'."""
        if self.get_nodeattr("laneKinds"):
            return max(kind.scheme.grid_max for kind in self.layout().lanes)
        names = {name for names in self.row_schemes() for name in names}
        return max(schemes.get(name).grid_max for name in names)

    def make_weight_file(self, weights: Any, weight_file_mode: str, weight_file_name: str) -> None:
        """Write the weight memory's contents in codes; arguments as in FINN's VVAU.

        FINN orders a word's weights by the exact name of the op (vectorvectoractivation.py).
        """
        layout, simd = self.layout(), self.get_nodeattr("SIMD")
        codes = layout.encode(_matrix(weights))
        words = weight_file.memory_words(layout.folded(codes, simd))
        path = Path(weight_file_name)
        weight_file.write(words, weight_file_mode, path, code_bits=self.code_bits())

    def lut_estimation(self, fpgapart: str) -> int:
        """LUT sites of the lanes."""
        layout, simd = self.layout(), self.get_nodeattr("SIMD")
        dsp = sum(kind.engine == "dsp" for kind in layout.lanes)
        lut_lane = LUT_SITES_PER_LANE + simd * LUT_SITES_PER_MAC
        return math.ceil((layout.pe - dsp) * lut_lane + dsp * DSP_SITES_PER_LANE)

    def dsp_estimation(self, fpgapart: str) -> int:
        """DSP slices of the lanes."""
        dsp = sum(kind.engine == "dsp" for kind in self.layout().lanes)
        return math.ceil(dsp / self.channel_packing())

    def channel_packing(self) -> int:
        """Channels of this layer that share a DSP slice."""
        acts = self.get_input_datatype(0)
        return channels_per_dsp(self.window(), acts.bitwidth(), acts.signed(), self.dsp_bits())

    def dsp_bits(self) -> int:
        """Bits of a weight on the layer's DSP lanes: the least that hold every row."""
        rows = self.row_schemes()
        return min(b for b, kind in DSP_KINDS.items() if all(kind.takes(names) for names in rows))


def _matrix(weights: Any) -> IntArray:
    """Depthwise weights (Channels, 1, height, width) as (window, Channels)."""
    return np.asarray(weights).astype(np.int64).reshape(len(weights), -1).T
