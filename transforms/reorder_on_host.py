"""Let the host bring channels into the accelerator's order, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError


class ReorderOnHost(Transformation):
    """Put Gathers around the accelerator, where channels at its ends were permuted.

    It works on the graph around the accelerator, and replaces what an earlier run put there, so
    that a build may repeat its step.

    Args:
        inputs: by the position of an input, channel ``p`` that the accelerator takes is the
            network's channel ``inputs[position][p]``; those that are not in it are in order.
        outputs: the same of the channels that it gives.
    """

    def __init__(
        self, inputs: Mapping[int, Sequence[int]], outputs: Mapping[int, Sequence[int]]
    ) -> None:
        super().__init__()
        self.inputs = {n: np.asarray(order, dtype=np.int64) for n, order in inputs.items()}
        self.outputs = {
            n: np.argsort(np.asarray(order, dtype=np.int64)) for n, order in outputs.items()
        }

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Insert, change or remove the nodes; no second pass is needed.

        Raises:
            MsqError: a stream has no such channels in its last dimension.
        """
        accelerator = model.get_nodes_by_op_type("StreamingDataflowPartition")[0]
        for number in range(len(accelerator.input)):
            _order(model, accelerator, number, self.inputs.get(number), behind=False)
        for number in range(len(accelerator.output)):
            _order(model, accelerator, number, self.outputs.get(number), behind=True)
        return model, False


def _order(
    model: ModelWrapper,
    accelerator: NodeProto,
    number: int,
    channels: NDArray[np.int64] | None,
    *,
    behind: bool,
) -> None:
    own = accelerator.output if behind else accelerator.input
    name = f"{'RestoreOutputOrder' if behind else 'ReorderInput'}_{number}"
    for node in [node for node in model.graph.node if node.name == name]:
        own[number] = node.output[0] if behind else node.input[0]
        model.graph.node.remove(node)
    if channels is None:
        return
    tensor, indices = own[number], f"{name}_channels"
    shape = model.get_tensor_shape(tensor)
    if shape[-1] != len(channels):
        raise MsqError(
            f"{tensor} of shape {shape} does not end in the {len(channels)} "
            "channels that were reordered; give the layer one scheme",
            where=accelerator.name,
        )
    model.set_initializer(indices, channels)
    own[number] = model.make_new_valueinfo_name()
    model.set_tensor_shape(own[number], shape)
    model.set_tensor_datatype(own[number], model.get_tensor_datatype(tensor))
    first, last = (own[number], tensor) if behind else (tensor, own[number])
    node = helper.make_node("Gather", [first, indices], [last], name=name, axis=-1)
    model.graph.node.insert(list(model.graph.node).index(accelerator) + behind, node)
