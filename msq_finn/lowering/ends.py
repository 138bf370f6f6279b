"""Values at a network's ends: an array of its only input or output, or a tuple, one of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray

from msq_finn.lowering.model_checks import data_inputs

#: Of several inputs, or outputs, in the order of the exported model.
Ends = NDArray[Any] | tuple[NDArray[Any], ...]


def each(values: Ends) -> tuple[NDArray[Any], ...]:
    """The arrays, one of each input or output.

    Args:
        values: of all of them.

    >>> import numpy as np
    >>> len(each(np.zeros((4, 3)))), len(each((np.zeros((4, 3)), np.zeros((4, 2)))))
    (1, 2)
    """
    return values if isinstance(values, tuple) else (values,)


def together(arrays: Iterable[NDArray[Any]]) -> Ends:
    """The reverse of `each`.

    Args:
        arrays: one of each input or output.
    """
    values = tuple(arrays)
    return values[0] if len(values) == 1 else values


def mapped(function: Callable[..., NDArray[Any]], *values: Ends) -> Ends:
    """Apply a function to every input, or output.

    Args:
        function: of one array of each of the values.
        values: of as many inputs or outputs each.

    >>> import numpy as np
    >>> mapped(np.add, (np.array([1]), np.array([2])), (np.array([3]), np.array([4])))
    (array([4]), array([6]))
    """
    return together(function(*arrays) for arrays in zip(*map(each, values), strict=True))


def frames(values: Ends) -> int:
    """How many images the values are of.

    Args:
        values: [images, ...] each.
    """
    return len(each(values)[0])


def image(values: Ends, index: Any) -> Ends:
    """The values of one image, or of some.

    Args:
        values: [images, ...] each.
        index: what NumPy takes for the first axis.
    """
    return mapped(lambda array: array[index], values)


def stacked(images: Iterable[Ends], join: Callable[..., NDArray[Any]]) -> Ends:
    """Values of many images, from those of each.

    Args:
        images: values of one image each, at least one.
        join: ``numpy.stack``, or ``numpy.concatenate`` where there is a batch axis.
    """
    return together(join(arrays) for arrays in zip(*map(each, images), strict=True))


def end_names(source: Path) -> tuple[list[str], list[str]]:
    """What an exported model calls its inputs, and its outputs.

    Args:
        source: the file.
    """
    graph = onnx.load(str(source)).graph
    return [info.name for info in data_inputs(graph)], [info.name for info in graph.output]


def named(values: Ends, names: Iterable[str]) -> Any:
    """What users get: an array, or of several inputs or outputs a dictionary by name.

    Args:
        values: of all of them.
        names: in the same order.
    """
    if not isinstance(values, tuple):
        return values
    return dict(zip(names, values, strict=True))
