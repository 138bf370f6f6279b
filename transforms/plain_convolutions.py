"""Transposed and grouped convolutions as plain ones, which FINN lowers to matrix products."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.util.basic import get_by_name

from msq_finn.errors import MsqError

Weights = NDArray[np.float32]


class PlainConvolutions(Transformation):
    """Write every ConvTranspose as zeros between pixels and a Conv, and fill groups with zeros.

    A transposed convolution of stride s is a convolution, its kernel turned by half a turn, of the
    map with s - 1 zeros between pixels (FINN's FMPadding_Pixel). Groups that are not depthwise
    become one matrix whose other blocks are zero: it has as many times the multiplications as there
    are groups, and rows of any scheme. Run it before ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the nodes; no second pass is needed.

        Raises:
            MsqError: a ConvTranspose that takes pixels away, is dilated, or is no 2-D one.
        """
        for node in model.get_nodes_by_op_type("ConvTranspose"):
            if model.get_initializer(node.input[1]) is not None:
                _convolution_instead(model, node)
        for node in model.get_nodes_by_op_type("Conv"):
            weights = model.get_initializer(node.input[1])
            groups = _ints(node, "group", [1])[0]
            if weights is not None and groups > 1 and weights.shape[:2] != (groups, 1):
                _set_weights(model, node, _without_groups(weights, groups))
                get_by_name(node.attribute, "group").i = 1
        return model, False


def _without_groups(weights: Weights, groups: int) -> Weights:
    """Weights [rows, columns of a group, ...] as [rows, all columns, ...], zero elsewhere."""
    rows, columns = weights.shape[0] // groups, weights.shape[1]
    whole = np.zeros((weights.shape[0], columns * groups, *weights.shape[2:]), weights.dtype)
    for group in range(groups):
        own = slice(group * rows, (group + 1) * rows)
        whole[own, group * columns : (group + 1) * columns] = weights[own]
    return whole


def _turned(weights: Weights, groups: int) -> Weights:
    """Weights of a transposed convolution, [columns, rows of a group, ...], as a convolution's."""
    columns, rows = weights.shape[0] // groups, weights.shape[1]
    turned = weights[:, :, ::-1, ::-1].reshape(groups, columns, rows, *weights.shape[2:])
    return turned.swapaxes(1, 2).reshape(groups * rows, columns, *weights.shape[2:])


def _set_weights(model: ModelWrapper, node: NodeProto, weights: Weights) -> None:
    """Change a layer's weights, what is noted on them included."""
    name = node.input[1]
    if len(model.find_consumers(name)) > 1:
        raise MsqError("shares its weights; give it its own", where=f"{node.name} ({node.op_type})")
    model.set_initializer(name, np.ascontiguousarray(weights))


def _convolution_instead(model: ModelWrapper, node: NodeProto) -> None:
    where = f"{node.name} (ConvTranspose)"
    source, shape = node.input[0], model.get_tensor_shape(node.input[0])
    if len(shape) != 4:
        raise MsqError(
            f"no hardware for a map of shape {shape}; take 2-D convolutions", where=where
        )
    weights, groups = model.get_initializer(node.input[1]), _ints(node, "group", [1])[0]
    kernel, strides = list(weights.shape[2:]), _ints(node, "strides", [1, 1])
    pads, further = _ints(node, "pads", [0] * 4), _ints(node, "output_padding", [0, 0])
    if max(_ints(node, "dilations", [1, 1])) > 1:
        raise MsqError("no hardware for dilations; leave them out", where=where)
    before = [k - 1 - p for k, p in zip(kernel, pads[:2], strict=True)]
    behind = [k - 1 - p + f for k, p, f in zip(kernel, pads[2:], further, strict=True)]
    if min(before + behind) < 0 or get_by_name(node.attribute, "output_shape") is not None:
        raise MsqError(
            f"no hardware for padding {pads} of a {kernel[0]}x{kernel[1]} kernel, which takes "
            "pixels of the result away; take a padding below the kernel's size",
            where=where,
        )
    _set_weights(model, node, _turned(weights, groups))
    index = list(model.graph.node).index(node)
    layers: list[NodeProto] = []
    if max(strides) > 1:
        layers, source = _pixel_padding(model, source, shape, strides, node.name)
    conv = helper.make_node(
        "Conv",
        [source, *node.input[1:]],
        list(node.output),
        name=node.name,
        dilations=[1, 1],
        group=groups,
        kernel_shape=kernel,
        pads=before + behind,
        strides=[1, 1],
    )
    model.graph.node.remove(node)
    for offset, new in enumerate((*layers, conv)):
        model.graph.node.insert(index + offset, new)


def _pixel_padding(
    model: ModelWrapper, source: str, shape: list[int], strides: list[int], name: str
) -> tuple[list[NodeProto], str]:
    """Nodes that put zeros between the pixels of a map, and the tensor that they write."""
    _, channels, *size = shape
    spread = [(n - 1) * s + 1 for n, s in zip(size, strides, strict=True)]
    last, padded, result = (model.make_new_valueinfo_name() for _ in range(3))
    for tensor, dims, layout in (
        (last, [1, *size, channels], "NHWC"),
        (padded, [1, *spread, channels], "NHWC"),
        (result, [1, channels, *spread], "NCHW"),
    ):
        model.set_tensor_shape(tensor, dims)
        model.set_tensor_datatype(tensor, model.get_tensor_datatype(source))
        model.set_tensor_layout(tensor, list(layout))
    padding = helper.make_node(
        "FMPadding_Pixel",
        [last],
        [padded],
        domain="finn.custom_op.fpgadataflow",
        backend="fpgadataflow",
        name=f"FMPadding_Pixel_{name}",
        ImgDim=size,
        Stride=strides,
        NumChannels=channels,
        SIMD=1,
        inputDataType=model.get_tensor_datatype(source).name,
    )
    first = helper.make_node("Transpose", [source], [last], perm=[0, 2, 3, 1])
    return [
        first,
        padding,
        helper.make_node("Transpose", [padded], [result], perm=[0, 3, 1, 2]),
    ], result


def _ints(node: NodeProto, name: str, default: list[int]) -> list[int]:
    found = get_by_name(node.attribute, name)
    if found is None:
        return default
    return list(found.ints) or [found.i]
