"""StreamingConcat_rtl: channels of several streams one behind the other, in SystemVerilog."""

from __future__ import annotations

import math

from finn.custom_op.fpgadataflow.concat import StreamingConcat

from msq_finn.ops.streaming.backend import StreamingRTL, packed


class StreamingConcat_rtl(StreamingRTL, StreamingConcat):
    """Channels of every input in turn, pixel by pixel; types of inputs may differ."""

    module = "stream_concat"
    parallelism = "SIMD"

    def parallel_elements(self) -> int:
        """What SIMD divides: the channels of every input."""
        return math.gcd(*self.get_nodeattr("ChannelsPerStream"))

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        inputs = range(len(self.onnx_node.input))
        if len(inputs) != self.get_n_inputs():
            raise self.refuse(
                f"ChannelsPerStream names {self.get_n_inputs()} streams, but it has {len(inputs)} "
                "inputs"
            )
        types = [self.integer_type(self.get_input_datatype(i)) for i in inputs]
        folds = [self.get_folded_input_shape(i)[-2] for i in inputs]
        return {
            "Inputs": len(inputs),
            "Elements": self.get_nodeattr("SIMD"),
            "OutBits": self.get_output_datatype().bitwidth(),
            "InBits": packed([t.bitwidth() for t in types], 32),
            "InSigned": packed([int(t.signed()) for t in types], 1),
            "Folds": packed(folds, 32),
            "InWidth": sum(self.get_instream_width(i) for i in inputs),
        }
