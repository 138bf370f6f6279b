"""LabelSelect_rtl: the labels of the largest values in SystemVerilog."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.labelselect import LabelSelect

from msq_finn.ops.streaming.backend import StreamingRTL


class LabelSelect_rtl(StreamingRTL, LabelSelect):
    """Labels of the K largest values, largest first; of equal values the lower label first.

    The longest path grows with PE: by synthesis for 7-series 4.1 ns at PE = 1, 8.3 ns at 4 and
    13.9 ns at 10 (8-bit values, K = 1). At 100 MHz, PE should stay at 4 or below.
    """

    module = "stream_top_k"
    submodules = ("top_k_list",)

    def parallel_elements(self) -> int:
        """How many elements PE divides."""
        return int(self.get_nodeattr("Labels"))

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        labels, k = self.get_nodeattr("Labels"), self.get_nodeattr("K")
        if not 1 <= k <= labels:
            raise self.refuse(f"K={k} is not 1 to {labels}, the number of labels")
        source = self.integer_type(self.get_input_datatype())
        result = self.integer_type(self.get_output_datatype())
        if not result.allowed(labels - 1):
            raise self.refuse(f"{result.name} does not hold label {labels - 1}")
        return {
            "Labels": labels,
            "PE": self.get_nodeattr("PE"),
            "K": k,
            "InBits": source.bitwidth(),
            "Signed": int(source.signed()),
            "OutBits": result.bitwidth(),
        }

    def get_exp_cycles(self) -> int:
        """Cycles for all vectors. FINN counts one vector, and not that K labels take K cycles."""
        folds = self.get_nodeattr("Labels") // self.get_nodeattr("PE")
        vectors = math.prod(self.get_nodeattr("numInputVectors"))
        return int(vectors * max(folds, self.get_nodeattr("K")))

    def get_number_output_values(self) -> int:
        """Words of all vectors; FINN's own count is that of one."""
        return math.prod(self.get_folded_output_shape()[:-1])

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """As StreamingRTL; labels are int64, as TopK's are."""
        super().execute_node(context, graph)
        output = self.onnx_node.output[0]
        context[output] = context[output].astype(np.int64)
