"""StreamingSplit_rtl: parts of the channels as streams of their own, in SystemVerilog."""

from __future__ import annotations

import math

from msq_finn.finn_compat.stream_splits import StreamingSplit
from msq_finn.ops.streaming.backend import StreamingRTL, packed


class StreamingSplit_rtl(StreamingRTL, StreamingSplit):
    """Channels of every pixel, the first to the first output and so on."""

    module = "stream_split"
    parallelism = "SIMD"

    def parallel_elements(self) -> int:
        """What SIMD divides: the channels of every output."""
        return math.gcd(*self.get_nodeattr("ChannelsPerStream"))

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        outputs = len(self.onnx_node.output)
        if outputs != self.get_n_outputs():
            raise self.refuse(
                f"ChannelsPerStream names {self.get_n_outputs()} streams, but it has {outputs} "
                "outputs"
            )
        self.integer_type(self.get_input_datatype())
        return {
            "Width": self.get_instream_width(),
            "Outputs": outputs,
            "Folds": packed([self.get_folded_output_shape(i)[-2] for i in range(outputs)], 32),
        }

    def get_number_output_values(self) -> dict[str, int]:
        """Words per output. FINN's own count is that of the first vector (image) only."""
        return {
            f"out{i}": math.prod(self.get_folded_output_shape(i)[:-1])
            for i in range(len(self.onnx_node.output))
        }
