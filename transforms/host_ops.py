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
#: Arithmetic of FINN's, and ONNX's name of it.
_ONNX_OPS = {"ElementwiseMul": "Mul", "ElementwiseAdd": "Add", "ElementwiseSub": "Sub"}
#: Functions that FINN approximates by polynomials in hardware, and ONNX's names of them.
_FUNCTIONS = {"sigmoid": "Sigmoid", "tanh": "Tanh"}


class ReturnFloatOpsToHost(Transformation):
    """Turn hardware ops on floating-point streams back into ordinary ONNX and QONNX nodes.

    FINN's ``step_convert_to_hw`` also converts the input quantization (thresholds on float pixels),
    the transposition around it, the last dequantizing multiplication and a function behind it, with
    a transposition where the network ends in a feature map. They are a few operations a frame, cost
    float hardware or HLS, and belong on the processor, which computes them exactly; as host nodes
    they stay outside the dataflow partition.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the nodes; no second pass is needed."""
        on_host = {info.name for info in model.graph.input}
        for node in list(model.graph.node):
            streams = [name for name in node.input if model.get_initializer(name) is None]
            at_front = bool(streams) and on_host.issuperset(streams)
            if node.domain.startswith(_HARDWARE):
                replacement = _as_host_nodes(model, node, at_front)
                if not replacement:
                    continue
                _replace(model, node, replacement)
            if at_front:
                on_host.update(node.output)
        _return_last_movements(model)
        return model, False


def _return_last_movements(model: ModelWrapper) -> None:
    """Let the host transpose and reshape what the network ends with: a feature map, say."""
    ahead: set[str] = set()  # tensors that hardware further on depends on
    for node in reversed(list(model.graph.node)):
        last = not ahead.intersection(node.output)
        if last and (replacement := _movement(model, node)):
            _replace(model, node, replacement)
        elif not last or node.domain.startswith(_HARDWARE):
            ahead.update(node.input)


def _replace(model: ModelWrapper, node: Any, replacement: list[Any]) -> None:
    index = list(model.graph.node).index(node)
    model.graph.node.remove(node)
    for offset, new in enumerate(replacement):
        model.graph.node.insert(index + offset, new)


def _as_host_nodes(model: ModelWrapper, node: Any, at_front: bool) -> list[Any]:
    """Ordinary nodes for a hardware op that belongs on the host; none for another."""
    if at_front and (movement := _movement(model, node)):
        return movement
    ends = [list(node.input), list(node.output)]
    types = [str(model.get_tensor_datatype(t)) for t in (*node.input, *node.output)]
    if any(t.startswith("FLOAT") for t in types):
        if node.op_type == "Thresholding" and types[0].startswith("FLOAT"):
            return [_multi_threshold(model, node)]
        if node.op_type in _ONNX_OPS:
            return [helper.make_node(_ONNX_OPS[node.op_type], *ends, name=node.name)]
        if node.op_type == "ElementwiseMax" and _is_zero(model, node.input[1]):
            return [helper.make_node("Relu", [node.input[0]], list(node.output), name=node.name)]
        if node.op_type == "HWSoftmax":
            return [helper.make_node("Softmax", *ends, name=node.name, axis=-1)]
        if node.op_type == "PWPolyF":
            function = get_by_name(node.attribute, "func").s.decode()
            if function in _FUNCTIONS:
                return [helper.make_node(_FUNCTIONS[function], *ends, name=node.name)]
    return []


def _is_zero(model: ModelWrapper, tensor: str) -> bool:
    value = model.get_initializer(tensor)
    return value is not None and not np.any(value)


def _movement(model: ModelWrapper, node: Any) -> list[Any]:
    """Ordinary nodes for a hardware op that only moves elements; none for another."""
    if not node.domain.startswith(_HARDWARE) or node.op_type not in ("Reshape", "Shuffle"):
        return []
    source, result = node.input[0], node.output[0]
    if node.op_type == "Reshape":
        return [_reshape(model, source, result, model.get_tensor_shape(result), node.name)]
    # FINN makes one op of a transposition and the reshaping before and behind it.
    shapes = {
        name: _ints(node, name)
        for name in ("in_shape", "transpose_in_shape", "transpose_out_shape", "out_shape")
    }
    first, last = source, result
    before, behind = [], []
    if shapes["in_shape"] != shapes["transpose_in_shape"]:
        first = f"{result}_apart"
        before = [
            _reshape(model, source, first, shapes["transpose_in_shape"], f"{node.name}_before")
        ]
    if shapes["out_shape"] != shapes["transpose_out_shape"]:
        last = f"{result}_moved"
        model.set_tensor_shape(last, shapes["transpose_out_shape"])
        behind = [_reshape(model, last, result, shapes["out_shape"], f"{node.name}_behind")]
    permute = helper.make_node(
        "Transpose", [first], [last], name=node.name, perm=_ints(node, "perm")
    )
    return [*before, permute, *behind]


def _reshape(model: ModelWrapper, source: str, result: str, shape: list[int], name: str) -> Any:
    shape_name = f"{result}_shape"  # FINN's node has it as an attribute
    model.set_initializer(shape_name, np.array(shape))
    model.set_tensor_shape(result, shape)
    return helper.make_node("Reshape", [source, shape_name], [result], name=name)


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
