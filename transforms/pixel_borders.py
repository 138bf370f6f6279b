"""Converters between nodes that take other numbers of pixels side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.lanes.divisors import divides
from msq_finn.transforms.insert_converters import CONVERTER, converter
from msq_finn.transforms.pixel_marks import pixels_of


def _given(node: Any) -> int:
    """Pixels that a node gives side by side; None stands for what comes from outside."""
    if node is None:
        return 1
    if node.op_type.startswith("ConvolutionInputGeneratorPixels"):
        return int(getCustomOp(node).get_nodeattr("Windows"))
    return pixels_of(node)


def join_inputs(model: ModelWrapper, node: Any) -> None:
    """Set the shapes of a node's inputs, behind converters where words have other pixels.

    Args:
        model: changed in place.
        node: regrouped, as are all before it.
    """
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


def join_output(model: ModelWrapper, tensor: str) -> None:
    """Bring the shape of an output back, in words as they come.

    Args:
        model: changed in place.
        tensor: an output of the graph.
    """
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
