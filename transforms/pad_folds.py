"""Fill up the last fold of layers whose PE and SIMD do not divide their rows and columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.lanes.divisors import divisors, folds, padded
from msq_finn.transforms.insert_converters import converter
from msq_finn.transforms.quantizer_notes import note_quantizer, quantizer_of

#: Ops that may be padded: what their input's and their output's channels are, and the parallelism
#: of either.
PADDED = {
    "MVAU_MSQ": (("MW", "SIMD"), ("MH", "PE")),
    "Thresholding": (("NumChannels", "PE"), ("NumChannels", "PE")),
}


class _Stream(NamedTuple):
    """One end of a tensor: its shape, the elements of a word, and channels without padding."""

    shape: list[int]
    word: int
    channels: int


class PadFolds(Transformation):
    """Give layers zero rows and columns, so that PE and SIMD divide, and drop what these give.

    Rows are added behind the last, to weights and thresholds, and columns likewise. Padding goes
    from a layer to the next where both need as much: zero columns take it. Anywhere else a width
    converter drops it, or adds it. Everything behind sees folds that come out even. Run it once
    rows lie on their lanes, and no parallelism changes any more.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Pad the parameters and put converters in; no second pass is needed."""
        channels: dict[str, tuple[int, int]] = {}
        for node in model.graph.node:
            if (sides := _uneven(node)) is not None:
                channels[node.name] = sides
                _pad(model, node)
        if channels:
            for node in list(model.graph.node):
                _convert_inputs(model, node, channels)
            for info in list(model.graph.output):
                _convert_output(model, info.name, channels)
        return model, False


def sides_of(node: Any) -> tuple[tuple[str, str], tuple[str, str]] | None:
    """Attributes that hold what may be padded, for input and output; None for other ops.

    Args:
        node: of hardware.
    """
    return next((sides for op, sides in PADDED.items() if node.op_type.startswith(op)), None)


def _uneven(node: Any) -> tuple[int, int] | None:
    """Channels that a node to be padded reads and gives."""
    if (sides := sides_of(node)) is None:
        return None
    op = getCustomOp(node)
    sizes = [(op.get_nodeattr(whole), op.get_nodeattr(part)) for whole, part in sides]
    if all(size == padded(size, part) for size, part in sizes):
        return None
    return sizes[0][0], sizes[1][0]


def _pad(model: ModelWrapper, node: Any) -> None:
    op, name, sides = getCustomOp(node), node.input[1], sides_of(node)
    assert sides is not None
    if len(model.find_consumers(name)) > 1:
        raise MsqError(f"its parameter {name} is shared with another layer", where=node.name)
    values = model.get_initializer(name)
    sizes = [(op.get_nodeattr(whole), op.get_nodeattr(part)) for whole, part in sides]
    columns, rows = (padded(size, part) - size for size, part in sizes)
    if node.op_type.startswith("Thresholding"):
        op.set_nodeattr("NumChannels", sizes[0][0] + rows)
        if note := quantizer_of(model, name):
            note_quantizer(model, name, replace(note, channels=sizes[0][0]))
        # Those of the last channel once more, which are in the range of their type.
        if len(values) > 1:
            values = np.pad(values, ((0, rows), (0, 0)), mode="edge")
    else:
        op.add_padding(columns, rows)
        values = np.pad(values, ((0, columns), (0, rows)))
    model.set_initializer(name, values)


def _convert_inputs(model: ModelWrapper, node: Any, channels: dict[str, tuple[int, int]]) -> None:
    for index, tensor in enumerate(node.input):
        producer = model.find_producer(tensor)
        if model.get_initializer(tensor) is not None or not (
            node.name in channels or (producer is not None and producer.name in channels)
        ):
            continue
        op = getCustomOp(node)
        shape = [int(size) for size in op.get_normal_input_shape(index)]
        word = op.get_folded_input_shape(index)[-1]
        after = _Stream(shape, word, channels.get(node.name, shape[-1:])[0])
        before = _given(model, tensor, after, channels)
        if before.shape == after.shape:
            model.set_tensor_shape(tensor, after.shape)
            continue
        node.input[index] = _converted(model, tensor, before, after, node)


def _convert_output(model: ModelWrapper, tensor: str, channels: dict[str, tuple[int, int]]) -> None:
    producer = model.find_producer(tensor)
    if producer.name not in channels:
        return
    shape = model.get_tensor_shape(tensor)
    before = _given(model, tensor, None, channels)
    if before.shape[-1] == before.channels:
        return
    inner = model.make_new_valueinfo_name()
    model.set_tensor_shape(inner, before.shape)
    model.set_tensor_datatype(inner, model.get_tensor_datatype(tensor))
    producer.output[list(producer.output).index(tensor)] = inner
    word = _fewest(shape[-1], folds(shape[-1], before.word))
    after = _Stream(shape, word, shape[-1])
    last = _converted(model, inner, before, after, None)
    model.find_producer(last).output[0] = tensor


def _given(
    model: ModelWrapper,
    tensor: str,
    after: _Stream | None,
    channels: dict[str, tuple[int, int]],
) -> _Stream:
    """What comes in a tensor; from outside, in words as narrow as the reader's speed allows."""
    producer = model.find_producer(tensor)
    if producer is None:
        assert after is not None
        shape = model.get_tensor_shape(tensor)
        word = _fewest(shape[-1], folds(after.channels, after.word))
        return _Stream(shape, word, shape[-1])
    op, index = getCustomOp(producer), list(producer.output).index(tensor)
    shape = [int(size) for size in op.get_normal_output_shape(index)]
    word = op.get_folded_output_shape(index)[-1]
    return _Stream(shape, word, channels.get(producer.name, shape[-1:])[-1])


def _fewest(channels: int, words: int) -> int:
    """The least divisor that needs no more words."""
    return next(part for part in divisors(channels) if channels // part <= words)


def _converted(
    model: ModelWrapper, tensor: str, before: _Stream, after: _Stream, reader: Any
) -> str:
    """Put converters behind a tensor; returns the name of what results."""
    if before.channels == after.channels:
        return _convert(model, tensor, before, after, before.channels, reader)
    # Behind a flattening, channels are not what they were: drop padding first, add it then.
    if before.shape[-1] != before.channels:
        word = _fewest(before.channels, folds(before.channels, before.word))
        if after.shape[-1] == after.channels and before.channels % after.word == 0:
            word = after.word
        shape = [*before.shape[:-1], before.channels]
        plain = _Stream(shape, word, before.channels)
        tensor = _convert(model, tensor, before, plain, before.channels, reader)
        before = plain
    if after.shape[-1] != after.channels:
        tensor = _convert(model, tensor, before, after, after.channels, reader)
    return tensor


def _convert(
    model: ModelWrapper,
    tensor: str,
    before: _Stream,
    after: _Stream,
    elements: int,
    reader: Any,
) -> str:
    result, datatype = model.make_new_valueinfo_name(), model.get_tensor_datatype(tensor)
    model.set_tensor_shape(tensor, before.shape)
    model.set_tensor_shape(result, after.shape)
    model.set_tensor_datatype(result, datatype)
    shapes, words = (before.shape, after.shape), (before.word, after.word)
    node = converter((tensor, result), shapes, words, elements, datatype)
    nodes = list(model.graph.node)
    model.graph.node.insert(nodes.index(reader) if reader is not None else len(nodes), node)
    return result
