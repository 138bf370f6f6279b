"""What ops have in common that give a tensor of the shape that they take."""

from __future__ import annotations

from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from onnx import helper
from qonnx.core.datatype import DataType


class SameShape(HWCustomOp):
    """An op of one stream, whose words have ``PE`` elements going in and coming out.

    Attributes are ``Shape`` (of the tensor), ``PE`` and ``inputDataType``.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes of the op."""
        own = {
            "Shape": ("ints", True, []),
            "PE": ("i", False, 1),
            "inputDataType": ("s", True, ""),
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
        """Type of an element that goes in."""
        return DataType[self.get_nodeattr("inputDataType")]

    def get_output_datatype(self, ind: int = 0) -> Any:
        """Type of an element that comes out."""
        return self.get_input_datatype()

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

    def verify_node(self) -> list[str]:
        """Nothing beyond what FINN checks itself."""
        return []
