"""VVAU_MSQ: FINN's depthwise unit with a number system per channel."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.vectorvectoractivation import VVAU
from qonnx.core.datatype import DataType

from msq_finn.lanes import DEPTHWISE
from msq_finn.lanes.counts import IntArray
from msq_finn.ops import weight_file
from msq_finn.ops.row_mixed import RowMixed


class VVAU_MSQ(RowMixed, VVAU):
    """Depthwise product whose channels mix number systems and engines; attributes as in RowMixed.

    A row is a channel. Channel ``c`` is computed on lane ``c mod PE``; its place is also that of
    its input, so that the order of the layer's channels is that of the layer before.

    What streams in as weights is codes, as many bits each as the layer's widest lane takes.
    """

    unit = DEPTHWISE

    def products(self) -> int:
        """Products in a sum: those of a window."""
        return self.window()

    def weight_matrix(self, weights: Any) -> IntArray:
        """Weights (Channels, 1, kernel height, kernel width) as integers (window, Channels)."""
        return np.asarray(weights).astype(np.int64).reshape(len(weights), -1).T

    def window(self) -> int:
        """Products in a sum."""
        return math.prod(self.get_nodeattr("Kernel"))

    def code_bits(self) -> int:
        """Bits of a code in the weight stream.

        Raises:
            MsqError: as ``lanes``.
        """
        return self.lanes().widest_code

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
        lanes, simd = self.lanes(), self.get_nodeattr("SIMD")
        codes = lanes.encode(self.weight_matrix(weights))
        words = weight_file.memory_words(lanes.folded(codes, simd))
        path = Path(weight_file_name)
        weight_file.write(words, weight_file_mode, path, code_bits=self.code_bits())
