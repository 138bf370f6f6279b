"""Let our window generator stand for FINN's and for the padding before it."""

from __future__ import annotations

from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.ops.streaming.backend import is_plain_integer


class PadInWindows(Transformation):
    """Make FINN's padding and window generator one node, which neither stores nor reads zeros.

    FINN's generator reads nothing while the windows of a row leave, so that a row of pixels waits
    before it; ours goes on reading. Windows that leave whole stay FINN's, as do words of several
    pixels, and padding as wide as a window. Run it once nothing changes foldings any more.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace nodes; no second pass is needed."""
        for node in list(model.graph.node):
            if node.op_type == "ConvolutionInputGenerator_rtl" and _is_taken(getCustomOp(node)):
                _replace(model, node)
        return model, False


def _is_taken(op: Any) -> bool:
    """Whether ours does what a generator of FINN's is told to."""
    asked = (op.get_nodeattr(name) for name in ("parallel_window", "dynamic_mode"))
    return not any(asked) and is_plain_integer(op.get_input_datatype())


def _replace(model: ModelWrapper, node: Any) -> None:
    padding, zeros = _padding(model, node), [0, 0, 0, 0]
    dim = list(getCustomOp(node).get_nodeattr("IFMDim"))
    if padding is not None:
        zeros, dim = (getCustomOp(padding).get_nodeattr(a) for a in ("Padding", "ImgDim"))
        node.input[0] = padding.input[0]
        model.graph.node.remove(padding)
    node.op_type = "ConvolutionInputGeneratorPadded_rtl"
    op = getCustomOp(node)
    op.set_nodeattr("IFMDim", list(dim))
    op.set_nodeattr("Padding", list(zeros))


def _padding(model: ModelWrapper, node: Any) -> Any:
    """The padding before a generator; None where it is none that ours does too."""
    producer, op = model.find_producer(node.input[0]), getCustomOp(node)
    if producer is None or producer.op_type != "FMPadding_rtl":
        return None
    found = getCustomOp(producer)
    kernel, dilation = op.get_nodeattr("ConvKernelDim"), op.get_nodeattr("Dilation")
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    fits = all(z < r for z, r in zip(found.get_nodeattr("Padding"), 2 * reach, strict=True))
    alone = len(model.find_consumers(node.input[0])) == 1
    return producer if fits and alone and not found.get_nodeattr("dynamic_mode") else None
