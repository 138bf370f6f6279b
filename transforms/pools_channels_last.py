"""Let max-pools read and write maps with their channels last, as the hardware does."""

from __future__ import annotations

from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.util.basic import get_by_name

from msq_finn.transforms.channels_last import inserted_channels_last


class PoolsChannelsLast(Transformation):
    """Turn every MaxPool that forks, or has a transposition next to it, into a MaxPoolNHWC.

    Two transpositions around it leave other nodes their maps. FINN's MakeMaxPoolNHWC
    (transformation/streamline/reorder.py) swaps a pool with the transposition behind it whoever
    else reads the pool, which then gets what was before the pool.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change all at once; no second pass is needed."""
        for pool in model.get_nodes_by_op_type("MaxPool"):
            behind = model.find_consumers(pool.output[0])
            neighbours = [model.find_producer(pool.input[0]), *behind]
            transposed = any(node and node.op_type == "Transpose" for node in neighbours)
            if (len(behind) > 1 or transposed) and len(model.get_tensor_shape(pool.input[0])) == 4:
                inserted_channels_last(model, pool, [_channels_last(pool)])
        return model, False


def _channels_last(pool: NodeProto) -> NodeProto:
    ceil = get_by_name(pool.attribute, "ceil_mode")
    return helper.make_node(
        "MaxPoolNHWC",
        list(pool.input),
        list(pool.output),
        pool.name,
        domain="qonnx.custom_op.general",
        **{
            name: list(given.ints)
            for name in ("kernel_shape", "pads", "strides")
            if (given := get_by_name(pool.attribute, name)) is not None
        },
        ceil_mode=0 if ceil is None else ceil.i,
    )
