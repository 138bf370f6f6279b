"""Which elements of its input a convolution or a pool makes an output of."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from onnx import helper

from msq_finn.build.verdict.moves import UnknownOpError

Index = tuple[int, ...]


def attributes(node: Any) -> dict[str, Any]:
    """A node's attributes by name.

    Args:
        node: of an ONNX graph.
    """
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _window(node: Any, rank: int) -> tuple[list[int], list[int], list[int]]:
    """Strides, leading pads and dilations of a convolution or pool over so many axes."""
    given = attributes(node)
    if given.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise UnknownOpError(f"{node.name} ({node.op_type}): auto_pad; export it with pads")
    ones, zeros = [1] * rank, [0] * rank
    pads = list(given.get("pads", zeros))[:rank]
    return list(given.get("strides", ones)), pads, list(given.get("dilations", ones))


def reached(
    node: Any, kernel: Sequence[int], place: Sequence[int], size: Sequence[int]
) -> Iterator[tuple[Index, Index]]:
    """Positions in the kernel and in the input that make one of a window's outputs.

    Args:
        node: a convolution or a pool.
        kernel: its size along each axis.
        size: of the input along each axis.
    """
    strides, pads, dilations = _window(node, len(kernel))
    for taps in itertools.product(*map(range, kernel)):
        at = tuple(
            p * s - pad + t * d
            for p, s, pad, t, d in zip(place, strides, pads, taps, dilations, strict=True)
        )
        if all(0 <= a < n for a, n in zip(at, size, strict=True)):
            yield taps, at


def spread(
    node: Any, kernel: Sequence[int], place: Sequence[int], size: Sequence[int]
) -> Iterator[tuple[Index, Index]]:
    """The same for a transposed convolution, whose inputs are what strides step through.

    Args:
        kernel: its size along each axis.
        place: of the output.
        size: of the input along each axis.
    """
    strides, pads, dilations = _window(node, len(kernel))
    for taps in itertools.product(*map(range, kernel)):
        ahead = [p + pad - t * d for p, pad, t, d in zip(place, pads, taps, dilations, strict=True)]
        if all(
            a % s == 0 and 0 <= a // s < n for a, s, n in zip(ahead, strides, size, strict=True)
        ):
            yield taps, tuple(a // s for a, s in zip(ahead, strides, strict=True))
