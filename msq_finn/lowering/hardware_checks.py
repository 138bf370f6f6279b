"""Ops of a valid model for which neither FINN nor this package has hardware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from msq_finn.errors import MsqError
from msq_finn.transforms.recognise_global_pools import is_mean_of_maps

#: Attributes that a convolution may leave out in ONNX, but not in FINN.
_CONV = {"dilations", "group", "kernel_shape", "pads", "strides"}


#: QONNX's ops that round to a grid.
_QUANTIZERS = {"BipolarQuant", "FloatQuant", "IntQuant", "MultiThreshold", "Quant", "Trunc"}

#: Ops whose results have the range of their inputs, or the sum of it.
_KEEP_SIGNS = {"Add", "Concat", "MaxPool", "Pad", "Resize", "Slice", "Upsample"}


def check_hardware(graph: onnx.GraphProto) -> None:
    """Refuse what FINN's steps would stumble over without naming it.

    Args:
        graph: valid, as :func:`msq_finn.lowering.model_checks.check_model` asks for.

    Raises:
        MsqError: the node, and what to do; the caller says in which file.
    """
    if not any(node.op_type in _QUANTIZERS for node in graph.node):
        others = sorted({n.op_type for n in graph.node} & {"QuantizeLinear", "DequantizeLinear"})
        raise MsqError(
            f"no quantizers of QONNX in it{', but ' + ' and '.join(others) if others else ''}; "
            "export a network of Brevitas's layers with brevitas.export.export_qonnx"
        )
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    # Weights are quantized between their tensor and the layer.
    for node in graph.node:
        if node.op_type == "Quant" and node.input[0] in shapes:
            shapes[node.output[0]] = shapes[node.input[0]]
    constants = {"", *shapes, *(n.output[0] for n in graph.node if n.op_type == "Constant")}
    signed = _signed(graph, constants)
    known = {
        info.name: [d.dim_value for d in info.type.tensor_type.shape.dim]
        for info in graph.value_info
    }
    values = {tensor.name: tensor for tensor in graph.initializer}
    results = {info.name for info in graph.output}
    for node in graph.node:
        where = f"node {node.name!r} ({node.op_type})"
        at_end = bool(results.intersection(node.output))
        if at_end and node.op_type != "Quant":
            _check_unread(graph, node, results, where)
        if node.op_type == "BipolarQuant" and node.input[0] not in shapes:
            raise MsqError(
                "no hardware for activations of 1 bit; give the quantizer bit_width=2 or more",
                where=where,
            )
        streams = [name for name in node.input if name not in constants]
        if twice := [name for name in streams if streams.count(name) > 1]:
            raise MsqError(
                f"reads {twice[0]!r} twice, and no hardware forks a stream into one node; "
                "change the layer before instead",
                where=where,
            )
        if node.op_type == "MaxPool":
            _check_pool(node, where, known.get(node.input[0]), node.input[0] in signed)
        if node.op_type == "Conv":
            _check_convolution(node, where)
        if node.op_type == "ReduceMean" and not at_end and not _pools(node, known, values):
            raise MsqError(
                "no hardware for this; take nn.AdaptiveAvgPool2d(1) and nn.Flatten for "
                "the mean over height and width",
                where=where,
            )


def _check_convolution(node: onnx.NodeProto, where: str) -> None:
    """Refuse what FINN has no defaults for, and signals of more axes than a map has."""
    given = {a.name: a for a in node.attribute}
    if "kernel_shape" in given and len(given["kernel_shape"].ints) > 2:
        axes = len(given["kernel_shape"].ints)
        raise MsqError(
            f"no hardware for a convolution over {axes} axes; take Conv2d, or Conv1d", where=where
        )
    if "pads" not in given and given.get("auto_pad", onnx.AttributeProto()).s:
        raise MsqError(
            f"auto_pad {given['auto_pad'].s.decode()}, as padding='same' is exported, which FINN "
            "does not know; give padding as numbers, such as padding=1 of a 3x3 window",
            where=where,
            field="auto_pad",
        )
    if missing := _CONV - set(given):
        raise MsqError(
            f"{', '.join(sorted(missing))} not given, and FINN knows no defaults; "
            "write out the attributes",
            where=where,
        )


def _signed(graph: onnx.GraphProto, constants: set[str]) -> set[str]:
    """Streams of signed integers, and what joins and moves them."""
    signed: set[str] = set()
    for node in graph.node:
        streams = {name for name in node.input if name not in constants}
        if node.op_type == "Quant":
            if any(a.name == "signed" and a.i for a in node.attribute):
                signed.add(node.output[0])
        elif node.op_type in _KEEP_SIGNS and signed & streams:
            signed.update(node.output)
    return signed


def _check_unread(
    graph: onnx.GraphProto, node: onnx.NodeProto, results: set[str], where: str
) -> None:
    """Refuse an output of the network that is read inside as well, before it is quantized."""
    for other in graph.node:
        if twice := sorted(results.intersection(node.output).intersection(other.input)):
            raise MsqError(
                f"its result {twice[0]!r} is an output of the network and is read by "
                f"{other.name!r} ({other.op_type}) too, as floats; put a quantizer behind it and "
                "give out what that makes",
                where=where,
            )


def _pools(
    node: onnx.NodeProto,
    known: Mapping[str, Sequence[int]],
    values: Mapping[str, onnx.TensorProto],
) -> bool:
    """Whether a ReduceMean is the average of whole maps."""
    shape = known.get(node.input[0])

    def constant_of(name: str) -> Any:
        return onnx.numpy_helper.to_array(values[name]) if name in values else None

    return shape is not None and is_mean_of_maps(node, len(shape), constant_of)


def _check_pool(
    node: onnx.NodeProto, where: str, shape: Sequence[int] | None, signed: bool
) -> None:
    """Refuse windows that FINN would place elsewhere, or pad with zeros that are not the least."""
    ints = {a.name: list(a.ints) for a in node.attribute}
    ceil = any(a.name == "ceil_mode" and a.i for a in node.attribute)
    if any(step != 1 for step in ints.get("dilations", [])):
        raise MsqError(
            f"no hardware for dilations {ints['dilations']}; leave them out", where=where
        )
    kernel = ints["kernel_shape"]
    strides = ints.get("strides", [1] * len(kernel))
    pads = ints.get("pads", [0] * 2 * len(kernel))
    if signed and any(pads):
        raise MsqError(
            "pads of signed values have no hardware, which pads with zeros; give the "
            "quantizer before it unsigned values, or leave padding out",
            where=where,
        )
    if ceil and shape is not None:
        size = np.array(shape[2:]) + pads[: len(kernel)] + pads[len(kernel) :] - kernel
        if (size % strides).any():
            raise MsqError(
                f"no hardware for windows over the edge (ceil_mode) of values of shape "
                f"{list(shape)}; pad them, or leave ceil_mode out",
                where=where,
            )
