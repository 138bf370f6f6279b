"""VVAU_MSQ: FINN's depthwise unit with a number system per channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.vectorvectoractivation import VVAU
from qonnx.core.datatype import DataType

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.ops import weight_file
from msq_finn.ops.layout import IntArray, LaneLayout
from msq_finn.ops.row_mixed import RowMixed
from msq_finn.rtl.depthwise import channels_per_dsp
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


class VVAU_MSQ(RowMixed, VVAU):
    """Depthwise product whose channels mix number systems and engines; attributes as in RowMixed.

    A row is a channel. Channel ``c`` is computed on lane ``c mod PE``; its place is also that of
    its input, so that the order of the layer's channels is that of the layer before.

    What streams in as weights is codes, as many bits each as the layer's widest lane takes.
    """

    def _lanes(self, names: list[str], counts: list[int]) -> LaneLayout:
        own = {kind.name: kind for kind in DSP_KINDS.values()}
        orders = [[*LUT_KINDS, dsp] for dsp in own]
        if not any([name for name in order if name in names] == names for order in orders):
            raise MsqError(
                f"lane kinds {names} are none of the hardware's in its order, "
                f"{' or '.join(map(str, orders))}"
            )
        if len(counts) != len(names) or min(counts, default=0) < 0:
            raise MsqError(f"lane kinds {names} need one count >= 0 each, got {counts}")
        kinds = tuple(own[name] if name in own else lane_kind(name) for name in names)
        return LaneLayout(kinds, tuple(counts))

    def weight_matrix(self, weights: Any) -> IntArray:
        """Weights (Channels, 1, kernel height, kernel width) as integers (window, Channels)."""
        return np.asarray(weights).astype(np.int64).reshape(len(weights), -1).T

    def window(self) -> int:
        """Products in a sum."""
        return math.prod(self.get_nodeattr("Kernel"))

    def code_bits(self) -> int:
        """Bits of a code in the weight stream.

        Raises:
            MsqError: as ``layout``.
        """
        layout = self.layout()
        used = zip(layout.kinds, layout.counts, strict=True)
        return max((kind.scheme.bits for kind, lanes in used if lanes), default=4)

    def get_input_datatype(self, ind: int = 0) -> Any:
        """Type of a stream's elements; of the weight stream (1) that of a code."""
        if ind == 1 and self.get_nodeattr("laneKinds"):
            return DataType[f"UINT{self.code_bits()}"]
        return super().get_input_datatype(ind)

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Compute the sums (plus the row offsets, where they stay in the output) in Python."""
        VVAU.execute_node(self, context, graph)
        if self.get_nodeattr("offsetOutput"):
            output = context[self.onnx_node.output[0]]
            offsets = self.row_offsets(context[self.onnx_node.input[1]])
            context[self.onnx_node.output[0]] = (output + offsets).astype(output.dtype)

    def make_weight_file(self, weights: Any, weight_file_mode: str, weight_file_name: str) -> None:
        """Write the weight memory's contents in codes; arguments as in FINN's VVAU.

        FINN orders a word's weights by the exact name of the op (vectorvectoractivation.py).

        Raises:
            MsqError: a channel lies on a lane that does not take it, or there is no such mode.
        """
        layout, simd = self.layout(), self.get_nodeattr("SIMD")
        codes = layout.encode(self.weight_matrix(weights))
        words = weight_file.memory_words(layout.folded(codes, simd))
        path = Path(weight_file_name)
        weight_file.write(words, weight_file_mode, path, code_bits=self.code_bits())

    def lut_estimation(self, fpgapart: str = "") -> int:
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
