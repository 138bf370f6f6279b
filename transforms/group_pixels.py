"""Let several neighbouring pixels of a row go through a map's nodes in one cycle."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.finn_compat import ADDS
from msq_finn.lanes import LaneCounts
from msq_finn.lanes.divisors import divides
from msq_finn.rtl.pixel_words import PixelWords, pixel_words, row_axis
from msq_finn.transforms.pixel_borders import join_inputs, join_output
from msq_finn.transforms.pixel_marks import mark_pixels, pixels_of


class GroupPixels(Transformation):
    """Give nodes that are marked words of several pixels, and put converters at the borders.

    In NHWC, [1, H, W, C] and [1, H, W / M, M * C] are the same bytes: such a stream is that of a
    map with fewer pixels of more channels, and what works value by value needs other sizes only.
    Thresholds are repeated for every pixel, lanes too. A map that is one pixel wide is a signal,
    whose neighbours are above each other. Words at the accelerator's ends are as wide as inside;
    a border's converter brings the tensor's shape back. Run it once nothing else depends on
    channels being in the last axis.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change nodes and put converters in; no second pass is needed.

        Raises:
            MsqError: a map's rows are no whole words, or a node cannot take several pixels.
        """
        marked = [node for node in model.graph.node if pixels_of(node) > 1]
        for node in marked:
            _regroup(model, node)
        for node in list(model.graph.node) if marked else ():
            join_inputs(model, node)
        for info in list(model.graph.output) if marked else ():
            join_output(model, info.name)
        return model, False


def _regroup(model: ModelWrapper, node: Any) -> None:
    """Give a node words of several pixels."""
    pixels, op = pixels_of(node), getCustomOp(node)
    if node.op_type.startswith("MVAU_MSQ"):
        op.set_nodeattr("pixels", pixels)
        op.check_pixels()
        op.set_nodeattr(
            "numInputVectors", _grouped(node, op.get_nodeattr("numInputVectors"), pixels)
        )
        op.set_nodeattr("lutSites", pixels * op.get_nodeattr("lutSites"))
    elif node.op_type.startswith("VVAU_MSQ"):
        _regroup_depthwise(model, node, pixels)
    elif node.op_type.startswith("ConvolutionInputGenerator"):
        _regroup_windows(model, node, pixels)
    elif node.op_type.startswith("FMPadding"):
        if pixels_of(model.find_consumer(node.output[0])) == 1:  # else with the windows behind
            raise MsqError(f"pads words of {pixels} pixels for no windows", where=node.name)
    elif node.op_type.startswith("PoolPixels"):
        pass  # with the windows before it
    elif node.op_type.startswith(("Thresholding", "DuplicateStreams", *ADDS)):
        _regroup_values(model, node, pixels)
    else:
        raise MsqError(f"it takes one pixel a cycle, not {pixels}", where=node.name)


def _grouped(node: Any, vectors: Iterable[int], pixels: int) -> list[int]:
    """Numbers of words in every direction; in one only, where rows are no whole words."""
    sizes = [int(size) for size in vectors]
    along = len(sizes) - (2 if sizes[-1] == 1 and len(sizes) > 1 else 1)
    if not divides(pixels, sizes[along]):
        sizes, along = [*[1] * (len(sizes) - 1), math.prod(sizes)], len(sizes) - 1
    if not divides(pixels, sizes[along]):
        raise MsqError(
            f"its {sizes[along]} pixels are no whole words of {pixels}; give the layer fewer "
            "pixels a cycle",
            where=node.name,
            field="pixels",
            value=pixels,
        )
    sizes[along] //= pixels
    return sizes


def _regroup_values(model: ModelWrapper, node: Any, pixels: int) -> None:
    """Regroup what works value by value, all of a word in one cycle."""
    op = getCustomOp(node)
    if node.op_type.startswith(ADDS) and "out_shape" in op.get_nodeattr_types():
        for name in ("lhs_shape", "rhs_shape", "out_shape"):
            *vectors, channels = op.get_nodeattr(name)
            op.set_nodeattr(name, [*_grouped(node, vectors, pixels), channels * pixels])
        op.set_nodeattr("PE", channels * pixels)
        return
    channels = op.get_nodeattr("NumChannels") * pixels
    op.set_nodeattr("numInputVectors", _grouped(node, op.get_nodeattr("numInputVectors"), pixels))
    op.set_nodeattr("NumChannels", channels)
    op.set_nodeattr("PE", channels)
    # Thresholds that all channels share stay as they are.
    if node.op_type.startswith("Thresholding") and len(model.get_initializer(node.input[1])) > 1:
        _repeat_parameter(model, node, pixels)


def _repeat_parameter(model: ModelWrapper, node: Any, pixels: int) -> None:
    """Give every pixel the parameter of each channel."""
    name = node.input[1]
    if len(model.find_consumers(name)) > 1:
        raise MsqError(f"its parameter {name} is shared with another layer", where=node.name)
    values = model.get_initializer(name)
    model.set_initializer(name, np.tile(values, (pixels, *[1] * (values.ndim - 1))))


def _regroup_depthwise(model: ModelWrapper, node: Any, pixels: int) -> None:
    """Make a depthwise layer's channels those of every pixel, on lanes of one kind."""
    op, (kind,) = getCustomOp(node), getCustomOp(node).lanes().kinds
    channels, schemes = op.get_nodeattr("Channels"), op.row_schemes()
    op.set_nodeattr("Dim", _grouped(node, op.get_nodeattr("Dim"), pixels))
    op.set_nodeattr("Channels", pixels * channels)
    op.set_nodeattr("rowSchemes", ["|".join(names) for names in schemes] * pixels)
    op.set_lanes(op.get_nodeattr("SIMD"), LaneCounts({kind.name: pixels * channels}))
    op.set_nodeattr("lutSites", pixels * op.get_nodeattr("lutSites"))
    _repeat_parameter(model, node, pixels)


def _regroup_windows(model: ModelWrapper, node: Any, pixels: int) -> None:
    """Make FINN's generator one of words, and pad by words where it is padded."""
    op, padding = getCustomOp(node), model.find_producer(node.input[0])
    dim, kernel, stride = (op.get_nodeattr(a) for a in ("IFMDim", "ConvKernelDim", "Stride"))
    along, channels = row_axis(dim[1]), op.get_nodeattr("IFMChannels")
    zeros = [0] * 4
    if padding is not None and padding.op_type.startswith("FMPadding"):
        zeros = list(getCustomOp(padding).get_nodeattr("Padding"))
    else:
        padding = None
    row = dim[along] - zeros[along] - zeros[along + 2]
    words = pixel_words(row, kernel[along], stride[along], (zeros[along], zeros[along + 2]), pixels)
    if words is None or list(op.get_nodeattr("Dilation")) != [1, 1] or not _comes_whole(model, op):
        raise MsqError(
            f"windows of {kernel[along]} pixels over rows of {row} do not go over words of "
            f"{pixels}; give the layer fewer pixels a cycle",
            where=node.name,
            field="pixels",
            value=pixels,
        )
    if padding is not None:
        _regroup_padding(padding, along, words)
    reader = model.find_consumer(node.output[0])
    if reader.op_type.startswith("Pool"):
        _regroup_pool(reader, words.windows)
    depthwise = int(reader.op_type.startswith("VVAU"))
    out = list(op.get_nodeattr("OFMDim"))
    for sizes, size in ((dim, words.row), (out, words.results)):
        sizes[along] = size
    node.op_type = "ConvolutionInputGeneratorPixels_rtl"
    op = getCustomOp(node)
    for name, value in {
        "IFMChannels": channels * pixels,
        "IFMDim": dim,
        "OFMDim": out,
        "SIMD": channels * pixels,
        "ConvKernelDim": [words.kernel if side == along else kernel[side] for side in (0, 1)],
        "Stride": [1 if side == along else stride[side] for side in (0, 1)],
        "depthwise": depthwise,
        "parallel_window": 1,
        "Pixels": pixels,
        "Windows": words.windows,
        "First": words.first,
        "PixelKernel": kernel[along],
        "PixelStride": stride[along],
    }.items():
        op.set_nodeattr(name, value)


def _comes_whole(model: ModelWrapper, windows: Any) -> bool:
    """Whether what reads windows takes all channels of a pixel together, as these leave."""
    reader = model.find_consumer(windows.onnx_node.output[0])
    if reader is None:
        return False
    if reader.op_type.startswith("VVAU_MSQ"):
        op = getCustomOp(reader)
        return bool(op.get_nodeattr("PE") == op.get_nodeattr("Channels"))
    return not windows.get_nodeattr("depthwise") or reader.op_type.startswith("Pool")


def _regroup_padding(node: Any, along: int, words: PixelWords) -> None:
    op = getCustomOp(node)
    dim, zeros = list(op.get_nodeattr("ImgDim")), list(op.get_nodeattr("Padding"))
    channels = op.get_nodeattr("NumChannels") * words.pixels
    dim[along] //= words.pixels
    zeros[along], zeros[along + 2] = words.before, words.after
    mark_pixels(node, words.pixels)
    for name, value in {
        "ImgDim": dim,
        "Padding": zeros,
        "NumChannels": channels,
        "SIMD": channels,
    }.items():
        op.set_nodeattr(name, value)


def _regroup_pool(node: Any, pixels: int) -> None:
    out = _grouped(node, getCustomOp(node).get_nodeattr("OutImgDims"), pixels)
    node.op_type = "PoolPixels_rtl"
    mark_pixels(node, pixels)
    op = getCustomOp(node)
    op.set_nodeattr("OutImgDims", out)
    op.set_nodeattr("PE", op.get_nodeattr("Channels"))
    op.set_nodeattr("Windows", pixels)
