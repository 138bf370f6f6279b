"""Quantize maps before they are flattened rather than behind."""

from __future__ import annotations

import math

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

_FLATTENING = ("Flatten", "Reshape", "Squeeze")

#: Layout of maps by rank, channels second and channels last.
_CHANNELS_SECOND, _CHANNELS_LAST = {3: "NCW", 4: "NCHW"}, {3: "NWC", 4: "NHWC"}


class MoveFlattenPastThresholds(Transformation):
    """Swap a flattening of maps to vectors with the MultiThreshold behind it.

    FINN drops a flattening between two hardware layers, the second a matrix product, and absorbs
    the transposition before it, but only there. It moves where one set of thresholds serves all
    elements, or where the map is one pixel, as behind a global pool.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Swap one pair, if there is one, and ask for another pass then."""
        for node in model.get_nodes_by_op_type("MultiThreshold"):
            flatten = flattening_before(model, node)
            if flatten is None:
                continue
            source, vector, result = flatten.input[0], node.input[0], node.output[0]
            model.set_tensor_shape(vector, model.get_tensor_shape(source))
            model.set_tensor_datatype(vector, model.get_tensor_datatype(result))
            layout = _layout(model, source)
            getCustomOp(node).set_nodeattr("data_layout", layout)
            for tensor in (source, vector):
                model.set_tensor_layout(tensor, list(layout))
            node.input[0], node.output[0] = source, vector
            flatten.input[0], flatten.output[0] = vector, result
            model.graph.node.remove(flatten)
            model.graph.node.insert(list(model.graph.node).index(node) + 1, flatten)
            return model, True
        return model, False


def flattening_before(model: ModelWrapper, node: NodeProto) -> NodeProto | None:
    """The flattening before thresholds, where these may come first; None elsewhere.

    Args:
        model: graph.
        node: of the graph; others than thresholds have none.
    """
    if node.op_type != "MultiThreshold":
        return None
    flatten = model.find_producer(node.input[0])
    if flatten is None or flatten.op_type not in _FLATTENING or model.is_fork_node(flatten):
        return None
    shape, flat = (model.get_tensor_shape(name) for name in (flatten.input[0], node.input[0]))
    if len(shape) not in _CHANNELS_LAST or list(flat) != [shape[0], math.prod(shape[1:])]:
        return None
    one_for_all = model.get_initializer(node.input[1]).shape[0] == 1
    return flatten if one_for_all or max(shape[1:]) == math.prod(shape[1:]) else None


def _layout(model: ModelWrapper, source: str) -> str:
    """Layout of a map: of one pixel, by where its channels are, else by its annotation."""
    shape = model.get_tensor_shape(source)
    elements = math.prod(shape[1:])
    for axis, layouts in ((-1, _CHANNELS_LAST), (1, _CHANNELS_SECOND)):
        if shape[axis] == elements > 1:
            return layouts[len(shape)]
    return "".join(model.get_tensor_layout(source) or _CHANNELS_SECOND[len(shape)])
