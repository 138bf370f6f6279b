"""Make one streaming layer of the steps of an unrolled LSTM or GRU."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation
from qonnx.transformation.infer_shapes import InferShapes

from msq_finn.errors import MsqError
from msq_finn.layer_notes import MODULE, note, noted
from msq_finn.ops.recurrent.gated_cells import GATES, GRU, LSTM, attributes
from msq_finn.transforms.infer_mvau_msq import rows_of
from msq_finn.transforms.moved_sequences import (
    MOVES,
    IntArray,
    constant_names,
    moved,
    origin,
    streams,
)
from msq_finn.transforms.quantizer_nodes import is_activation_quantizer
from msq_finn.transforms.recurrent_numbers import check_levels, matrix, numbers
from msq_finn.transforms.recurrent_steps import CellStep, QuantizedTensor, StepFinder

_HARDWARE = "finn.custom_op.fpgadataflow"


@dataclass(frozen=True)
class _Unrolled:
    """A layer's steps, and the states behind them."""

    steps: tuple[CellStep, ...]
    states: tuple[str, ...]


class RollRecurrentLayers(Transformation):
    """Replace the steps of each unrolled layer by an LSTM_MSQ or GRU_MSQ node.

    The steps must compute the same with the same weights, each with the state of the one before,
    and the first with zeros. Integers go in and come out, with a Div before and a Mul behind the
    node. Run it on the exported model, its quantizers noted.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the first layer, and ask for another pass."""
        if not any(node.op_type == "Tanh" for node in model.graph.node):
            return model, False
        shaped = model.transform(InferShapes())
        found = _layers(StepFinder(shaped))
        if not found:
            return model, False
        for layer in found:
            _refuse_reversed(shaped, layer)
        _replace(shaped, found[0])
        return shaped, True


def _layers(finder: StepFinder) -> list[_Unrolled]:
    by_state = dict(finder.all())
    followers = {step.state: name for name, step in by_state.items()}
    layers = []
    for name, step in by_state.items():
        if step.state in by_state:
            continue
        chain = [name]
        while (following := followers.get(chain[-1])) is not None:
            chain.append(following)
        layers.append(_Unrolled(tuple(by_state[n] for n in chain), tuple(chain)))
    return layers


def _replace(model: ModelWrapper, layer: _Unrolled) -> None:
    first, states = layer.steps[0], layer.states
    where = _named(model, first)
    _check_alike(model, layer, where)
    source, steps_read = _inputs(model, layer, where)
    weights, scales, biases, bits = matrix(model, first, where)
    check_levels(first, source, where)
    rows = rows_of(weights, bits, where)
    if rows is None:
        raise MsqError(
            "its weights have no 4-bit codes; train it with a quantizer of msq_finn.quant, such as "
            "MSQWeightPerChannelFloat",
            where=where,
        )
    units, steps = weights.shape[1] // GATES, len(states)
    inputs = len(weights) - units
    result, all_states = _result(model, layer, units, where)
    if model.get_tensor_shape(result)[0] != 1:
        raise MsqError(
            f"its states leave as {model.get_tensor_shape(result)}, steps first, and frames are "
            "counted by the first axis; give batch_first=True",
            where=where,
        )
    sequence = _sequence(model, source.name, steps_read, (steps, inputs), where)
    state = first.levels["state"]
    kind = DataType[f"INT{max(-state.low - 1, state.high).bit_length() + 1}"]
    integers, made, parameter = (f"{result}_{what}" for what in ("integers", "states", "weights"))
    shape = model.get_tensor_shape(result)
    scale = np.float32(float(state.scale))
    for tensor, values in ((integers, model.get_tensor_shape(sequence)), (made, shape)):
        model.set_tensor_shape(tensor, values)
        model.set_tensor_datatype(tensor, kind)
    model.set_initializer(parameter, weights.astype(np.float32))
    largest = int(np.abs(weights).max())
    model.set_tensor_datatype(parameter, DataType[f"INT{largest.bit_length() + 1}"])
    note(model.graph, parameter, MODULE, where)
    for name in (f"{integers}_scale", f"{result}_scale"):
        model.set_initializer(name, np.asarray(scale))
    node = helper.make_node(
        first.cell.op,
        [integers, parameter],
        [made],
        name=f"{first.cell.op}_{where}",
        domain=_HARDWARE,
        backend="fpgadataflow",
        MW=len(weights),
        MH=weights.shape[1],
        Inputs=inputs,
        States=units,
        Steps=steps,
        allStates=int(all_states),
        inShape=model.get_tensor_shape(sequence),
        outShape=shape,
        inputDataType=kind.name,
        accDataType="INT32",
        weightDataType=model.get_tensor_datatype(parameter).name,
        rowSchemes=["|".join(names) for names in rows],
        quantizers=[s.levels[name].name for s in layer.steps for name in first.cell.quantizers],
        **attributes(numbers(model, first, weights, scales, biases)),
    )
    new = [
        helper.make_node(
            "Div", [sequence, f"{integers}_scale"], [integers], name=f"Div_{integers}"
        ),
        node,
        helper.make_node("Mul", [made, f"{result}_scale"], [result], name=f"Mul_{result}"),
    ]
    old = model.find_producer(result)
    index = list(model.graph.node).index(old)
    model.graph.node.remove(old)
    for offset, added in enumerate(new):
        model.graph.node.insert(index + offset, added)
    _prune(model)


def _named(model: ModelWrapper, step: CellStep) -> str:
    """The module's name, or else that of the state."""
    names = [name for row in step.rows for name in row.products.values()]
    module = next((found for n in names if (found := noted(model.graph, n, MODULE))), "")
    return module.partition(".export_handler")[0] or step.levels["state"].name


def _check_alike(model: ModelWrapper, layer: _Unrolled, where: str) -> None:
    first, finder = layer.steps[0], StepFinder(model)
    if first.state or (first.memory and not finder.is_zero(first.memory)):
        raise MsqError("its first state is not 0; leave it out, as None", where=where)
    for before, step in itertools.pairwise(layer.steps):
        same = step.cell is first.cell and all(
            level.kind == first.levels[name].kind for name, level in step.levels.items()
        )
        same = same and _constants(step) == _constants(first)
        if not same or (step.memory and step.memory != before.levels["memory"].name):
            raise MsqError("its steps are not all the same computation", where=where)


def _constants(step: CellStep) -> list[tuple[dict[bool, str], tuple[str, ...]]]:
    """Weights of inputs and of states, and biases, row by row."""
    return [
        ({source == step.state: name for source, name in row.products.items()}, row.biases)
        for row in step.rows
    ]


def _read(
    model: ModelWrapper, layer: _Unrolled, where: str
) -> tuple[str, list[tuple[str, list[NodeProto]]]]:
    """The sequence, and every step's inputs with how they come from there."""
    read, origins = [], set()
    for step in layer.steps:
        names = {name for row in step.rows for name in row.products if name != step.state}
        if len(names) != 1:
            raise MsqError("its gates read different inputs", where=where)
        name = names.pop()
        source, nodes = origin(model, name)
        origins.add(source)
        read.append((name, nodes))
    if len(origins) != 1:
        raise MsqError("its steps' inputs do not come from one sequence", where=where)
    return origins.pop(), read


def _places(
    model: ModelWrapper, source: str, read: Sequence[tuple[str, list[NodeProto]]]
) -> tuple[IntArray, IntArray]:
    """Numbers of the sequence's elements, and which of them every step reads."""
    shape = model.get_tensor_shape(source)
    places = np.arange(int(np.prod(shape))).reshape(shape)
    steps = [moved(model, nodes, {source: places}, name).ravel() for name, nodes in read]
    return places, np.array(steps)


def _refuse_reversed(model: ModelWrapper, layer: _Unrolled) -> None:
    where = _named(model, layer.steps[0])
    _, steps = _places(model, *_read(model, layer, where))
    if len(steps) > 1 and steps[-1].min() < steps[0].min():
        raise MsqError(
            "it reads its sequence from the end, and there is no hardware for that; build it with "
            "bidirectional=False",
            where=where,
        )


def _inputs(
    model: ModelWrapper, layer: _Unrolled, where: str
) -> tuple[QuantizedTensor, list[tuple[str, list[NodeProto]]]]:
    """What made the sequence, and every step's inputs with how they come from there."""
    source, read = _read(model, layer, where)
    node = model.find_producer(source)
    before = None if node is None or node.op_type != "Mul" else model.find_producer(node.input[0])
    if before is not None and before.op_type in (LSTM.op, GRU.op):
        scale = Fraction(float(model.get_initializer(node.input[1])))
        low, high = (getCustomOp(before).get_nodeattr(f"product{e}")[2] for e in ("Low", "High"))
        return QuantizedTensor(source, node, scale, low, high), read
    if node is None or not is_activation_quantizer(model, node):
        raise MsqError("its sequence is not quantized; give it an io_quant", where=where)
    return StepFinder(model).level(source), read


def _sequence(
    model: ModelWrapper,
    source: str,
    read: Sequence[tuple[str, list[NodeProto]]],
    size: tuple[int, int],
    where: str,
) -> str:
    """The sequence, or what a transposition makes of it, its steps one behind the other."""
    shape = model.get_tensor_shape(source)
    places, steps = _places(model, source, read)
    if steps.shape != size or places.size != steps.size:
        raise MsqError("its steps read a part of the sequence only", where=where)
    for order in itertools.permutations(range(len(shape))):
        if shape[order[0]] != 1:  # frames are counted by the first axis
            continue
        if np.array_equal(places.transpose(order).ravel(), steps.ravel()):
            if list(order) == sorted(order):
                return source
            turned = f"{source}_steps"
            model.set_tensor_shape(turned, [shape[axis] for axis in order])
            node = helper.make_node("Transpose", [source], [turned], name=turned, perm=order)
            index = list(model.graph.node).index(model.find_producer(source))
            model.graph.node.insert(index + 1, node)
            return turned
    raise MsqError("its steps read the sequence in an order of their own", where=where)


def _result(model: ModelWrapper, layer: _Unrolled, units: int, where: str) -> tuple[str, bool]:
    """What leaves the layer, behind the nodes that move states, and whether these are all."""
    numbered = {
        name: np.arange(step * units, (step + 1) * units).reshape(1, units)
        for step, name in enumerate(layer.states)
    }
    inside, count = _inside(model, layer), len(layer.states) * units
    nodes, _ = _leaving(model, layer, inside)
    places = [*layer.states, *(name for node in nodes for name in node.output)]
    for result in reversed(places):
        before, ends = _leaving(model, layer, inside, result)
        if set(ends) != {result}:
            continue
        found = numbered[result] if result in numbered else moved(model, before, numbered, result)
        for first, all_states in ((0, True), (count - units, False)):
            if np.array_equal(found.ravel(), np.arange(first, count)):
                return result, all_states
    raise MsqError(
        "hardware gives the states of all steps in their order, or the last; read either, not both "
        "and no others",
        where=where,
    )


def _leaving(
    model: ModelWrapper, layer: _Unrolled, inside: set[str], end: str = ""
) -> tuple[list[NodeProto], list[str]]:
    """Nodes that only move states, none behind ``end``; and the tensors that others read."""
    known, nodes, ends = set(layer.states), list[NodeProto](), list[str]()
    constants = constant_names(model)
    for node in model.graph.node:
        reads = streams(node, constants)
        if node.output[0] in inside or not known.intersection(reads):
            continue
        if end not in reads and node.op_type in MOVES and known.issuperset(reads):
            nodes.append(node)
            known.update(node.output)
        else:
            ends += [name for name in reads if name in known]
    ends += [info.name for info in model.graph.output if info.name in known]
    return nodes, ends


def _inside(model: ModelWrapper, layer: _Unrolled) -> set[str]:
    """What the nodes that compute steps make."""
    inside, constants = set[str](), constant_names(model)
    makers = {name: node for node in model.graph.node for name in node.output}
    for step in layer.steps:
        left = [level.name for level in step.levels.values()]
        ends = {name for row in step.rows for name in row.products} - {step.levels["state"].name}
        while left:
            name = left.pop()
            node = makers.get(name)
            if node is None or name in ends or name in inside:
                continue
            inside.add(name)
            left += streams(node, constants)
    return inside


def _prune(model: ModelWrapper) -> None:
    """Take out what nothing reads any more."""
    results = {info.name for info in model.graph.output}
    while True:
        wanted = results.union(*(node.input for node in model.graph.node))
        dead = [n for n in model.graph.node if wanted.isdisjoint(n.output)]
        if not dead:
            return
        for node in dead:
            model.graph.node.remove(node)
