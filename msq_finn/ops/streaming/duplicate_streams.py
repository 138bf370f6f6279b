"""DuplicateStreams_rtl: a fork in SystemVerilog."""

from __future__ import annotations

import math

from finn.custom_op.fpgadataflow.duplicatestreams import DuplicateStreams

from msq_finn.ops.streaming.backend import StreamingRTL


class DuplicateStreams_rtl(StreamingRTL, DuplicateStreams):
    """Every output gets every word, in its own time (by up to one word apart)."""

    module = "stream_duplicate"

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        outputs = len(self.onnx_node.output)
        if self.get_num_output_streams() != outputs:
            raise self.refuse(
                f"NumOutputStreams={self.get_num_output_streams()} but it has {outputs} outputs"
            )
        return {"Width": self.get_instream_width(), "Outputs": outputs}

    def get_number_output_values(self) -> dict[str, int]:
        """Words per output. FINN's own count is that of the first vector (image) only."""
        words = math.prod(self.get_folded_output_shape()[:-1])
        return {f"out{i}": words for i in range(len(self.onnx_node.output))}
