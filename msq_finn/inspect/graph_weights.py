"""The quantized weights in a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from qonnx.custom_op.general.intquant import int_quant

from msq_finn.errors import MsqError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """Weights of a layer.

    Attributes:
        name: of the layer's node.
        op: its type.
        floats: in front of the quantizer; shape (rows, columns).
        ints: on the quantizer's grid; shape (rows, columns).
        steps: what an integer is worth; shape (rows, 1).
    """

    name: str
    op: str
    floats: FloatArray
    ints: FloatArray
    steps: FloatArray


def weights_of(graph: onnx.GraphProto) -> list[Weights]:
    """Find Quant nodes on constants, and the layer that each leads to.

    Args:
        graph: of a QONNX model.

    Raises:
        MsqError: a quantizer's scale or bit width does not fit its weights, or its rounding is none
            that QONNX knows.
    """
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    found = []
    for node in graph.node:
        if node.op_type != "Quant" or not all(name in constants for name in node.input):
            continue
        floats, scale, zero, bits = (constants[name].astype(np.float64) for name in node.input)
        options = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        signed, narrow = bool(options.get("signed", 1)), bool(options.get("narrow", 0))
        where = f"node {node.name!r}"
        for what, array in (("scale", scale), ("zero point", zero), ("bit width", bits)):
            if not _fits(array, floats):
                raise MsqError(
                    f"{what} of shape {array.shape} does not fit weights of shape "
                    f"{floats.shape}; export the model again",
                    where=where,
                )
        mode = options.get("rounding_mode", b"ROUND")
        try:
            quantized = int_quant(floats, scale, zero, bits, signed, narrow, mode.decode())
        except ValueError as error:  # of QONNX or, where it is no text, of decode
            raise MsqError(f"unknown rounding_mode {mode!r}; use ROUND", where=where) from error
        steps = np.broadcast_to(scale, floats.shape)
        layer, axis = _consumer(graph, node, floats.ndim)
        if layer is None:
            continue
        rows, ints, step = (
            np.moveaxis(a, axis, 0).reshape(a.shape[axis], -1)
            for a in (floats, np.rint(quantized / scale), steps)
        )
        name = layer.name or layer.output[0]
        found.append(Weights(name, layer.op_type, rows, ints, step.max(axis=1, keepdims=True)))
    return found


def _fits(array: FloatArray, weights: FloatArray) -> bool:
    """Whether an array can be broadcast to the weights' shape."""
    try:
        return np.broadcast_shapes(array.shape, weights.shape) == weights.shape
    except ValueError:
        return False


def _consumer(graph: onnx.GraphProto, quant: Any, rank: int) -> tuple[Any, int]:
    """The layer that a weight's quantizer feeds, and the weight's axis of output channels."""
    tensor, axes = quant.output[0], list(range(rank))
    for node in graph.node:
        if tensor not in node.input:
            continue
        options = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Transpose":
            axes = [axes[i] for i in options.get("perm", reversed(range(rank)))]
            tensor = node.output[0]
        elif node.op_type == "Conv":
            return node, axes[0]
        elif node.op_type == "ConvTranspose":
            return node, axes[1]
        elif node.op_type == "MatMul":
            return node, axes[-1]
        elif node.op_type == "Gemm":
            return node, axes[0 if options.get("transB") else 1]
    return None, 0
