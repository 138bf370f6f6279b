"""Take average pools of whole maps for what they are."""

from __future__ import annotations

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.util.basic import get_by_name


class RecogniseGlobalPools(Transformation):
    """Turn every AveragePool whose one window is the whole map into a GlobalAveragePool.

    ``nn.AvgPool2d`` before a classifier says the window's size; FINN has hardware for the second
    only. Run it before ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the nodes; no second pass is needed."""
        for node in model.get_nodes_by_op_type("AveragePool"):
            pads = get_by_name(node.attribute, "pads")
            padded = (pads is not None and any(pads.ints)) or _is_automatic(node)
            window = list(get_by_name(node.attribute, "kernel_shape").ints)
            if not padded and window == list(model.get_tensor_shape(node.input[0])[2:]):
                node.op_type = "GlobalAveragePool"
                del node.attribute[:]
        return model, False


def _is_automatic(node: NodeProto) -> bool:
    found = get_by_name(node.attribute, "auto_pad")
    return found is not None and found.s not in (b"NOTSET", b"VALID")
