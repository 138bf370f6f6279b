"""MVAU_MSQ: FINN's matrix-vector unit with a number system per row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.matrixvectoractivation import MVAU
from finn.util.basic import get_dsp_block
from qonnx.core.datatype import DataType
from qonnx.util.basic import roundup_to_integer_multiple

from msq_finn.errors import MsqError
from msq_finn.ops import estimate, weight_file
from msq_finn.ops.layout import IntArray, LaneLayout


def smallest_integer_type(low: int, high: int) -> Any:
    """The narrowest QONNX integer type that holds ``low`` to ``high``.

    >>> smallest_integer_type(0, 15).name, smallest_integer_type(-9, 3).name
    ('UINT4', 'INT5')
    """
    if low >= 0:
        return DataType[f"UINT{max(1, int(high).bit_length())}"]
    return DataType[f"INT{max((-int(low) - 1).bit_length(), int(high).bit_length()) + 1}"]


class MVAU_MSQ(MVAU):
    """Matrix-vector product whose rows mix number systems and engines.

    Beside MVAU's attributes:

    * ``rowSchemes``: per row of the weight matrix (MH of them) the schemes that hold it, joined by
      ``|`` (``"sp2_4"``, ``"fixed_4"`` or ``"sp2_4|fixed_4"``).
    * ``laneKinds`` and ``lanePE``: the lane groups in hardware order; ``PE`` is their sum. Empty
      until folding.
    * ``offsetOutput``: 1 where the lanes' constant row offsets stay in the output (and the
      thresholds behind carry the same constants), 0 where the layer gives true sums.

    What streams in as weights is codes, so input datatype 1 is that of a code, or BINARY where
    lanes take codes of different widths. Embedded lanes take none, and a layer of nothing else has
    ``mem_mode`` "internal_embedded";
    ``weightDataType`` still describes the integers in the graph's weight tensor.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """MVAU's attributes and those of the class docstring."""
        return super().get_nodeattr_types() | {
            "rowSchemes": ("strings", False, []),
            "laneKinds": ("strings", False, []),
            "lanePE": ("ints", False, []),
            "offsetOutput": ("i", False, 0, {0, 1}),
        }

    def layout(self) -> LaneLayout:
        """The layer's lanes.

        Raises:
            MsqError: the layer is not folded yet, or PE is not the sum of its lanes.
        """
        names = [n.decode() if isinstance(n, bytes) else n for n in self.get_nodeattr("laneKinds")]
        layout = LaneLayout.from_names(names, [int(n) for n in self.get_nodeattr("lanePE")])
        if layout.pe != self.get_nodeattr("PE"):
            raise MsqError(
                f"{self.onnx_node.name}: PE={self.get_nodeattr('PE')} but its lanes "
                f"{dict(zip(names, layout.counts, strict=True))} sum to {layout.pe}"
            )
        return layout

    def row_schemes(self) -> list[tuple[str, ...]]:
        """Per row, the names of the schemes that hold it."""
        values = self.get_nodeattr("rowSchemes")
        return [tuple((v.decode() if isinstance(v, bytes) else v).split("|")) for v in values]

    def get_input_datatype(self, ind: int = 0) -> Any:
        """Type of a stream's elements; of the weight stream (1) that of a code, or of a bit."""
        if ind == 1 and self.get_nodeattr("laneKinds"):
            widths = set(self.layout().code_bits)
            return DataType[f"UINT{widths.pop()}" if len(widths) == 1 else "BINARY"]
        return super().get_input_datatype(ind)

    def row_offsets(self, weights: IntArray) -> IntArray:
        """Constants the lanes leave in each row's sum, shape (MH,); see LaneLayout.row_offsets."""
        acts = self.get_input_datatype(0)
        return self.layout().row_offsets(weights, acts.bitwidth(), acts.signed())

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Compute W·x (plus the row offsets, where they stay in the output) in Python."""
        node = self.onnx_node
        weights = context[node.input[1]]
        product = np.matmul(context[node.input[0]].reshape(self.get_normal_input_shape()), weights)
        if self.get_nodeattr("offsetOutput"):
            product = product + self.row_offsets(weights.astype(np.int64))
        output = context[node.output[0]]
        context[node.output[0]] = product.reshape(output.shape).astype(output.dtype)

    def minimize_accumulator_width(self, model: Any, datatype_only: bool = False) -> Any:
        """Set the narrowest accumulator (= output) type that holds every sum of every row.

        The bound is per row: FINN's own is over the whole matrix and knows no row offsets.
        """
        acts = self.get_input_datatype(0)
        extremes = np.array([acts.min(), acts.max()], dtype=np.int64)
        weights = model.get_initializer(self.onnx_node.input[1])
        if datatype_only or self.get_nodeattr("runtime_writeable_weights"):
            grids = [kind.scheme.grid() for kind in self.layout().lanes]
            largest = np.abs(extremes).max() * max(grid.max() for grid in grids)
            if self.get_nodeattr("offsetOutput"):
                size = acts.bitwidth(), acts.signed()
                largest += max(
                    abs(kind.code_offset(kind.scheme.encode(grid), *size)).max()
                    for kind, grid in zip(self.layout().lanes, grids, strict=True)
                )
            low, high = -largest * self.get_nodeattr("MW"), largest * self.get_nodeattr("MW")
        else:
            weights = weights.astype(np.int64)
            products = weights[None] * extremes[:, None, None]
            lows, highs = products.min(0).sum(0), products.max(0).sum(0)
            if self.get_nodeattr("offsetOutput"):
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
        """Write the weight memory's contents in codes; arguments as in FINN's MVAU."""
        layout, simd = self.layout(), self.get_nodeattr("SIMD")
        codes = layout.encode(np.asarray(weights).astype(np.int64))
        codes = layout.folded(codes, simd)[layout.code_lanes]
        element = self.get_input_datatype(1).bitwidth()
        if element > 1:
            words = weight_file.memory_words(codes)
        else:
            words = weight_file.memory_bits(codes, layout.code_bits)
        pumped = bool(self.get_nodeattr("pumpedMemory"))
        weight_file.write(words, weight_file_mode, Path(weight_file_name), pumped, element)

    def lut_estimation(self, fpgapart: str) -> int:
        """LUT sites of the lanes, from what each lane kind was measured to take a MAC."""
        return estimate.lut_sites(self.layout(), self.get_nodeattr("SIMD"), self.calc_wmem())

    def dsp_estimation(self, fpgapart: str) -> int:
        """DSP slices of the lanes."""
        acts = self.get_input_datatype(0)
        packing = estimate.lanes_per_dsp(get_dsp_block(fpgapart), acts.bitwidth(), acts.signed())
        return estimate.dsps(self.layout(), self.get_nodeattr("SIMD"), packing)
