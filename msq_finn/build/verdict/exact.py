"""Single values of an exported model in exact arithmetic."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.build.verdict.bounded import Bounded, total
from msq_finn.build.verdict.functions import FUNCTIONS, clipped, leaky
from msq_finn.build.verdict.moves import MOVES, UnknownOpError, sources
from msq_finn.build.verdict.reach import Index, attributes, reached, spread


class Exact:
    """Evaluates values of a QONNX graph in rationals, from its own float32 constants.

    Quantizers' levels are taken as they are; what is between them is computed anew. Bounds are on
    how far QONNX's float32 execution may be from the exact values.

    Args:
        model: cleaned QONNX graph.
        context: of an execution: name to tensor. Quantizers' outputs in it are multiples of their
            scales; they may be changed as long as nothing behind them has been asked for.
    """

    def __init__(self, model: ModelWrapper, context: Mapping[str, NDArray[Any]]) -> None:
        self.model = model
        self.context = context
        self._producers = {name: node for node in model.graph.node for name in node.output}
        self._known: dict[tuple[str, Index], Bounded] = {}
        self._moved: dict[str, Any] = {}

    def value(self, tensor: str, index: Index) -> Bounded:
        """A value, from the quantizers and constants before it.

        Args:
            index: of an element.

        Raises:
            UnknownOpError: an operation on the way is none of those known.
        """
        key = (tensor, index)
        if key not in self._known:
            # A graph without quantizers is as deep as it has nodes.
            sys.setrecursionlimit(max(sys.getrecursionlimit(), 10_000))
            self._known[key] = self._computed(tensor, index)
        return self._known[key]

    def steps(self, quantizer: Any, index: Index) -> Bounded:
        """What a quantizer rounds, in units of its step.

        Args:
            quantizer: a ``Quant`` node.
            index: of an element of its output.
        """
        scale, zero = (self._element(quantizer.input[i], index) for i in (1, 2))
        inverse = Bounded(1 / scale.value)
        quotient = (self.value(quantizer.input[0], index) * inverse).rounded()
        return (quotient + zero).rounded() if zero.value else quotient

    def level(self, quantizer: Any, index: Index) -> int:
        """A quantizer's integer, as it is in the context.

        Args:
            quantizer: a ``Quant`` node.
            index: of an element of its output.
        """
        found = Fraction(float(self.context[quantizer.output[0]][index]))
        scale, zero = (self._element(quantizer.input[i], index) for i in (1, 2))
        return round(found / scale.value + zero.value)

    def _computed(self, tensor: str, index: Index) -> Bounded:
        node = self._producers.get(tensor)
        if node is None:
            return Bounded(Fraction(float(self.context[tensor][index])))
        if node.op_type == "Quant":
            scale, zero = (self._element(node.input[i], index) for i in (1, 2))
            exact = (self.level(node, index) - zero.value) * scale.value
            found = Fraction(float(self.context[tensor][index]))
            return Bounded(exact, abs(found - exact))
        if node.op_type in MOVES:
            return self._moved_from(node, index)
        if node.op_type not in _OPERATIONS:
            raise UnknownOpError(
                f"{node.name} ({node.op_type}): no exact arithmetic for it; known are "
                f"{', '.join(sorted((*_OPERATIONS, *MOVES, 'Quant')))}"
            )
        return _OPERATIONS[node.op_type](self, node, index)

    def _moved_from(self, node: Any, index: Index) -> Bounded:
        if node.name not in self._moved:
            opset = self.model.get_opset_imports()[""]
            self._moved[node.name] = sources(node, self.context, opset)
        tensor, position = self._moved[node.name](index)
        return Bounded(Fraction(0)) if tensor is None else self.value(tensor, position)

    def _shape(self, tensor: str) -> Index:
        return tuple(np.shape(self.context[tensor]))

    def _element(self, tensor: str, index: Index) -> Bounded:
        """A value of a tensor that is broadcast to another's shape."""
        return self.value(tensor, _broadcast(index, self._shape(tensor)))

    def _dot(self, pairs: Iterator[tuple[tuple[str, Index], tuple[str, Index]]]) -> list[Bounded]:
        return [self.value(*left) * self.value(*right) for left, right in pairs]


def _broadcast(index: Index, shape: Index) -> Index:
    own = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else i for i, size in zip(own, shape, strict=True))


def _convolution(exact: Exact, node: Any, index: Index) -> Bounded:
    data, weights = node.input[:2]
    groups = attributes(node).get("group", 1)
    shape = exact._shape(weights)
    first = index[1] // (shape[0] // groups) * shape[1]
    terms = exact._dot(
        (((data, (index[0], first + c, *at))), (weights, (index[1], c, *taps)))
        for taps, at in reached(node, shape[2:], index[2:], exact._shape(data)[2:])
        for c in range(shape[1])
    )
    return total(terms + _bias(exact, node, index[1:2]))


def _transposed_convolution(exact: Exact, node: Any, index: Index) -> Bounded:
    data, weights = node.input[:2]
    groups = attributes(node).get("group", 1)
    shape = exact._shape(weights)
    group, row = divmod(index[1], shape[1])
    inputs = shape[0] // groups
    terms = exact._dot(
        ((data, (index[0], c, *at)), (weights, (c, row, *taps)))
        for taps, at in spread(node, shape[2:], index[2:], exact._shape(data)[2:])
        for c in range(group * inputs, (group + 1) * inputs)
    )
    return total(terms + _bias(exact, node, index[1:2]))


def _bias(exact: Exact, node: Any, index: Index) -> list[Bounded]:
    if len(node.input) < 3 or not node.input[2]:
        return []
    return [exact._element(node.input[2], index)]


def _matrix_product(exact: Exact, node: Any, index: Index) -> Bounded:
    left, right = node.input
    if min(len(exact._shape(left)), len(exact._shape(right))) < 2:
        raise UnknownOpError(f"{node.name} (MatMul): a vector; export matrices")
    *stack, row, column = index

    def within(tensor: str, place: tuple[int, int]) -> tuple[str, Index]:
        return tensor, _broadcast((*stack, *place), exact._shape(tensor))

    depth = range(exact._shape(left)[-1])
    return total(exact._dot((within(left, (row, k)), within(right, (k, column))) for k in depth))


def _general_product(exact: Exact, node: Any, index: Index) -> Bounded:
    given = attributes(node)
    left, right = node.input[:2]
    turned = (given.get("transA", 0), given.get("transB", 0))
    depth = exact._shape(left)[0 if turned[0] else 1]
    alpha, beta = (Bounded(Fraction(given.get(name, 1.0))) for name in ("alpha", "beta"))

    def pair(k: int) -> tuple[tuple[str, Index], tuple[str, Index]]:
        a, b = (index[0], k), (k, index[1])
        return (left, a[::-1] if turned[0] else a), (right, b[::-1] if turned[1] else b)

    terms = [alpha * term for term in exact._dot(pair(k) for k in range(depth))]
    scaled = sum(factor.value != 1 for factor in (alpha, beta))
    return total(terms + [beta * term for term in _bias(exact, node, index)], 2 * scaled)


def _normalisation(exact: Exact, node: Any, index: Index) -> Bounded:
    """Scale and shift of a channel; the square root to far more digits than float32 has."""
    epsilon = Fraction(attributes(node).get("epsilon", 1e-5))
    gain, shift, mean, variance = (exact.value(name, index[1:2]).value for name in node.input[1:5])
    digits = 10**40
    root = Fraction(math.isqrt(int((variance + epsilon) * digits**2)), digits)
    slope = Bounded(gain / root)
    # However it is arranged: a sum, a root, a quotient and two products, then two sums.
    centred = [exact.value(node.input[0], index) * slope, Bounded(-mean) * slope]
    return total([*centred, Bounded(shift)], 6)


def _sum(exact: Exact, node: Any, index: Index) -> Bounded:
    left, right = (exact._element(name, index) for name in node.input)
    return (left + (-right if node.op_type == "Sub" else right)).rounded()


def _product(exact: Exact, node: Any, index: Index) -> Bounded:
    left, right = (exact._element(name, index) for name in node.input)
    return (left * right).rounded()


def _quotient(exact: Exact, node: Any, index: Index) -> Bounded:
    left, right = (exact._element(name, index) for name in node.input)
    if right.error or not right.value:
        raise UnknownOpError(f"{node.name} (Div): no exact arithmetic for this divisor")
    return (left * Bounded(1 / right.value)).rounded()


def _pooled(exact: Exact, node: Any, index: Index) -> list[Bounded]:
    data = node.input[0]
    kernel = attributes(node)["kernel_shape"]
    places = reached(node, kernel, index[2:], exact._shape(data)[2:])
    return [exact.value(data, (*index[:2], *at)) for _, at in places]


def _maximum(exact: Exact, node: Any, index: Index) -> Bounded:
    values = _pooled(exact, node, index)
    return Bounded(max(v.value for v in values), max(v.error for v in values))


def _average(exact: Exact, node: Any, index: Index) -> Bounded:
    given = attributes(node)
    values = _pooled(exact, node, index)
    whole = math.prod(given["kernel_shape"])
    count = whole if given.get("count_include_pad", 0) else len(values)
    return _mean(values, count)


def _mean(values: Sequence[Bounded], count: int) -> Bounded:
    share = total(values) * Bounded(Fraction(1, count))
    # Divided, or multiplied by a rounded reciprocal.
    return share.rounded(1 if count & (count - 1) == 0 else 2)


def _global_average(exact: Exact, node: Any, index: Index) -> Bounded:
    data = node.input[0]
    size = exact._shape(data)[2:]
    values = [exact.value(data, (*index[:2], *at)) for at in itertools.product(*map(range, size))]
    return _mean(values, len(values))


def _reduced_mean(exact: Exact, node: Any, index: Index) -> Bounded:
    given = attributes(node)
    shape = exact._shape(node.input[0])
    axes = given.get("axes")
    if axes is None and len(node.input) > 1:
        axes = exact.context[node.input[1]].tolist()
    reduced = [axis % len(shape) for axis in (axes or range(len(shape)))]
    kept = iter(index if not given.get("keepdims", 1) else [])
    spans = []
    for axis, size in enumerate(shape):
        if axis in reduced:
            spans.append(range(size))
        else:
            at = index[axis] if given.get("keepdims", 1) else next(kept)
            spans.append(range(at, at + 1))
    values = [exact.value(node.input[0], at) for at in itertools.product(*spans)]
    return _mean(values, len(values))


def _leaky(exact: Exact, node: Any, index: Index) -> Bounded:
    value, slope = exact.value(node.input[0], index), exact._element(node.input[1], index)
    return leaky(value, slope.value)


def _clipped(exact: Exact, node: Any, index: Index) -> Bounded:
    value, given = exact.value(node.input[0], index), attributes(node)
    ends = [
        exact.value(node.input[n], ()).value if len(node.input) > n and node.input[n] else None
        for n in (1, 2)
    ]
    low, high = (
        Fraction(given[name]) if end is None and name in given else end
        for end, name in zip(ends, ("min", "max"), strict=True)
    )
    return clipped(value, low, high)


def _function(exact: Exact, node: Any, index: Index) -> Bounded:
    return FUNCTIONS[node.op_type](exact.value(node.input[0], index), attributes(node))


_OPERATIONS: dict[str, Callable[[Exact, Any, Index], Bounded]] = {
    **dict.fromkeys(FUNCTIONS, _function),
    "Add": _sum,
    "AveragePool": _average,
    "BatchNormalization": _normalisation,
    "Clip": _clipped,
    "Conv": _convolution,
    "ConvTranspose": _transposed_convolution,
    "Div": _quotient,
    "Gemm": _general_product,
    "GlobalAveragePool": _global_average,
    "MatMul": _matrix_product,
    "MaxPool": _maximum,
    "Mul": _product,
    "PRelu": _leaky,
    "ReduceMean": _reduced_mean,
    "Sub": _sum,
}
