"""Ops of a valid model for which neither FINN nor this package has hardware."""

from __future__ import annotations

import onnx

from msq_finn.build.model_checks import data_input
from msq_finn.errors import MsqError

#: Functions that are hardware only as part of the quantizer behind them.
_ACTIVATIONS = {"Relu", "Sigmoid", "Softmax", "Tanh"}


def check_hardware(graph: onnx.GraphProto) -> None:
    """Refuse what FINN's steps would stumble over without naming it.

    Args:
        graph: valid, as :func:`msq_finn.build.model_checks.check_model` asks for.

    Raises:
        MsqError: the node, and what to do; the caller says in which file.
    """
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    # Weights are quantized between their tensor and the layer.
    for node in graph.node:
        if node.op_type == "Quant" and node.input[0] in shapes:
            shapes[node.output[0]] = shapes[node.input[0]]
    source, result = data_input(graph).name, graph.output[0].name
    for node in graph.node:
        where = f"node {node.name!r} ({node.op_type})"
        at_end = result in node.output
        groups = next((a.i for a in node.attribute if a.name == "group"), 1)
        weights = shapes.get(node.input[1]) if len(node.input) > 1 else None
        if node.op_type == "Conv" and groups > 1 and weights and weights[:2] != (groups, 1):
            raise MsqError(
                f"{where}: {groups} groups with weights of shape {list(weights)} have no hardware; "
                "take groups=1, or as many groups as input and output channels (depthwise)"
            )
        if node.op_type == "BipolarQuant" and node.input[0] not in shapes and not at_end:
            raise MsqError(
                f"{where}: no hardware for activations of 1 bit; give the quantizer bit_width=2 or "
                "more"
            )
        if node.op_type == "Pad" and node.input[0] != source:
            raise MsqError(
                f"{where}: no hardware for this; pad in the convolution behind it (padding=...)"
            )
        if node.op_type == "ReduceMean" and not at_end:
            raise MsqError(
                f"{where}: no hardware for this; take nn.AdaptiveAvgPool2d(1) and nn.Flatten for "
                "the mean over height and width"
            )
        if node.op_type in _ACTIVATIONS and at_end:
            raise MsqError(
                f"{where}: no hardware for this at the end of the network, where nothing quantizes "
                "it; end before it and compute it from the outputs"
            )
