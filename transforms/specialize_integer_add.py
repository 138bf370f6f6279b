"""Give integer residual adds their RTL implementation."""

from __future__ import annotations

from typing import Any

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.general import GiveUniqueNodeNames

from msq_finn.ops.streaming.elementwise_add import ElementwiseAddInt_rtl


class SpecializeIntegerAdd(Transformation):
    """Turn ElementwiseAdd of two integer streams into ElementwiseAddInt_rtl.

    FINN's SpecializeLayers sends these to HLS, whatever RTL is registered (specialize_layers.py,
    ``_elementwise_rtl_possible``), so this goes before it. Left to FINN are constants, broadcasts,
    floats, and nodes whose ``preferred_impl_style`` is ``hls``.

    Sums get the type that their operands call for. FINN makes them 32 bits wide at first, which
    a sum of such a sum would not fit.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change op type, domain and types; every other attribute stays."""
        changed = False
        for node in model.graph.node:
            if node.op_type == "ElementwiseAdd" and _possible(model, node):
                node.op_type = ElementwiseAddInt_rtl.__name__
                node.domain = "finn.custom_op.fpgadataflow.rtl"
                changed = True
        return (model.transform(GiveUniqueNodeNames()) if changed else model), False


def _possible(model: ModelWrapper, node: NodeProto) -> bool:
    op: Any = ElementwiseAddInt_rtl(node)
    streams = all(model.get_initializer(tensor) is None for tensor in node.input)
    integers = all(model.get_tensor_datatype(tensor).is_integer() for tensor in node.input)
    if not streams or not integers or op.get_nodeattr("preferred_impl_style") == "hls":
        return False
    op.infer_node_datatype(model)
    op.minimize_accumulator_width(model)
    return op.unsupported() is None
