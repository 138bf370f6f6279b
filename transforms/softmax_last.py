"""Let a Softmax work on the last axis, the only one that FINN's conversion knows."""

from __future__ import annotations

from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.util.basic import get_by_name


class SoftmaxLast(Transformation):
    """Transpose before and behind each Softmax over another axis.

    FINN's ``InferHWSoftmax`` takes channels to be last and drops the attribute, so that a Softmax
    over the channels of a map would become one over its columns. Run it before
    ``step_convert_to_hw``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the nodes; no second pass is needed."""
        for node in model.get_nodes_by_op_type("Softmax"):
            attribute = get_by_name(node.attribute, "axis")
            shape = model.get_tensor_shape(node.input[0])
            last = len(shape) - 1
            axis = (attribute.i if attribute is not None else -1) % len(shape)
            if axis == last:
                continue
            order = [*range(len(shape))]
            order[axis], order[last] = last, axis
            swapped = [shape[i] for i in order]
            before, behind = model.make_new_valueinfo_name(), f"{node.output[0]}_swapped"
            model.set_tensor_shape(before, swapped)
            model.set_tensor_shape(behind, swapped)
            index = list(model.graph.node).index(node)
            model.graph.node.remove(node)
            for offset, new in enumerate(
                (
                    helper.make_node("Transpose", list(node.input), [before], perm=order),
                    helper.make_node("Softmax", [before], [behind], name=node.name, axis=last),
                    helper.make_node("Transpose", [behind], list(node.output), perm=order),
                )
            ):
                model.graph.node.insert(index + offset, new)
        return model, False
