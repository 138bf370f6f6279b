"""ElementwiseAddInt_rtl: sums of two integer streams in SystemVerilog."""

from __future__ import annotations

from typing import Any

from msq_finn.finn_compat.adds import ElementwiseAdd
from msq_finn.ops.streaming.backend import StreamingRTL, is_plain_integer


class ElementwiseAddInt_rtl(StreamingRTL, ElementwiseAdd):
    """Sum of two integer streams of one shape, whose types may differ.

    FINN has an ``ElementwiseAdd_rtl``, but for floats on Versal only, and ``SpecializeLayers``
    knows no other; hence a name of its own, put in place by SpecializeIntegerAdd.
    """

    module = "stream_add"
    input_ports = ("lhs", "rhs")

    def unsupported(self) -> str | None:
        """What stands against adding in RTL, None if nothing does."""
        for side in ("lhs", "rhs"):
            if self.get_nodeattr(f"{side}_style") != "input":
                return f"{side} is a constant"
            shape = list(self.get_nodeattr(f"{side}_shape"))
            if shape != list(self.get_nodeattr("out_shape")):
                return f"{side} of shape {shape} is broadcast to {list(self.out_shape)}"
        for datatype in (self.lhs_dtype, self.rhs_dtype, self.out_dtype):
            if not is_plain_integer(datatype):
                return f"{datatype.name} is no integer type that {self.module} takes"
        for sum_ in _extremes(self.lhs_dtype, self.rhs_dtype):
            if not self.out_dtype.allowed(sum_):
                return f"{self.out_dtype.name} does not hold a sum of {sum_}"
        return None

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        reason = self.unsupported()
        if reason is not None:
            raise self.refuse(reason)
        return {
            "Elements": self.get_nodeattr("PE"),
            "LhsBits": self.lhs_dtype.bitwidth(),
            "LhsSigned": int(self.lhs_dtype.signed()),
            "RhsBits": self.rhs_dtype.bitwidth(),
            "RhsSigned": int(self.rhs_dtype.signed()),
            "OutBits": self.out_dtype.bitwidth(),
        }


def _extremes(lhs: Any, rhs: Any) -> tuple[int, int]:
    return int(lhs.min() + rhs.min()), int(lhs.max() + rhs.max())
