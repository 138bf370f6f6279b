"""Maps that are flattened and concatenated, in the order in which hardware does it."""

from __future__ import annotations

from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.util.basic import get_by_name


class JoinBeforeFlatten(Transformation):
    """Concatenate maps of one size and flatten the result, where each was flattened before.

    Both come to the same. Hardware concatenates streams of channels, and a Flatten before that is
    no node of it. Run it before ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change one concatenation; another pass is needed behind it."""
        for join in model.get_nodes_by_op_type("Concat"):
            flattens = [model.find_producer(tensor) for tensor in join.input]
            if not all(_is_flattened_for(model, node, join) for node in flattens):
                continue
            maps = [node.input[0] for node in flattens]
            shapes = [model.get_tensor_shape(tensor) for tensor in maps]
            if len({tuple(shape[2:]) for shape in shapes}) > 1:
                continue
            joined, flat = model.make_new_valueinfo_name(), flattens[-1]
            channels = sum(shape[1] for shape in shapes)
            model.set_tensor_shape(joined, [shapes[0][0], channels, *shapes[0][2:]])
            for node in flattens:
                model.graph.node.remove(node)
            flat.input[0], flat.output[0] = joined, join.output[0]
            join.input[:], join.output[0] = maps, joined
            model.graph.node.insert(list(model.graph.node).index(join) + 1, flat)
            return model, True
        return model, False


def _is_flattened_for(model: ModelWrapper, node: Any, join: Any) -> bool:
    """Whether a node flattens a map, or a signal, that nothing but a concatenation reads flat."""
    if node is None or node.op_type != "Flatten" or get_by_name(join.attribute, "axis").i != 1:
        return False
    axis = get_by_name(node.attribute, "axis")
    alone = len(model.find_consumers(node.output[0])) == 1
    is_end = node.output[0] in [info.name for info in model.graph.output]
    is_map = len(model.get_tensor_shape(node.input[0])) > 2
    return alone and not is_end and is_map and (axis is None or axis.i == 1)
