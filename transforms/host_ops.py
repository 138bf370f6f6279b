"""Give floating-point work at the ends of the network back to the host."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation
from qonnx.util.basic import get_by_name

_HARDWARE = "finn.custom_op.fpgadataflow"
_ONNX_OPS = {"ElementwiseMul": "Mul", "ElementwiseAdd": "Add", "ElementwiseSub": "Sub"}


class ReturnFloatOpsToHost(Transformation):
    """Turn hardware ops on floating-point streams back into ordinary ONNX and QONNX nodes.

    FINN's ``step_convert_to_hw`` also converts the input quantisation (thresholds on float pixels),
    the transposition around it and the last dequantising multiplication, with a transposition
    where the network ends in a feature map. They are a few operations a frame, cost float hardware
    or HLS, and belong on the processor; as host nodes they stay outside the dataflow partition.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the nodes; no second pass is needed."""
        on_host = {info.name for info in model.graph.input}
        for index, node in enumerate(list(model.graph.node)):
            at_front = node.input[0] in on_host
            if node.domain.startswith(_HARDWARE):
                replacement = _as_host_node(model, node, at_front)
                if replacement is None:
                    continue
                model.graph.node.insert(index, replacement)
                model.graph.node.remove(node)
            if at_front:
                on_host.update(node.output)
        _return_last_movements(model)
        return model, False


def _return_last_movements(model: ModelWrapper) -> None:
    """Let the host transpose and reshape what the network ends with: a feature map, say."""
    ahead: set[str] = set()  # tensors that hardware further on depends on
    for index, node in reversed(list(enumerate(model.graph.node))):
        last = not ahead.intersection(node.output)
        if last and (replacement := _movement(model, node)) is not None:
            model.graph.node.remove(node)
            model.graph.node.insert(index, replacement)
        elif not last or node.domain.startswith(_HARDWARE):
            ahead.update(node.input)


def _as_host_node(model: ModelWrapper, node: Any, at_front: bool) -> Any | None:
    """The ordinary node for a hardware op that belongs on the host, else None."""
    if at_front and (movement := _movement(model, node)) is not None:
        return movement
    ends = [list(node.input), list(node.output)]
    types = [str(model.get_tensor_datatype(t)) for t in (*node.input, *node.output)]
    if any(t.startswith("FLOAT") for t in types):
        if node.op_type == "Thresholding" and types[0].startswith("FLOAT"):
            return _multi_threshold(model, node)
        if node.op_type in _ONNX_OPS:
            return helper.make_node(_ONNX_OPS[node.op_type], *ends, name=node.name)
    return None


def _movement(model: ModelWrapper, node: Any) -> Any | None:
    """The ordinary node for a hardware op that only moves elements, else None."""
    if not node.domain.startswith(_HARDWARE):
        return None
    ends = [list(node.input), list(node.output)]
    if node.op_type == "Reshape":
        shape = f"{node.output[0]}_shape"  # FINN's node has it as an attribute
        model.set_initializer(shape, np.array(model.get_tensor_shape(node.output[0])))
        ends = [[node.input[0], shape], list(node.output)]
        return helper.make_node("Reshape", *ends, name=node.name)
    if node.op_type == "Shuffle":
        op = getCustomOp(node)
        if op.get_nodeattr("in_shape") == op.get_nodeattr("transpose_in_shape"):
            return helper.make_node("Transpose", *ends, name=node.name, perm=_ints(node, "perm"))
    return None


def _ints(node: Any, name: str) -> list[int]:
    return list(get_by_name(node.attribute, name).ints)


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
