"""Turn networks on signals into networks on images one pixel wide, which FINN lowers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.general import GiveUniqueParameterTensors
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import get_by_name

from msq_finn.errors import MsqError
from msq_finn.transforms.fork_outputs import reshaped_result


class SignalsToImages(Transformation):
    """Give signals, [batch, channels, length], a width of 1, and their layers windows as wide.

    QONNX's Change3DTo4DTensors does it for fewer ops, and for the network's ends too. Here both
    ends stay as they are, and the host reshapes them. Graphs without 1-D convolutions stay as they
    are. Run it before ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the graph at once; no second pass is needed.

        Raises:
            MsqError: an op that has no known 2-D form.
        """
        convolutions = model.get_nodes_by_op_type("Conv")
        if not any(len(model.get_tensor_shape(node.input[1])) == 3 for node in convolutions):
            return model, False
        for node in model.graph.node:
            if node.op_type not in _FORMS:
                raise MsqError(
                    f"{node.name} ({node.op_type}) has no known form in a network on signals; use "
                    "1-D convolutions, pools, upsampling, linear layers, sums, concatenations, "
                    "slices of channels and element-wise operations"
                )
        model = model.transform(InferShapes()).transform(GiveUniqueParameterTensors())
        sources, results = (
            {info.name: model.get_tensor_shape(info.name) for info in infos}
            for infos in (model.graph.input, model.graph.output)
        )
        for node in model.graph.node:
            _FORMS[node.op_type](model, node)
        for info in (*model.graph.input, *model.graph.value_info, *model.graph.output):
            shape = model.get_tensor_shape(info.name)
            if len(shape) == 3 and model.get_initializer(info.name) is None:
                model.set_tensor_shape(info.name, [*shape, 1])
        for number, (result, shape) in enumerate(results.items()):
            if model.get_tensor_shape(result) != shape:
                reshaped_result(model, result, shape, f"ImageToSignal_{number}")
        for number, (source, shape) in enumerate(sources.items()):
            if len(shape) == 3:
                _reshape_source(model, source, shape, f"SignalToImage_{number}")
        return model.transform(InferShapes()), False


def _keep(model: ModelWrapper, node: NodeProto) -> None:
    """The same in two dimensions."""


def _meet(model: ModelWrapper, node: NodeProto) -> None:
    """Constants that meet signals element by element get a width behind their axes."""
    if len(model.get_tensor_shape(node.output[0])) != 3:
        return
    for tensor in node.input:
        if (value := model.get_initializer(tensor)) is not None and 0 < value.ndim < 4:
            model.set_initializer(tensor, value[..., np.newaxis])


def _windows(model: ModelWrapper, node: NodeProto) -> None:
    """Windows one pixel wide."""
    weights = model.get_initializer(node.input[1]) if len(node.input) > 1 else None
    if weights is not None and weights.ndim == 3:
        model.set_initializer(node.input[1], weights[..., np.newaxis])
    for name in ("kernel_shape", "strides", "dilations"):
        if (given := get_by_name(node.attribute, name)) is not None and len(given.ints) == 1:
            given.ints.append(1)
    if (given := get_by_name(node.attribute, "pads")) is not None and len(given.ints) == 2:
        given.ints[:] = [given.ints[0], 0, given.ints[1], 0]


def _pool(model: ModelWrapper, node: NodeProto) -> None:
    """Likewise; FINN's conversion of pools knows no dilation, not even one of 1."""
    if (dilations := get_by_name(node.attribute, "dilations")) is not None:
        if set(dilations.ints) != {1}:
            raise MsqError("dilated pooling is not supported; use dilation 1", where=node.name)
        node.attribute.remove(dilations)
    _windows(model, node)


def _axis(model: ModelWrapper, node: NodeProto) -> None:
    """An axis that is counted from the end is one further from it."""
    axis = get_by_name(node.attribute, "axis")
    if axis is not None and axis.i < 0 and len(model.get_tensor_shape(node.input[0])) == 3:
        axis.i += 3


def _last(model: ModelWrapper, node: NodeProto) -> None:
    """Likewise where an axis that is not given is the last."""
    if get_by_name(node.attribute, "axis") is None:
        node.attribute.append(helper.make_attribute("axis", -1))
    _axis(model, node)


def _label(model: ModelWrapper, node: NodeProto) -> None:
    """Likewise; where the axis goes, the result has the width none the less."""
    _axis(model, node)
    keeps = get_by_name(node.attribute, "keepdims")
    shape = model.get_tensor_shape(node.output[0])
    if keeps is not None and not keeps.i and len(model.get_tensor_shape(node.input[0])) == 3:
        model.set_tensor_shape(node.output[0], [*shape, 1])


def _order(model: ModelWrapper, node: NodeProto) -> None:
    """The width stays last."""
    order = get_by_name(node.attribute, "perm").ints
    if len(order) == 3:
        order.append(3)


def _sizes(index: int, more: float) -> Callable[[ModelWrapper, NodeProto], None]:
    """An input that has a number an axis gets one more."""

    def extended(model: ModelWrapper, node: NodeProto) -> None:
        value = model.get_initializer(node.input[index])
        if value is not None and len(value) == 3:
            changed = np.append(value, np.array(more, dtype=value.dtype))
            model.set_initializer(node.input[index], changed)

    return extended


def _zeros(model: ModelWrapper, node: NodeProto) -> None:
    """No zeros beside the one pixel."""
    pads = model.get_initializer(node.input[1])
    if pads is not None and len(pads) == 6:
        model.set_initializer(node.input[1], np.insert(pads, [3, 6], 0))


#: How each op is brought into two dimensions.
_FORMS: dict[str, Callable[[ModelWrapper, Any], None]] = {
    **dict.fromkeys(("Add", "Mul", "Div", "Sub"), _meet),
    **dict.fromkeys(("BatchNormalization", "MultiThreshold", "MatMul", "GlobalAveragePool"), _keep),
    **dict.fromkeys(("Relu", "Sigmoid", "Tanh", "Clip"), _keep),
    **dict.fromkeys(("Conv", "AveragePool"), _windows),
    **dict.fromkeys(("Flatten", "Concat", "Split"), _axis),
    **dict.fromkeys(("TopK", "LogSoftmax", "Softmax"), _last),
    "ArgMax": _label,
    "MaxPool": _pool,
    "Transpose": _order,
    "Reshape": _sizes(1, 1),
    "Resize": _sizes(2, 1.0),
    "Pad": _zeros,
}


def _reshape_source(model: ModelWrapper, source: str, signal: list[int], name: str) -> None:
    """Let what reads a signal read an image one pixel wide."""
    image = model.make_new_valueinfo_name()
    model.set_tensor_shape(image, [*signal, 1])
    model.set_tensor_datatype(image, model.get_tensor_datatype(source))
    for node in model.find_consumers(source):
        for index, tensor in enumerate(node.input):
            if tensor == source:
                node.input[index] = image
    model.set_tensor_shape(source, signal)
    model.set_initializer(f"{image}_shape", np.array([*signal, 1], dtype=np.int64))
    reshape = helper.make_node("Reshape", [source, f"{image}_shape"], [image], name=name)
    model.graph.node.insert(0, reshape)
