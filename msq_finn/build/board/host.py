"""The network's first and last operations, which the processor computes, in NumPy.

Integers are ONNX's, of 64 bits, also where NumPy's default has 32; indices are what NumPy takes
there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .packing import size

#: ``numpy.typing`` is none of what the NumPy of older images has.
Array = Any


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        op: a key of `OPERATIONS`.
        inputs: names of tensors and constants, in order.
        outputs: names of tensors, in order.
        attributes: keyword arguments of the operation's function.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Program:
    """Operations in order, from some tensors to others.

    Attributes:
        operations: in the order in which they run.
        constants: by name.
        inputs: name of what is given, by what its user calls it, in order.
        outputs: name of what comes out, likewise.
    """

    operations: tuple[Operation, ...]
    constants: dict[str, Array]
    inputs: dict[str, str]
    outputs: dict[str, str]

    def __call__(self, images: Array | list[Array]) -> Any:
        """Run it on every image.

        Args:
            images: [images, ...], of the network's (or the accelerator's) shape behind that axis; a
                list of such arrays where there are several inputs.

        Returns:
            [images, ...], or a list of such arrays where there are several outputs.

        Raises:
            KeyError: an operation is none of `OPERATIONS`.
            ValueError: there are more or fewer arrays than inputs.
        """
        arrays = list(images) if isinstance(images, (list, tuple)) else [images]
        if len(arrays) != len(self.inputs):
            names = ", ".join(self.inputs)
            raise ValueError(f"{len(arrays)} arrays, but {len(self.inputs)} inputs ({names})")
        found = [self._run([a[i : i + 1] for a in arrays]) for i in range(len(arrays[0]))]
        results = [np.concatenate(parts) for parts in zip(*found)]
        return results[0] if len(results) == 1 else results

    def _run(self, values: list[Array]) -> list[Array]:
        known = {**self.constants, **dict(zip(self.inputs.values(), values))}
        for operation in self.operations:
            # ONNX leaves the name of an optional input empty.
            operands = [known[name] if name else None for name in operation.inputs]
            results = OPERATIONS[operation.op](*operands, **operation.attributes)
            known.update(zip(operation.outputs, results))
        return [known[name] for name in self.outputs.values()]

    def save(self, path: Path) -> None:
        """Write it as JSON, and its constants beside it.

        Args:
            path: of the JSON; the constants get the suffix ``.npz``.
        """
        described = {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "operations": [vars(operation) for operation in self.operations],
        }
        path.write_text(json.dumps(described, indent=2) + "\n")
        # savez has parameters of its own, with which the names of tensors might clash.
        constants: dict[str, Any] = {f"tensor {k}": v for k, v in self.constants.items()}
        np.savez(path.with_suffix(".npz"), **constants)

    @classmethod
    def load(cls, path: Path) -> Program:
        """Read what :meth:`save` wrote.

        Args:
            path: of the JSON.
        """
        described = json.loads(path.read_text())
        with np.load(path.with_suffix(".npz")) as file:
            constants = {name[len("tensor ") :]: file[name] for name in file.files}
        operations = tuple(
            Operation(o["op"], tuple(o["inputs"]), tuple(o["outputs"]), o["attributes"])
            for o in described["operations"]
        )
        return cls(operations, constants, described["inputs"], described["outputs"])


def multi_threshold(
    value: Array, thresholds: Array, *, axis: int, scale: float, bias: float
) -> tuple[Array]:
    """Count the thresholds that each value reaches.

    Args:
        value: any shape.
        thresholds: ascending, [channels or 1, steps].
        axis: of the channels.
        scale: of the result.
        bias: added to the scaled count.

    Returns:
        one float32 array of the shape of ``value`` (QONNX's MultiThreshold, of which a result is a
        tuple here as for every operation).

    >>> multi_threshold(np.array([[0.0, 2.0]]), np.array([[0.0, 1.0, 2.0]]), axis=1, scale=1,
    ...                 bias=0)[0].tolist()
    [[1.0, 3.0]]
    """
    channels = np.moveaxis(value, axis, 0)
    counts = np.empty(channels.shape, dtype=np.float32)
    for index, channel in enumerate(channels):
        row = thresholds[index if len(thresholds) > 1 else 0]
        counts[index] = np.searchsorted(row, channel, side="right")
    return (np.moveaxis(counts * np.float32(scale) + np.float32(bias), 0, axis),)


def top_k(value: Array, count: Array, *, axis: int, largest: int) -> tuple[Array, Array]:
    """Find the largest (or smallest) values along an axis, the first of equals first.

    Args:
        value: any shape.
        count: how many, an integer of shape (1,).
        axis: along which to look.
        largest: 0 for the smallest values.

    Returns:
        the values in order and their positions, ``count`` of them along ``axis``.

    >>> [r.tolist() for r in top_k(np.array([3, 5, 5]), np.array([2]), axis=0, largest=1)]
    [[5, 5], [1, 2]]
    """
    order = np.argsort(-value if largest else value, axis=axis, kind="stable")
    order = np.take(order, np.arange(int(count.item()), dtype=np.intp), axis=axis)
    return np.take_along_axis(value, order, axis=axis), order.astype(np.int64)


def arg_max(value: Array, *, axis: int, keepdims: int, select_last_index: int) -> tuple[Array]:
    """Find where the largest value along an axis is.

    Args:
        value: any shape.
        axis: along which to look.
        keepdims: whether the axis stays, with length 1.
        select_last_index: whether the last of equals counts, or else the first.

    >>> arg_max(np.array([3, 5, 5]), axis=0, keepdims=1, select_last_index=0)[0].tolist()
    [1]
    """
    ahead = np.flip(value, axis) if select_last_index else value
    found = np.argmax(ahead, axis=axis).astype(np.int64)
    if select_last_index:
        found = value.shape[axis] - 1 - found
    return (np.expand_dims(found, axis) if keepdims else found,)


def log_softmax(value: Array, *, axis: int) -> tuple[Array]:
    """Take the logarithm of each value's share of the sum of exponentials along an axis.

    Args:
        value: any shape.
    """
    shifted = value - value.max(axis=axis, keepdims=True)
    return (shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)),)


def quantize(
    value: Array, scale: Array, zero: Array, bits: Array, *, signed: int, narrow: int
) -> tuple[Array]:
    """Round to a grid, halves to the even integer, and leave the result in the value's unit.

    Args:
        value: any shape.
        scale: one step of the grid, of a shape that broadcasts against ``value``.
        zero: the integer that stands for 0, likewise of a shape that broadcasts.
        bits: of the integers, a scalar.
        signed: whether they are.
        narrow: whether they lack the least (of signed ones) or the largest.

    Returns:
        as QONNX's Quant computes it.

    >>> quantize(np.array([-9.0, 0.4, 1.5]), 0.5, 0.0, 3, signed=1, narrow=1)[0].tolist()
    [-1.5, 0.5, 1.5]
    """
    integers, width = value / scale + zero, int(bits)
    if signed and width == 1:
        integers = np.where(integers >= 0, 1, -1).astype(value.dtype)
    else:
        low = -(2 ** (width - 1)) + narrow if signed else 0
        high = 2 ** (width - 1) - 1 if signed else 2**width - 1 - narrow
        integers = np.rint(np.clip(integers, low, high))
    return ((integers - zero) * scale,)


def reshape(value: Array, shape: Array) -> tuple[Array]:
    """Give a tensor another shape, in which 0 stands for the length that was there.

    Args:
        value: any shape.
        shape: the new one, integers of shape (axes,).
    """
    return (value.reshape([n or value.shape[i] for i, n in enumerate(shape)]),)


def clip(value: Array, low: Array | None = None, high: Array | None = None) -> tuple[Array]:
    """Keep values within limits.

    Args:
        value: any shape.
        low: a scalar, None for no limit.
        high: a scalar, None for no limit.
    """
    value = value if low is None else np.maximum(value, low)
    return (value if high is None else np.minimum(value, high),)


def _unsqueeze(value: Array, axes: tuple[int, ...]) -> Array:
    # Before NumPy 1.18, expand_dims takes one axis only.
    rank = value.ndim + len(axes)
    new = {axis % rank for axis in axes}
    lengths = iter(value.shape)
    return value.reshape([1 if axis in new else next(lengths) for axis in range(rank)])


def _sigmoid(value: Array) -> Array:
    # Of the two forms, the one of which the exponential cannot overflow.
    small = np.exp(-np.abs(value))
    return np.where(value >= 0, 1 / (1 + small), small / (1 + small)).astype(value.dtype)


def _axes(given: Array | None, attribute: list[int] | None) -> Any:
    axes = attribute if given is None else given
    return axes if axes is None else tuple(int(axis) for axis in axes)


#: Per op, a function from values and attributes to a tuple of results.
OPERATIONS: dict[str, Callable[..., tuple[Array, ...]]] = {
    "MultiThreshold": multi_threshold,
    "Mul": lambda a, b: (a * b,),
    "Add": lambda a, b: (a + b,),
    "Sub": lambda a, b: (a - b,),
    "Div": lambda a, b: (a / b,),
    "Transpose": lambda a, *, perm: (np.transpose(a, perm),),
    "Reshape": reshape,
    "Squeeze": lambda a, given=None, *, axes: (np.squeeze(a, _axes(given, axes)),),
    "Unsqueeze": lambda a, given=None, *, axes: (_unsqueeze(a, _axes(given, axes)),),
    "Identity": lambda a: (a,),
    "Concat": lambda *parts, axis: (np.concatenate(parts, axis=axis),),
    "Flatten": lambda a, *, axis: (a.reshape((size(a.shape[:axis]), -1)),),
    "Gather": lambda a, indices, *, axis: (np.take(a, indices.astype(np.intp), axis=axis),),
    "TopK": top_k,
    "ArgMax": arg_max,
    "MatMul": lambda a, b: (a @ b,),
    "GlobalAveragePool": lambda a: (a.mean(axis=tuple(range(2, a.ndim)), keepdims=True),),
    "Clip": clip,
    "Relu": lambda a: (np.maximum(a, 0),),
    "Neg": lambda a: (-a,),
    "Exp": lambda a: (np.exp(a),),
    "Sigmoid": lambda a: (_sigmoid(a),),
    "Tanh": lambda a: (np.tanh(a),),
    "LogSoftmax": log_softmax,
    "Softmax": lambda a, *, axis: (np.exp(log_softmax(a, axis=axis)[0]),),
    "Quant": quantize,
}
