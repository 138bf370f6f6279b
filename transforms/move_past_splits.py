"""Move scales, offsets and transpositions behind splits of channels."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.util.basic import get_by_name


class MovePastSplits(Transformation):
    """Give every part of a Split its own Mul or Add of one number, or Transpose, behind it.

    FINN's moves (transformation/streamline/reorder.py) take the node away from what else reads it,
    and leave one parameter to all parts, so that whatever changes that of one changes the others.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Move past one split, if there is one to move past, and ask for another pass then."""
        for split in model.get_nodes_by_op_type("Split"):
            node = model.find_producer(split.input[0])
            if node is None or model.is_fork_node(node) or not _passes(model, node):
                continue
            _move(model, node, split)
            return model, True
        return model, False


def _passes(model: ModelWrapper, node: NodeProto) -> bool:
    if node.op_type == "Transpose":
        return True
    if node.op_type not in ("Mul", "Add"):
        return False
    number = model.get_initializer(node.input[1])
    return number is not None and np.size(number) == 1


def _move(model: ModelWrapper, node: NodeProto, split: NodeProto) -> None:
    source = node.input[0]
    datatype, order = model.get_tensor_datatype(source), None
    if node.op_type == "Transpose":
        order = list(get_by_name(node.attribute, "perm").ints)
        axis = get_by_name(split.attribute, "axis")
        axis.i = order[axis.i]
    place = list(model.graph.node).index(split) + 1
    split.input[0] = source
    for position, part in enumerate(list(split.output)):
        shape, between = model.get_tensor_shape(part), model.make_new_valueinfo_name()
        if order is not None:
            shape = [shape[order.index(axis)] for axis in range(len(shape))]
        model.set_tensor_shape(between, shape)
        model.set_tensor_datatype(between, datatype)
        moved = type(node)()
        moved.CopyFrom(node)
        moved.name = f"{node.name}_{position}"
        moved.input[0], moved.output[0], split.output[position] = between, part, between
        if order is None:
            moved.input[1] = model.make_new_valueinfo_name()
            model.set_initializer(moved.input[1], model.get_initializer(node.input[1]))
        model.graph.node.insert(place + position, moved)
    model.graph.node.remove(node)
