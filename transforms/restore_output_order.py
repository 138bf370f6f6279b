"""Undo, on the host, the order that a row-mixed last layer's outputs have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError

_NODE = "RestoreOutputOrder_0"
_INDICES = "msq_output_positions"


class RestoreOutputOrder(Transformation):
    """Put a Gather behind the accelerator that brings its output channels into their order.

    It works on the graph around the accelerator, and replaces what an earlier run put there, so
    that a build may repeat its step.

    Args:
        order: channel ``p`` that the accelerator gives is the network's channel ``order[p]``.
    """

    def __init__(self, order: Sequence[int]) -> None:
        super().__init__()
        self.positions = np.argsort(np.asarray(order, dtype=np.int64))

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Insert the node, or give the one there its indices; no second pass is needed.

        Raises:
            MsqError: the accelerator's output has no such channels in its last dimension.
        """
        accelerator = model.get_nodes_by_op_type("StreamingDataflowPartition")[0]
        raw = accelerator.output[0]
        shape = model.get_tensor_shape(raw)
        if shape[-1] != len(self.positions):
            raise MsqError(
                f"{accelerator.name}: output {raw} of shape {shape} does not end in the "
                f"{len(self.positions)} rows that were reordered; give the last layer one scheme"
            )
        model.set_initializer(_INDICES, self.positions)
        if any(node.name == _NODE for node in model.graph.node):
            return model, False
        permuted = model.make_new_valueinfo_name()
        model.set_tensor_shape(permuted, shape)
        model.set_tensor_datatype(permuted, model.get_tensor_datatype(raw))
        accelerator.output[0] = permuted
        node = helper.make_node("Gather", [permuted, _INDICES], [raw], name=_NODE, axis=-1)
        model.graph.node.insert(list(model.graph.node).index(accelerator) + 1, node)
        return model, False
