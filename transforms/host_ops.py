"""Give floating-point work at the ends of the network back to the host."""

from __future__ import annotations

from typing import Any

from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

_ONNX_OPS = {"ElementwiseMul": "Mul", "ElementwiseAdd": "Add", "ElementwiseSub": "Sub"}


class ReturnFloatOpsToHost(Transformation):
    """Turn hardware ops on floating-point streams back into ordinary ONNX and QONNX nodes.

    FINN's ``step_convert_to_hw`` also converts the input quantisation (thresholds on float pixels)
    and the last dequantising multiplication. Both are a few operations a frame, cost float hardware
    or HLS, and belong on the processor; as host nodes they stay outside the dataflow partition.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the nodes; no second pass is needed."""
        for index, node in enumerate(list(model.graph.node)):
            if not node.domain.startswith("finn.custom_op.fpgadataflow"):
                continue
            types = [str(model.get_tensor_datatype(t)) for t in (*node.input, *node.output)]
            if not any(t.startswith("FLOAT") for t in types):
                continue
            if node.op_type == "Thresholding" and types[0].startswith("FLOAT"):
                replacement = _multi_threshold(model, node)
            elif node.op_type in _ONNX_OPS:
                replacement = helper.make_node(
                    _ONNX_OPS[node.op_type], list(node.input), list(node.output), name=node.name
                )
            else:
                continue
            model.graph.node.insert(index, replacement)
            model.graph.node.remove(node)
        return model, False


def _multi_threshold(model: ModelWrapper, node: Any) -> Any:
    op = getCustomOp(node)
    layouts = {2: "NC", 3: "NWC", 4: "NHWC"}
    return helper.make_node(
        "MultiThreshold",
        list(node.input),
        list(node.output),
        name=node.name,
        domain="qonnx.custom_op.general",
        out_dtype=op.get_nodeattr("outputDataType"),
        out_bias=float(op.get_nodeattr("ActVal")),
        out_scale=1.0,
        data_layout=layouts[len(model.get_tensor_shape(node.input[0]))],
    )
