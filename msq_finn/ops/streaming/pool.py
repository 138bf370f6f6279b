"""Pool_rtl: pooling windows in SystemVerilog."""

from __future__ import annotations

from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.pool import Pool

from msq_finn.ops.streaming.backend import StreamingRTL


class Pool_rtl(StreamingRTL, Pool):
    """Largest value (MaxPool), sum (AccPool) or truncated average (QuantAvgPool) of windows.

    The input comes from a sliding window generator with ``depthwise=1`` and SIMD = PE: for each
    group of PE channels, the window's pixels follow each other. QuantAvgPool shifts the sum right
    by the attribute ``Size``, which is what FINN's conversion took from the model and what its HLS
    does. AvgPool is refused: FINN's Python gives fractions there, its HLS does not.
    """

    module = "stream_pool"

    def window(self) -> int:
        """Pixels in a window."""
        return int(np.prod(self.get_nodeattr("KernelSize")))

    def shift(self) -> int:
        """Bits that the sum is shifted right."""
        averages = self.get_nodeattr("Function") == "QuantAvgPool"
        return int(self.get_nodeattr("Size")) if averages else 0

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        function = self.get_nodeattr("Function")
        if function == "AvgPool":
            raise self.refuse("AvgPool has no exact integer result; use QuantAvgPool")
        source = self.integer_type(self.get_input_datatype())
        result = self.integer_type(self.get_output_datatype())
        if self.shift() < 0:
            raise self.refuse(f"Size={self.shift()} is no number of bits to shift by")
        if function != "MaxPool":
            sums = [int(end) * self.window() for end in (source.min(), source.max())]
            extremes = [total >> self.shift() for total in sums]
            if not all(result.allowed(v) for v in extremes):
                raise self.refuse(f"{result.name} does not hold {function} results {extremes}")
        return {
            "Elements": self.get_nodeattr("PE"),
            "Window": self.window(),
            "InBits": source.bitwidth(),
            "Signed": int(source.signed()),
            "Sum": int(function != "MaxPool"),
            "Shift": self.shift(),
            "OutBits": result.bitwidth(),
        }

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Simulate the RTL where exec_mode says so, else compute in Python.

        Either way the input lies as the window generator sends it, as for FINN's Pool_hls.
        """
        if self.get_nodeattr("exec_mode") == "rtlsim":
            super().execute_node(context, graph)
            return
        windows = self.windows_of(context[self.onnx_node.input[0]].astype(np.int64))
        largest = self.get_nodeattr("Function") == "MaxPool"
        result = windows.max(axis=-2) if largest else windows.sum(axis=-2) >> self.shift()
        shape = self.get_normal_output_shape()
        context[self.onnx_node.output[0]] = result.reshape(shape).astype(np.float32)

    def windows_of(self, values: Any) -> Any:
        """Lay the pixels of each window along the last axis but one.

        Args:
            values: as they come.
        """
        *vectors, channels = self.get_normal_output_shape()
        pe = self.get_nodeattr("PE")
        return values.reshape(*vectors, channels // pe, self.window(), pe)
