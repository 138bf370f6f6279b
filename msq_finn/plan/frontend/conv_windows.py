"""Sliding windows of a dataflow graph."""

from __future__ import annotations

from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.plan.frontend.network import Conv


def is_type(node: Any, kind: str | tuple[str, ...]) -> bool:
    """Tell whether there is a node, and it is of a type.

    Args:
        node: of a graph, or None.
        kind: what its type begins with.
    """
    return node is not None and node.op_type.startswith(kind)


def is_padding(node: Any) -> bool:
    """Tell whether there is a node, and it puts zeros around maps, not between their pixels.

    Args:
        node: of a graph, or None.
    """
    return is_type(node, "FMPadding") and not is_type(node, "FMPadding_Pixel")


def window_of(model: ModelWrapper, before: Any) -> Conv:
    """Describe a window generator with the padding in front of it.

    Args:
        model: graph of hardware nodes.
    """
    window = getCustomOp(before)
    height, width = window.get_nodeattr("IFMDim")
    padding = model.find_producer(before.input[0])
    pad, plain = (0, 0), list(window.get_nodeattr("Dilation")) == [1, 1]
    if is_padding(padding):
        top, left, bottom, right = getCustomOp(padding).get_nodeattr("Padding")
        height, width = getCustomOp(padding).get_nodeattr("ImgDim")
        # Where one side has a zero more than the other, it counts as a pixel.
        height, width = height + abs(top - bottom), width + abs(left - right)
        pad = (min(top, bottom), min(left, right))
        plain = plain and top == bottom and left == right
    return Conv(
        window.get_nodeattr("IFMChannels"),
        (height, width),
        tuple(window.get_nodeattr("ConvKernelDim")),
        tuple(window.get_nodeattr("Stride")),
        pad,
        plain,
    )
