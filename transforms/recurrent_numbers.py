"""The integers of a recurrent layer: weights, and what brings every scale to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.errors import MsqError
from msq_finn.lanes.kind import MAX_ACT_BITS, MIN_ACT_BITS
from msq_finn.ops.recurrent.gated_cells import CellNumbers
from msq_finn.ops.recurrent.scaling import ScaleRound, scale_round
from msq_finn.transforms.absorb_activations import MOST_TABLE_BITS
from msq_finn.transforms.activation_chains import Chain
from msq_finn.transforms.constant_tensors import constant_of
from msq_finn.transforms.quantizer_nodes import levels_of
from msq_finn.transforms.recurrent_steps import CellStep, NoStepError, QuantizedTensor

IntArray = NDArray[np.int64]


def matrix(
    model: ModelWrapper, step: CellStep, where: str
) -> tuple[IntArray, list[Fraction], list[list[Fraction]], int]:
    """The weights of inputs and states as one matrix, a unit's rows side by side.

    Args:
        model: exported graph.
        step: any of the layer's.
        where: name of the layer, for errors.

    Returns:
        integers (inputs + states, 4 units), the rows' scales, four lists of biases, and the bits of
        weights.

    Raises:
        MsqError: weights of inputs and of states are on scales of their own.
    """
    parts, scales, biases, widths = [], [], [], []
    sizes = {}
    for row in step.rows:
        for source, name in row.products.items():
            sizes[source == step.state] = _weights_of(model, name)[0].shape
    (inputs, units), (states, _) = sizes[False], sizes[True]
    for row in step.rows:
        halves = [np.zeros((inputs, units), np.int64), np.zeros((states, units), np.int64)]
        found = []
        for source, name in row.products.items():
            integers, scale, bits = _weights_of(model, name)
            halves[source == step.state] = integers
            found.append(scale)
            widths.append(bits)
        if any(not np.array_equal(scale, found[0]) for scale in found):
            raise MsqError(
                "weights of inputs and of states have scales of their own; quantize both by one "
                "quantizer, as QuantLSTM does by itself",
                where=where,
            )
        parts.append(np.concatenate(halves))
        scales.append([Fraction(float(value)) for value in found[0]])
        added = [_bias_of(model, name, units) for name in row.biases]
        biases.append([sum((b[unit] for b in added), Fraction(0)) for unit in range(units)])
    weights = np.stack(parts, axis=2).reshape(inputs + states, -1)
    ordered = [scales[row][unit] for unit in range(units) for row in range(len(parts))]
    return weights, ordered, biases, max(widths)


def check_levels(step: CellStep, inputs: QuantizedTensor, where: str) -> None:
    """Refuse quantizers that the hardware has no form for.

    Args:
        step: any of the layer's.
        inputs: what the layer reads.
        where: name of the layer.

    Raises:
        MsqError: the quantizer, and what to do.
    """
    levels = step.levels
    state = levels["state"]
    if inputs.scale != state.scale or inputs.low < state.low or inputs.high > state.high:
        raise MsqError(
            f"its inputs have scale {float(inputs.scale):.6g} and integers {inputs.low} to "
            f"{inputs.high}, its states {float(state.scale):.6g} and {state.low} to {state.high}; "
            "one matrix multiplies both, so quantize both by one quantizer (io_quant)",
            where=where,
        )
    if state.low >= 0:
        raise MsqError("its states are quantized without sign; give a signed io_quant", where=where)
    bits = max(-state.low - 1, state.high).bit_length() + 1
    if not MIN_ACT_BITS <= bits <= MAX_ACT_BITS:
        raise MsqError(
            f"its inputs and states have {bits} bits, lanes take {MIN_ACT_BITS} to {MAX_ACT_BITS}; "
            f"give io_bit_width={MAX_ACT_BITS}",
            where=where,
        )
    for name, level in levels.items():
        if (name.endswith("_acc") or name == "memory") and (
            level.high - level.low >= 2**MOST_TABLE_BITS or level.low >= 0
        ):
            raise MsqError(
                f"{name} has integers {level.low} to {level.high}; tables are read with signed "
                f"ones of at most {MOST_TABLE_BITS} bits",
                where=where,
            )
    accs = [levels[name] for name in levels if name.endswith("_acc")]
    if any((acc.low, acc.high) != (accs[0].low, accs[0].high) for acc in accs):
        raise MsqError("its gates' sums have quantizers of different bits", where=where)
    for one, other in step.cell.alike:
        if levels[one].kind != levels[other].kind:
            raise MsqError(
                f"{one} and {other} have quantizers of their own, and are added as integers; give "
                "both one",
                where=where,
            )


def _product(levels: Mapping[str, QuantizedTensor], names: tuple[str, str, str]) -> ScaleRound:
    one, other, made = (levels[name] for name in names)
    ends = [a * b for a in (one.low, one.high) for b in (other.low, other.high)]
    ratio = one.scale * other.scale / made.scale
    return scale_round(ratio, Fraction(0), (made.low, made.high), (min(ends), max(ends)))


def numbers(
    model: ModelWrapper,
    step: CellStep,
    weights: IntArray,
    scales: Sequence[Fraction],
    biases: Sequence[Sequence[Fraction]],
) -> CellNumbers:
    """The constants of a layer, exact with respect to the exported file.

    Args:
        model: exported graph, its shapes inferred.
        step: any of the layer's.
        weights: shape (inputs + states, rows), as of `matrix`, and so the others.
        scales: of the rows.
        biases: of the units, row by row.

    Raises:
        MsqError: no factor rounds as the file's scales do.
    """
    levels, names = step.levels, step.cell.rows
    state = levels["state"]
    reaches = np.abs(weights).sum(0) * max(-state.low, state.high)
    gates = []
    for row, (scale, reach) in enumerate(zip(scales, reaches.tolist(), strict=True)):
        unit, gate = divmod(row, len(names))
        acc = levels[names[gate]]
        ratio, bias = scale * state.scale / acc.scale, biases[gate][unit] / acc.scale
        gates.append(scale_round(ratio, bias, (acc.low, acc.high), (-reach, reach)))

    def table(name: str, of: str) -> tuple[int, ...]:
        return _table(model, step.functions[name], levels[of], levels[name])

    tables = tuple(table(*names) for names in step.cell.tables)
    one, two, three = (_product(levels, made) for made in step.cell.products)
    return CellNumbers(ScaleRound.joined(gates), tables, table(*step.cell.shown), (one, two, three))


def _table(
    model: ModelWrapper, nodes: tuple[NodeProto, ...], of: QuantizedTensor, to: QuantizedTensor
) -> tuple[int, ...]:
    """A function of every integer of a quantizer, as the exported nodes compute it."""
    chain = Chain(model, of.name, nodes, to.node)
    integers = np.arange(of.low, of.high + 1).astype(np.float32)
    values = (integers * np.float32(float(of.scale))).astype(np.float32)
    return tuple(int(level) for level in chain.levels(values[:, None])[:, 0])


def _weights_of(model: ModelWrapper, name: str) -> tuple[NDArray[np.int64], NDArray[Any], int]:
    """Integers of quantized weights as MatMul takes them, their columns' scales, and their bits.

    Args:
        model: exported graph.

    Raises:
        NoStepError: they are not quantized constants.
    """
    turned = False
    node = model.find_producer(name)
    if node is not None and node.op_type == "Transpose":
        turned, node = True, model.find_producer(node.input[0])
    if node is None or node.op_type != "Quant":
        raise NoStepError(name)
    values, scale, zero, bits = (constant_of(model, other) for other in node.input)
    if values is None or scale is None or np.any(zero):
        raise NoStepError(name)
    low, high = levels_of(node, int(np.max(bits)))
    integers = np.clip(np.rint(values / scale), low, high).astype(np.int64)
    scales = np.broadcast_to(scale, values.shape)
    if turned:
        integers, scales = integers.T, scales.T
    return integers, np.asarray(scales[0], np.float32), int(np.max(bits))


def _bias_of(model: ModelWrapper, name: str, units: int) -> list[Fraction]:
    """A constant that is added to sums, exact.

    Args:
        model: exported graph.
        name: of the constant, or of what a quantizer makes of it.
        units: how many sums there are.
    """
    node = model.find_producer(name)
    if node is None or node.op_type != "Quant":
        value = np.broadcast_to(np.asarray(constant_of(model, name), np.float32).ravel(), units)
        return [Fraction(float(v)) for v in value]
    values, scale, zero, bits = (np.asarray(constant_of(model, n)) for n in node.input)
    low, high = levels_of(node, int(bits.max()))
    levels = np.clip(np.rint(values / scale + zero), low, high) - zero
    scales = np.broadcast_to(scale, levels.shape)
    return [
        int(level) * Fraction(float(np.float32(step)))
        for level, step in zip(levels.ravel(), scales.ravel(), strict=True)
    ]
