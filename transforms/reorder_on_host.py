"""Let the host bring channels into the accelerator's order, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError


class ReorderOnHost(Transformation):
    """Put Gathers around the accelerator, where its first or last channels were permuted.

    It works on the graph around the accelerator, and replaces what an earlier run put there, so
    that a build may repeat its step.

    Args:
        inputs: channel ``p`` that the accelerator takes is the network's channel ``inputs[p]``;
            None where they are in order.
        outputs: the same of the channels that it gives.
    """

    def __init__(self, inputs: Sequence[int] | None, outputs: Sequence[int] | None) -> None:
        super().__init__()
        self.inputs = None if inputs is None else np.asarray(inputs, dtype=np.int64)
        self.outputs = None if outputs is None else np.argsort(np.asarray(outputs, dtype=np.int64))

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Insert, change or remove the nodes; no second pass is needed.

        Raises:
            MsqError: a stream has no such channels in its last dimension.
        """
        _order(model, "ReorderInput_0", self.inputs, behind=False)
        _order(model, "RestoreOutputOrder_0", self.outputs, behind=True)
        return model, False


def _order(
    model: ModelWrapper, name: str, channels: NDArray[np.int64] | None, *, behind: bool
) -> None:
    accelerator = model.get_nodes_by_op_type("StreamingDataflowPartition")[0]
    own = accelerator.output if behind else accelerator.input
    for node in [node for node in model.graph.node if node.name == name]:
        own[0] = node.output[0] if behind else node.input[0]
        model.graph.node.remove(node)
    if channels is None:
        return
    tensor, indices = own[0], f"{name}_channels"
    shape = model.get_tensor_shape(tensor)
    if shape[-1] != len(channels):
        raise MsqError(
            f"{tensor} of shape {shape} does not end in the {len(channels)} "
            "channels that were reordered; give the layer one scheme",
            where=accelerator.name,
        )
    model.set_initializer(indices, channels)
    own[0] = model.make_new_valueinfo_name()
    model.set_tensor_shape(own[0], shape)
    model.set_tensor_datatype(own[0], model.get_tensor_datatype(tensor))
    first, last = (own[0], tensor) if behind else (tensor, own[0])
    node = helper.make_node("Gather", [first, indices], [last], name=name, axis=-1)
    model.graph.node.insert(list(model.graph.node).index(accelerator) + behind, node)
