"""Let several neighbouring pixels of a row go through a map's nodes in one cycle."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.finn_compat import ADDS
from msq_finn.lanes import LaneCounts
from msq_finn.lanes.divisors import divides
from msq_finn.rtl.pixel_words import PixelWords, pixel_words
from msq_finn.transforms.insert_converters import CONVERTER, converter

#: Attribute of any node at folding: pixels that a word of its input is to have.
_MARK = "wordPixels"


def mark_pixels(node: Any, pixels: int) -> None:
    """Take note of how many pixels go into a node side by side.

    Args:
        node: of hardware.
        pixels: of a word; of a layer behind windows, windows of a word.
    """
    for attribute in [a for a in node.attribute if a.name == _MARK]:
        node.attribute.remove(attribute)
    if pixels > 1:
        node.attribute.append(helper.make_attribute(_MARK, pixels))


def pixels_of(node: Any) -> int:
    """How many pixels go into a node side by side, 1 where nothing is noted.

    Args:
        node: of hardware.
    """
    return next((int(a.i) for a in node.attribute if a.name == _MARK), 1)


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
            _join_inputs(model, node)
        for info in list(model.graph.output) if marked else ():
            _join_output(model, info.name)
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
    if node.op_type.startswith("Thresholding"):
        _repeat_parameter(model, node, pixels)


def _repeat_parameter(model: ModelWrapper, node: Any, pixels: int) -> None:
    """Give every pixel the parameter of each channel; one of all channels stays as it is."""
    name = node.input[1]
    if len(model.find_consumers(name)) > 1:
        raise MsqError(f"its parameter {name} is shared with another layer", where=node.name)
    values = model.get_initializer(name)
    if len(values) > 1:
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
    along, channels = (0 if dim[1] == 1 else 1), op.get_nodeattr("IFMChannels")
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
    out, reach = list(op.get_nodeattr("OFMDim")), words.before + row // pixels + words.after
    for sizes, size in ((dim, reach), (out, words.results)):
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


def _given(node: Any) -> int:
    """Pixels that a node gives side by side; None stands for what comes from outside."""
    if node is None:
        return 1
    if node.op_type.startswith("ConvolutionInputGeneratorPixels"):
        return int(getCustomOp(node).get_nodeattr("Windows"))
    return pixels_of(node)


def _join_inputs(model: ModelWrapper, node: Any) -> None:
    """Set the shapes of a node's inputs, behind converters where words have other pixels."""
    taken, op = pixels_of(node), getCustomOp(node)
    for index, tensor in enumerate(node.input):
        producer = model.find_producer(tensor)
        given = _given(producer)
        if model.get_initializer(tensor) is not None or taken == given == 1:
            continue
        after = op.get_normal_input_shape(index)
        if node.op_type == CONVERTER and _widen(model, op, producer, tensor):
            continue
        if taken == given:
            model.set_tensor_shape(tensor, after)
            continue
        result = model.make_new_valueinfo_name()
        word = op.get_folded_input_shape(index)[-1]
        _convert(model, tensor, result, after, word, node)
        node.input[index] = result


def _widen(model: ModelWrapper, converter: Any, producer: Any, tensor: str) -> bool:
    """Let a converter, such as for padding, read words as they come, if its vectors have these."""
    op = getCustomOp(producer)
    shape, word = op.get_normal_output_shape(), op.get_folded_output_shape()[-1]
    if not divides(shape[-1], converter.get_nodeattr("elements")):
        return False
    bits = converter.get_input_datatype().bitwidth()
    converter.set_nodeattr("inShape", [int(size) for size in shape])
    converter.set_nodeattr("inWidth", int(word) * bits)
    model.set_tensor_shape(tensor, [int(size) for size in shape])
    return True


def _join_output(model: ModelWrapper, tensor: str) -> None:
    """Bring the shape of an output back, in words as they come."""
    producer = model.find_producer(tensor)
    if _given(producer) == 1:
        return
    op, inner = getCustomOp(producer), model.make_new_valueinfo_name()
    index = list(producer.output).index(tensor)
    producer.output[index] = inner
    model.set_tensor_datatype(inner, model.get_tensor_datatype(tensor))
    shape, word = model.get_tensor_shape(tensor), op.get_folded_output_shape(index)[-1]
    _convert(model, inner, tensor, shape, word, None)


def _convert(
    model: ModelWrapper,
    tensor: str,
    result: str,
    after: Iterable[int],
    word: int,
    reader: Any,
) -> None:
    """Put a converter behind a tensor.

    Args:
        model: changed in place.
        tensor: that is read.
        result: that is written.
        after: its shape.
        word: elements of its words.
        reader: node that the converter comes before, None for the last of all.
    """
    producer, datatype = model.find_producer(tensor), model.get_tensor_datatype(tensor)
    after = [int(size) for size in after]
    if producer is None:
        before, given = model.get_tensor_shape(tensor), word
    else:
        op, index = getCustomOp(producer), list(producer.output).index(tensor)
        before = [int(size) for size in op.get_normal_output_shape(index)]
        given = op.get_folded_output_shape(index)[-1]
    elements = max(before[-1], after[-1])
    model.set_tensor_shape(tensor, before)
    model.set_tensor_shape(result, after)
    model.set_tensor_datatype(result, datatype)
    node = converter((tensor, result), (before, after), (given, word), elements, datatype)
    nodes = list(model.graph.node)
    model.graph.node.insert(nodes.index(reader) if reader is not None else len(nodes), node)
