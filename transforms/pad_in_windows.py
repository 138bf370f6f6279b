"""Let our window generator stand for FINN's and for the padding before it."""

from __future__ import annotations

from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.ops.streaming.backend import is_plain_integer
from msq_finn.rtl.window_ring import MapWindows
from msq_finn.transforms.pixel_marks import pixels_of


class PadInWindows(Transformation):
    """Make FINN's padding and window generator one node, which neither stores nor reads zeros.

    FINN's generator reads nothing while the windows of a row leave, so that a row of pixels waits
    before it; ours goes on reading. Windows that leave whole stay FINN's, as do words of several
    pixels, and padding as wide as a window. Run it once nothing changes foldings any more.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace nodes; no second pass is needed."""
        for node in list(model.graph.node):
            if node.op_type == "ConvolutionInputGenerator_rtl":
                _replace(model, node)
        return model, False


def own_windows(model: ModelWrapper, node: Any) -> MapWindows | None:
    """The windows of our generator that will stand for one of FINN's; None where FINN's stays.

    Args:
        model: graph of hardware nodes.
        node: FINN's generator, folded.
    """
    op, padding = getCustomOp(node), padding_of(model, node)
    asked = (op.get_nodeattr(name) for name in ("parallel_window", "dynamic_mode"))
    if any(asked) or pixels_of(node) > 1 or not is_plain_integer(op.get_input_datatype()):
        return None
    zeros, dim = (0, 0, 0, 0), op.get_nodeattr("IFMDim")
    if padding is not None:
        zeros, dim = (getCustomOp(padding).get_nodeattr(a) for a in ("Padding", "ImgDim"))
    sizes = (op.get_nodeattr(name) for name in ("ConvKernelDim", "Stride", "Dilation"))
    kernel, stride, dilation = sizes
    return MapWindows(*map(tuple, (dim, kernel, stride, zeros, dilation)))


def _replace(model: ModelWrapper, node: Any) -> None:
    windows = own_windows(model, node)
    if windows is None:
        return
    if (padding := padding_of(model, node)) is not None:
        node.input[0] = padding.input[0]
        model.graph.node.remove(padding)
    node.op_type = "ConvolutionInputGeneratorPadded_rtl"
    op = getCustomOp(node)
    op.set_nodeattr("IFMDim", list(windows.dim))
    op.set_nodeattr("Padding", list(windows.pads))


def padding_of(model: ModelWrapper, node: Any) -> Any:
    """The padding before a generator; None where it is none that ours does too.

    Args:
        model: graph of hardware nodes.
        node: FINN's generator.
    """
    producer, op = model.find_producer(node.input[0]), getCustomOp(node)
    if producer is None or producer.op_type != "FMPadding_rtl":
        return None
    found = getCustomOp(producer)
    kernel, dilation = op.get_nodeattr("ConvKernelDim"), op.get_nodeattr("Dilation")
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    fits = all(z < r for z, r in zip(found.get_nodeattr("Padding"), 2 * reach, strict=True))
    alone = len(model.find_consumers(node.input[0])) == 1
    return producer if fits and alone and not found.get_nodeattr("dynamic_mode") else None
