"""Let a scale or an offset come behind the layer that it was before."""

from __future__ import annotations

from onnx import NodeProto
from qonnx.core.datatype import BaseDataType, DataType
from qonnx.core.modelwrapper import ModelWrapper


def swap_behind(
    model: ModelWrapper, node: NodeProto, layer: NodeProto, given: BaseDataType
) -> None:
    """Swap a node that computes with a constant and the layer that alone reads its result.

    Args:
        model: changed in place.
        node: its first input is a stream.
        layer: of one stream in and one out.
        given: type of what the layer gives when it comes first.
    """
    source, between, result = node.input[0], node.output[0], layer.output[0]
    model.set_tensor_shape(between, model.get_tensor_shape(result))
    model.set_tensor_datatype(between, given)
    model.set_tensor_datatype(result, DataType["FLOAT32"])
    layer.input[0], layer.output[0] = source, between
    node.input[0], node.output[0] = between, result
    model.graph.node.remove(node)
    model.graph.node.insert(list(model.graph.node).index(layer) + 1, node)
