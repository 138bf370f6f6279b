"""StreamingTable: any function of small integers, element by element, and its RTL."""

from __future__ import annotations

from typing import Any

import numpy as np
from qonnx.core.datatype import DataType

from msq_finn.ops.streaming.backend import StreamingRTL, packed
from msq_finn.ops.streaming.same_shape import SameShape


class StreamingTable(SameShape):
    """A table that every element of a stream is looked up in.

    Attributes are SameShape's, ``First`` (the integer that the table's first entry is of),
    ``Entries`` (of this and the integers behind it) and ``outputDataType``.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes of the op."""
        own = {
            "First": ("i", True, 0),
            "Entries": ("ints", True, []),
            "outputDataType": ("s", True, ""),
        }
        return own | super().get_nodeattr_types()

    def get_output_datatype(self, ind: int = 0) -> Any:
        """Type of the entries."""
        return DataType[self.get_nodeattr("outputDataType")]

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Look every element up."""
        values = np.rint(context[self.onnx_node.input[0]]).astype(np.int64)
        entries = np.array(self.get_nodeattr("Entries"))
        places = np.clip(values - self.get_nodeattr("First"), 0, len(entries) - 1)
        context[self.onnx_node.output[0]] = entries[places].astype(np.float32)


class StreamingTable_rtl(StreamingRTL, StreamingTable):
    """The table in LUTs, once for each element of a word."""

    module = "stream_table"

    def table(self) -> list[int]:
        """Entries for every value of the input's type, as it travels; 0 for those without one."""
        kind, first = self.get_input_datatype(), self.get_nodeattr("First")
        size, entries = 2 ** kind.bitwidth(), self.get_nodeattr("Entries")
        mask = 2 ** self.get_output_datatype().bitwidth() - 1
        found = [0] * size
        for place, entry in enumerate(entries):
            if kind.allowed(first + place):
                found[(first + place) % size] = int(entry) & mask
        return found

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        kind = self.integer_type(self.get_input_datatype())
        result = self.integer_type(self.get_output_datatype())
        if kind.bitwidth() > 8:
            raise self.refuse(f"{kind.name}, and a table takes 8 bits at most")
        return {
            "InBits": kind.bitwidth(),
            "OutBits": result.bitwidth(),
            "Elements": self.get_nodeattr("PE"),
            "Table": packed(self.table(), result.bitwidth()),
        }
