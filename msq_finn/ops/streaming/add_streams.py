"""AddStreams_rtl: sums of two streams in SystemVerilog, for upstream FINN's main line."""

from __future__ import annotations

from msq_finn.finn_compat.adds import AddStreams
from msq_finn.ops.streaming.backend import StreamingRTL


class AddStreams_rtl(StreamingRTL, AddStreams):
    """Sum of two integer streams of one shape and one type."""

    module = "stream_add"
    input_ports = ("lhs", "rhs")

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        source = self.integer_type(self.get_input_datatype())
        result = self.integer_type(self.get_output_datatype())
        operand = {"Bits": source.bitwidth(), "Signed": int(source.signed())}
        sides = {f"{side}{key}": value for side in ("Lhs", "Rhs") for key, value in operand.items()}
        return {"Elements": self.get_nodeattr("PE"), **sides, "OutBits": result.bitwidth()}
