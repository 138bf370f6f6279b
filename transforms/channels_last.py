"""Hardware layers between two transpositions, in the place of a node on maps."""

from __future__ import annotations

from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper


def inserted_channels_last(model: ModelWrapper, node: NodeProto, layers: list[NodeProto]) -> None:
    """Put hardware layers in the place of a node on maps, between two transpositions.

    Args:
        model: changed in place.
        node: reads and writes one map, its channels second.
        layers: one behind the other; with its channels last, the first reads the map and the last
            writes it.
    """
    source, result = node.input[0], node.output[0]
    last, made = (model.make_new_valueinfo_name() for _ in range(2))
    for name, of in ((last, source), (made, result)):
        shape = model.get_tensor_shape(of)
        model.set_tensor_shape(name, [shape[0], *shape[2:], shape[1]])
        model.set_tensor_datatype(name, model.get_tensor_datatype(source))
        model.set_tensor_layout(name, list("NHWC"))
    model.set_tensor_layout(result, list("NCHW"))
    layers[0].input[0], layers[-1].output[0] = last, made
    index = list(model.graph.node).index(node)
    model.graph.node.remove(node)
    for offset, new in enumerate(
        (
            helper.make_node("Transpose", [source], [last], perm=[0, 2, 3, 1]),
            *layers,
            helper.make_node("Transpose", [made], [result], perm=[0, 3, 1, 2]),
        )
    ):
        model.graph.node.insert(index + offset, new)
