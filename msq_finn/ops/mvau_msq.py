"""MVAU_MSQ: FINN's matrix-vector unit with a number system per row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.matrixvectoractivation import MVAU
from qonnx.core.datatype import DataType

from msq_finn.errors import MsqError
from msq_finn.lanes import DENSE, LaneCounts
from msq_finn.lanes.counts import IntArray
from msq_finn.ops import weight_file
from msq_finn.ops.row_mixed import RowMixed


class MVAU_MSQ(RowMixed, MVAU):
    """Matrix-vector product whose rows mix number systems and engines; attributes as in RowMixed.

    What streams in as weights is codes, so input datatype 1 is that of a code, or BINARY where
    lanes take codes of different widths. Embedded lanes take none, and a layer of nothing else has
    ``mem_mode`` "internal_embedded". ``weightDataType`` still describes the integers in the graph's
    weight tensor. Its last ``zeroRows`` rows and ``zeroColumns`` columns are padding, see
    :class:`msq_finn.transforms.pad_folds.PadFolds`; ``rowSchemes`` are those of the other rows.

    ``pixels`` vectors may come and go side by side in every word, see
    :class:`msq_finn.transforms.group_pixels.GroupPixels`; ``numInputVectors`` then counts words.
    Such a layer does a whole vector a cycle, on as many copies of lanes that hold their weights.
    """

    unit = DENSE

    def get_nodeattr_types(self) -> dict[str, Any]:
        """RowMixed's attributes and those of the class docstring."""
        own = {"zeroRows": ("i", False, 0), "zeroColumns": ("i", False, 0)}
        own["pixels"] = ("i", False, 1)
        return super().get_nodeattr_types() | own

    def add_padding(self, columns: int, rows: int) -> None:
        """Take note of zero weights that are added behind the others.

        Args:
            columns: of zeros.
            rows: of zeros.
        """
        for size, zeros, count in (("MW", "zeroColumns", columns), ("MH", "zeroRows", rows)):
            self.set_nodeattr(size, self.get_nodeattr(size) + count)
            self.set_nodeattr(zeros, self.get_nodeattr(zeros) + count)

    def products(self) -> int:
        """Products in a sum: columns of the weight matrix."""
        return int(self.get_nodeattr("MW"))

    def set_lanes(self, simd: int, lanes: LaneCounts) -> None:
        """Fold the layer; weights that the lanes hold need no memory."""
        super().set_lanes(simd, lanes)
        memory = "internal_embedded" if lanes.is_constant else "internal_decoupled"
        self.set_nodeattr("mem_mode", memory)

    def get_exp_cycles(self) -> int:
        """Cycles a frame; on serial lanes, a word of activations takes one a bit."""
        return int(np.prod(self.get_nodeattr("numInputVectors"))) * self.vector_cycles()

    def weight_matrix(self, weights: Any) -> IntArray:
        """The weights as integers, shape (MW, MH)."""
        return np.asarray(weights).astype(np.int64)

    def get_input_datatype(self, ind: int = 0) -> Any:
        """Type of a stream's elements; of the weight stream (1) that of a code, or of a bit."""
        if ind == 1 and self.get_nodeattr("laneKinds"):
            widths = set(self.lanes().code_bits)
            return DataType[f"UINT{widths.pop()}" if len(widths) == 1 else "BINARY"]
        return super().get_input_datatype(ind)

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Compute W·x (plus the row offsets, where they stay in the output) in Python."""
        node = self.onnx_node
        weights = context[node.input[1]]
        vectors = context[node.input[0]].reshape(-1, self.get_nodeattr("MW"))
        product = np.matmul(vectors, weights)
        if self.get_nodeattr("offsetOutput"):
            product = product + self.row_offsets(weights)
        output = context[node.output[0]]
        context[node.output[0]] = product.reshape(output.shape).astype(output.dtype)

    def get_instream_width(self, ind: int = 0) -> int:
        """Bits of a stream's words; embedded lanes take no codes."""
        if ind == 1 and self.get_nodeattr("laneKinds"):
            return sum(self.lanes().code_bits) * int(self.get_nodeattr("SIMD"))
        return int(super().get_instream_width(ind)) * (1 if ind else self.get_nodeattr("pixels"))

    def get_outstream_width(self, ind: int = 0) -> int:
        """Bits of a word of sums."""
        return int(super().get_outstream_width(ind)) * int(self.get_nodeattr("pixels"))

    def _side_by_side(self, shape: Sequence[int]) -> tuple[int, ...]:
        """A shape with the vectors of a word in its last axis."""
        return (*shape[:-1], shape[-1] * self.get_nodeattr("pixels"))

    def get_normal_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape (..., MW), vectors of a word side by side; of the weights (1) (MW, MH)."""
        shape = tuple(super().get_normal_input_shape(ind))
        return shape if ind else self._side_by_side(shape)

    def get_normal_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape (..., MH), sums of a word side by side."""
        return self._side_by_side(super().get_normal_output_shape(ind))

    def get_folded_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of a stream's words."""
        return self._side_by_side(super().get_folded_output_shape(ind))

    def get_folded_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of a stream's words; embedded lanes take no codes."""
        if ind == 1 and self.get_nodeattr("laneKinds"):
            vectors = int(np.prod(self.get_nodeattr("numInputVectors")))
            elements = self.get_instream_width(1) // self.get_input_datatype(1).bitwidth()
            return vectors, self.calc_wmem(), elements
        shape = tuple(super().get_folded_input_shape(ind))
        return shape if ind else self._side_by_side(shape)

    def check_pixels(self) -> None:
        """Refuse folds where vectors come side by side: a word of a fold is of one vector.

        Raises:
            MsqError: there are some.
        """
        pixels = self.get_nodeattr("pixels")
        whole = all(
            self.get_nodeattr(part) == self.get_nodeattr(size)
            for part, size in (("SIMD", "MW"), ("PE", "MH"))
        )
        if pixels > 1 and not whole:
            raise MsqError(
                f"pixels={pixels}, which takes all rows and columns in one cycle; set SIMD to MW "
                "and PE to MH",
                field="pixels",
                value=pixels,
                where=self.onnx_node.name,
            )

    def get_op_and_param_counts(self) -> dict[str, int]:
        """Multiplications and parameters, as FINN reports them."""
        found: dict[str, int] = super().get_op_and_param_counts()
        pixels = self.get_nodeattr("pixels")
        return {key: n * (pixels if key.startswith("op_") else 1) for key, n in found.items()}

    def dsp_estimation(self, fpgapart: str) -> int:
        """DSP slices of the lanes of all vectors of a word."""
        return super().dsp_estimation(fpgapart) * int(self.get_nodeattr("pixels"))

    def make_weight_file(self, weights: Any, weight_file_mode: str, weight_file_name: str) -> None:
        """Write the weight memory's contents in codes; arguments as in FINN's MVAU.

        Raises:
            MsqError: a row lies on a lane that does not take it, or there is no such mode.
        """
        lanes, simd = self.lanes(), self.get_nodeattr("SIMD")
        codes = lanes.encode(self.weight_matrix(weights))
        codes = lanes.folded(codes, simd)[lanes.code_lanes]
        element = self.get_input_datatype(1).bitwidth()
        if element > 1:
            words = weight_file.memory_words(codes)
        else:
            words = weight_file.memory_bits(codes, lanes.code_bits)
        pumped = "pumpedMemory" in self.get_nodeattr_types() and self.get_nodeattr("pumpedMemory")
        weight_file.write(words, weight_file_mode, Path(weight_file_name), bool(pumped), element)
