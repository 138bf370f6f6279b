"""MVAU_MSQ: FINN's matrix-vector unit with a number system per row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.matrixvectoractivation import MVAU
from finn.util.basic import get_dsp_block
from qonnx.core.datatype import DataType

from msq_finn.errors import MsqError
from msq_finn.ops import estimate, weight_file
from msq_finn.ops.layout import IntArray, LaneLayout
from msq_finn.ops.row_mixed import RowMixed
from msq_finn.rtl import dsp


class MVAU_MSQ(RowMixed, MVAU):
    """Matrix-vector product whose rows mix number systems and engines; attributes as in RowMixed.

    What streams in as weights is codes, so input datatype 1 is that of a code, or BINARY where
    lanes take codes of different widths. Embedded lanes take none, and a layer of nothing else has
    ``mem_mode`` "internal_embedded". ``weightDataType`` still describes the integers in the graph's
    weight tensor.
    """

    def _lanes(self, names: list[str], counts: list[int]) -> LaneLayout:
        return LaneLayout.from_names(names, counts)

    def weight_matrix(self, weights: Any) -> IntArray:
        """The weights as integers, shape (MW, MH)."""
        return np.asarray(weights).astype(np.int64)

    def get_input_datatype(self, ind: int = 0) -> Any:
        """Type of a stream's elements; of the weight stream (1) that of a code, or of a bit."""
        if ind == 1 and self.get_nodeattr("laneKinds"):
            widths = set(self.layout().code_bits)
            return DataType[f"UINT{widths.pop()}" if len(widths) == 1 else "BINARY"]
        return super().get_input_datatype(ind)

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Compute W·x (plus the row offsets, where they stay in the output) in Python."""
        node = self.onnx_node
        weights = context[node.input[1]]
        product = np.matmul(context[node.input[0]].reshape(self.get_normal_input_shape()), weights)
        if self.get_nodeattr("offsetOutput"):
            product = product + self.row_offsets(weights)
        output = context[node.output[0]]
        context[node.output[0]] = product.reshape(output.shape).astype(output.dtype)

    def get_instream_width(self, ind: int = 0) -> int:
        """Bits of a stream's words; embedded lanes take no codes."""
        if ind == 1 and self.get_nodeattr("laneKinds"):
            return sum(self.layout().code_bits) * int(self.get_nodeattr("SIMD"))
        return int(super().get_instream_width(ind))

    def get_folded_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of a stream's words; embedded lanes take no codes."""
        if ind == 1 and self.get_nodeattr("laneKinds"):
            vectors = int(np.prod(self.get_nodeattr("numInputVectors")))
            elements = self.get_instream_width(1) // self.get_input_datatype(1).bitwidth()
            return vectors, self.calc_wmem(), elements
        return tuple(super().get_folded_input_shape(ind))

    def make_weight_file(self, weights: Any, weight_file_mode: str, weight_file_name: str) -> None:
        """Write the weight memory's contents in codes; arguments as in FINN's MVAU.

        Raises:
            MsqError: a row lies on a lane that does not take it, or there is no such mode.
        """
        layout, simd = self.layout(), self.get_nodeattr("SIMD")
        codes = layout.encode(self.weight_matrix(weights))
        codes = layout.folded(codes, simd)[layout.code_lanes]
        element = self.get_input_datatype(1).bitwidth()
        if element > 1:
            words = weight_file.memory_words(codes)
        else:
            words = weight_file.memory_bits(codes, layout.code_bits)
        pumped = "pumpedMemory" in self.get_nodeattr_types() and self.get_nodeattr("pumpedMemory")
        weight_file.write(words, weight_file_mode, Path(weight_file_name), bool(pumped), element)

    def lut_estimation(self, fpgapart: str = "") -> int:
        """LUT sites of the lanes, from what each lane kind was measured to take a MAC.

        Raises:
            MsqError: the layer is not folded, or embedded lanes have too many folds.
        """
        layout, simd = self.layout(), self.get_nodeattr("SIMD")
        try:
            return estimate.lut_sites(layout, simd, self.calc_wmem())
        except MsqError as error:
            raise MsqError(f"{self.onnx_node.name}: {error}") from None

    def dsp_estimation(self, fpgapart: str) -> int:
        """DSP slices of the lanes."""
        block, acts = dsp.get(get_dsp_block(fpgapart)), self.get_input_datatype(0)
        simd = self.get_nodeattr("SIMD")
        return estimate.dsps(self.layout(), simd, block, acts.bitwidth(), acts.signed())
