"""A flattening of its own for every layer that reads a flattened map."""

from __future__ import annotations

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation


class ForkFlattens(Transformation):
    """Copy a Flatten that several layers read, and the Transpose before it, for each of them.

    FINN's RemoveCNVtoFCFlatten takes both out and lets one layer read what is before them; others,
    as of a second head, would read nothing. Run it before ``step_convert_to_hw``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Copy the nodes; no second pass is needed."""
        for op_type in ("Flatten", "Transpose"):
            for node in model.get_nodes_by_op_type(op_type):
                readers = model.find_consumers(node.output[0])
                if op_type == "Flatten" or all(r.op_type == "Flatten" for r in readers):
                    for reader in readers[1:]:
                        _copy_for(model, node, reader)
        return model, False


def _copy_for(model: ModelWrapper, node: NodeProto, reader: NodeProto) -> None:
    source, result = node.output[0], model.make_new_valueinfo_name()
    model.set_tensor_shape(result, model.get_tensor_shape(source))
    model.set_tensor_datatype(result, model.get_tensor_datatype(source))
    if layout := model.get_tensor_layout(source):
        model.set_tensor_layout(result, layout)
    copied = NodeProto()
    copied.CopyFrom(node)
    copied.name, copied.output[0] = f"{node.name}_{result}", result
    reader.input[:] = [result if tensor == source else tensor for tensor in reader.input]
    model.graph.node.insert(list(model.graph.node).index(node) + 1, copied)
