"""StreamingTable: any function of small integers, element by element, and its RTL."""

from __future__ import annotations

from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from onnx import helper
from qonnx.core.datatype import DataType

from msq_finn.ops.streaming.backend import StreamingRTL, packed


class StreamingTable(HWCustomOp):
    """A table that every element of a stream is looked up in.

    Attributes are ``Shape`` (of the tensor), ``First`` (the integer that the table's first entry is
    of), ``Entries`` (of this and the integers behind it), ``PE`` (elements a cycle) and the types.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes of the op."""
        own = {
            "Shape": ("ints", True, []),
            "First": ("i", True, 0),
            "Entries": ("ints", True, []),
            "PE": ("i", False, 1),
            "inputDataType": ("s", True, ""),
            "outputDataType": ("s", True, ""),
        }
        return own | super().get_nodeattr_types()

    def get_normal_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of the tensor."""
        return tuple(self.get_nodeattr("Shape"))

    def get_normal_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.get_normal_input_shape()

    def get_folded_input_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape as a stream, the elements of a word last."""
        *outer, channels = self.get_normal_input_shape()
        pe = self.get_nodeattr("PE")
        return (*outer, channels // pe, pe)

    def get_folded_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape as a stream, the elements of a word last."""
        return self.get_folded_input_shape()

    def get_input_datatype(self, ind: int = 0) -> Any:
        """Type of what is looked up."""
        return DataType[self.get_nodeattr("inputDataType")]

    def get_output_datatype(self, ind: int = 0) -> Any:
        """Type of the entries."""
        return DataType[self.get_nodeattr("outputDataType")]

    def get_instream_width(self, ind: int = 0) -> int:
        """Bits of a word that goes in."""
        return int(self.get_input_datatype().bitwidth() * self.get_nodeattr("PE"))

    def get_outstream_width(self, ind: int = 0) -> int:
        """Bits of a word that comes out."""
        return int(self.get_output_datatype().bitwidth() * self.get_nodeattr("PE"))

    def get_number_output_values(self) -> int:
        """Words of a tensor."""
        return int(np.prod(self.get_folded_output_shape()[:-1]))

    def get_exp_cycles(self) -> int:
        """Cycles a frame."""
        return self.get_number_output_values()

    def make_shape_compatible_op(self, model: Any) -> Any:
        """An op of the same shape."""
        node = self.onnx_node
        return helper.make_node("Identity", list(node.input), list(node.output))

    def infer_node_datatype(self, model: Any) -> None:
        """Say what comes out; what goes in may be narrower by now, or laid out otherwise."""
        self.set_nodeattr("Shape", list(model.get_tensor_shape(self.onnx_node.input[0])))
        source = model.get_tensor_datatype(self.onnx_node.input[0])
        if source.is_integer():
            self.set_nodeattr("inputDataType", source.name)
        model.set_tensor_datatype(self.onnx_node.output[0], self.get_output_datatype())

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Look every element up."""
        values = np.rint(context[self.onnx_node.input[0]]).astype(np.int64)
        entries = np.array(self.get_nodeattr("Entries"))
        places = np.clip(values - self.get_nodeattr("First"), 0, len(entries) - 1)
        context[self.onnx_node.output[0]] = entries[places].astype(np.float32)

    def verify_node(self) -> list[str]:
        """Nothing beyond what FINN checks itself."""
        return []


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
