"""Operations that only move values: where in its inputs an output's element comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator

from msq_finn.errors import MsqError

#: Operations, and which of their inputs hold values rather than say how to move them.
MOVES: dict[str, slice] = {
    "Concat": slice(None),
    "Flatten": slice(1),
    "Gather": slice(1),
    "Identity": slice(1),
    "Pad": slice(1),
    "Reshape": slice(1),
    "Resize": slice(1),
    "Slice": slice(1),
    "Split": slice(1),
    "Squeeze": slice(1),
    "Transpose": slice(1),
    "Unsqueeze": slice(1),
    "Upsample": slice(1),
}

Source = Callable[[tuple[int, ...]], tuple[str | None, tuple[int, ...]]]


class UnknownOpError(MsqError):
    """An operation that there is no exact arithmetic for."""


def sources(node: Any, context: Mapping[str, NDArray[Any]], opset: int) -> Source:
    """Find where the elements of a moving operation's first output come from.

    The operation runs on the numbers of its inputs' elements in place of the elements.

    Args:
        node: of an op in `MOVES`.
        context: name to tensor, for shapes and for what says how to move.
        opset: of ONNX, that the node is of.

    Returns:
        a function from an index of the output to an input's name and an index of it; the name is
        None where the operation pads with zeros.

    Raises:
        UnknownOpError: it interpolates, or pads with something else than zeros.

    >>> turned = helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0])
    >>> sources(turned, {"x": np.zeros((2, 3))}, 13)((2, 1))
    ('x', (1, 2))
    """
    mode = next((a.s for a in node.attribute if a.name == "mode"), b"")
    padding = context[node.input[2]] if node.op_type == "Pad" and len(node.input) > 2 else 0
    if mode not in (b"", b"nearest", b"constant") or np.any(padding):
        raise UnknownOpError(f"{node.name} ({node.op_type}): no exact arithmetic for its mode")
    names = list(node.input)[MOVES[node.op_type]]
    # Element 0 is that of a padding.
    feeds, first = {}, 1
    starts = []
    for name in names:
        shape = np.shape(context[name])
        count = int(np.prod(shape))
        # Interpolation in a Resize is on floats; float64 holds every number.
        feeds[name] = np.arange(first, first + count, dtype=np.float64).reshape(shape)
        starts.append(first)
        first += count
    feeds |= {n: context[n] for n in node.input if n and n not in feeds}
    infos = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
        )
        for name, value in feeds.items()
    ]
    output = helper.make_tensor_value_info(node.output[0], onnx.TensorProto.DOUBLE, None)
    graph = helper.make_graph([node], "moves", infos, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    numbers = np.asarray(ReferenceEvaluator(model).run(None, feeds)[0]).astype(np.int64)

    def source(index: tuple[int, ...]) -> tuple[str | None, tuple[int, ...]]:
        number = int(numbers[index])
        if number == 0:
            return None, ()
        which = int(np.searchsorted(starts, number, side="right")) - 1
        shape = np.shape(context[names[which]])
        place = np.unravel_index(number - starts[which], shape)
        return names[which], tuple(int(i) for i in place)

    return source
