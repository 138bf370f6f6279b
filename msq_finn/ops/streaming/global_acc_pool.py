"""GlobalAccPool_rtl: sums over all pixels in SystemVerilog."""

from __future__ import annotations

import math

from finn.custom_op.fpgadataflow.globalaccpool import GlobalAccPool

from msq_finn.ops.streaming.backend import StreamingRTL


class GlobalAccPool_rtl(StreamingRTL, GlobalAccPool):
    """Sums of every channel over an image; ``numInputVectors`` is [batch, height, width]."""

    module = "stream_global_sum"

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        vectors = list(self.get_nodeattr("numInputVectors"))
        if len(vectors) != 3:
            raise self.refuse(f"numInputVectors={vectors} is not [batch, height, width]")
        source = self.integer_type(self.get_input_datatype())
        pe = self.get_nodeattr("PE")
        return {
            "Elements": pe,
            "Pixels": vectors[1] * vectors[2],
            "Folds": self.get_nodeattr("NumChannels") // pe,
            "InBits": source.bitwidth(),
            "Signed": int(source.signed()),
            "OutBits": self.get_output_datatype().bitwidth(),
        }

    def get_exp_cycles(self) -> int:
        """Cycles a batch: one a word. FINN's HLS adds some, as it sends sums on their own."""
        return math.prod(self.get_folded_input_shape()[:-1])
