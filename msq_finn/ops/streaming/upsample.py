"""UpsampleNearestNeighbour_rtl: maps enlarged by whole factors in SystemVerilog."""

from __future__ import annotations

from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.upsampler import UpsampleNearestNeighbour

from msq_finn.ops.streaming.backend import StreamingRTL


class UpsampleNearestNeighbour_rtl(StreamingRTL, UpsampleNearestNeighbour):
    """Every pixel repeated, height and width each by a whole factor of its own."""

    module = "stream_upsample"
    parallelism = "SIMD"

    def factors(self) -> tuple[int, int]:
        """How often every line, and every pixel of a line, is there in the result.

        Raises:
            MsqError: the result is no multiple of the map.
        """
        found = []
        for axis in ("H", "W"):
            size, source = (self.get_nodeattr(f"{axis}{end}") for end in ("O", "I"))
            if size % source:
                raise self.refuse(f"{axis}O={size} is no multiple of {axis}I={source}")
            found.append(size // source)
        return found[0], found[1]

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        self.integer_type(self.get_input_datatype())
        (lines, pixels), width = self.factors(), self.get_nodeattr("WI")
        if lines == 1:
            # No line is needed twice: every pixel is a row that is repeated as a whole.
            lines, pixels, width = pixels, 1, 1
        return {
            "Width": self.get_instream_width(),
            "Pixels": width,
            "Folds": self.get_folded_input_shape()[-2],
            "RepeatPixels": pixels,
            "RepeatRows": lines,
        }

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Simulate the RTL where exec_mode says so, else repeat pixels in Python."""
        if self.get_nodeattr("exec_mode") == "rtlsim":
            super().execute_node(context, graph)
            return
        lines, pixels = self.factors()
        values = context[self.onnx_node.input[0]]
        context[self.onnx_node.output[0]] = np.repeat(np.repeat(values, lines, 1), pixels, 2)
