"""Part what the network gives out from the stream that goes on inside."""

from __future__ import annotations

import numpy as np
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation


class ForkOutputs(Transformation):
    """Put a reshaping of its own before every output that nodes of the network read too.

    QONNX and FINN count the nodes that read a tensor, and would move a scale past the only one of
    them, out of the output. A reshaping to the same shape keeps them apart; it ends on the host.
    Run it before ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Insert the nodes; no second pass is needed."""
        for number, info in enumerate(model.graph.output):
            if model.find_consumers(info.name):
                shape = model.get_tensor_shape(info.name)
                reshaped_result(model, info.name, shape, f"GiveOut_{number}")
        return model, False


def reshaped_result(model: ModelWrapper, result: str, shape: list[int], name: str) -> None:
    """Put a reshaping before an output of the network; what else reads it reads what is before.

    Args:
        model: changed in place.
        result: name of the output.
        shape: that it is to have.
        name: of the new node.
    """
    last, inside = model.find_producer(result), model.make_new_valueinfo_name()
    model.set_tensor_shape(inside, model.get_tensor_shape(result))
    model.set_tensor_datatype(inside, model.get_tensor_datatype(result))
    for node in model.find_consumers(result):
        node.input[:] = [inside if tensor == result else tensor for tensor in node.input]
    last.output[list(last.output).index(result)] = inside
    model.set_tensor_shape(result, shape)
    model.set_initializer(f"{inside}_shape", np.array(shape, dtype=np.int64))
    reshape = helper.make_node("Reshape", [inside, f"{inside}_shape"], [result], name=name)
    model.graph.node.insert(list(model.graph.node).index(last) + 1, reshape)
