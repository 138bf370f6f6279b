"""Where the steps of an unrolled LSTM or GRU read their inputs, and where its states leave."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from msq_finn.errors import MsqError
from msq_finn.ops.recurrent.gated_cells import GRU, LSTM
from msq_finn.ops.streaming.reverse import ReverseSteps
from msq_finn.transforms.moved_sequences import (
    MOVES,
    IntArray,
    constant_names,
    moved,
    origin,
    streams,
)
from msq_finn.transforms.quantizer_nodes import is_activation_quantizer
from msq_finn.transforms.recurrent_steps import CellStep, QuantizedTensor, StepFinder

#: Every step's inputs by name, with how they come from the sequence.
Read = Sequence[tuple[str, list[NodeProto]]]


@dataclass(frozen=True)
class Unrolled:
    """A layer as it is exported.

    Attributes:
        steps: in order.
        states: names of the states behind each.
    """

    steps: tuple[CellStep, ...]
    states: tuple[str, ...]


@dataclass(frozen=True)
class LeavingStates:
    """What leaves a layer.

    Attributes:
        name: of the tensor.
        all_states: whether it is the states of all steps, else that of the last.
        backwards: whether they are there from the last step to the first.
    """

    name: str
    all_states: bool
    backwards: bool


def unrolled_layers(finder: StepFinder) -> list[Unrolled]:
    """The layers of an exported graph, each a chain of steps.

    Args:
        finder: of the graph's steps.
    """
    by_state = dict(finder.all())
    followers = {step.state: name for name, step in by_state.items()}
    layers = []
    for name, step in by_state.items():
        if step.state in by_state:
            continue
        chain = [name]
        while (following := followers.get(chain[-1])) is not None:
            chain.append(following)
        layers.append(Unrolled(tuple(by_state[n] for n in chain), tuple(chain)))
    return layers


def _read(model: ModelWrapper, layer: Unrolled, where: str) -> tuple[str, Read]:
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


def _places(model: ModelWrapper, source: str, read: Read) -> tuple[IntArray, IntArray]:
    """Numbers of the sequence's elements, and which of them every step reads."""
    shape = model.get_tensor_shape(source)
    places = np.arange(int(np.prod(shape))).reshape(shape)
    steps = [moved(model, nodes, {source: places}, name).ravel() for name, nodes in read]
    return places, np.array(steps)


def inputs_of(model: ModelWrapper, layer: Unrolled, where: str) -> tuple[QuantizedTensor, Read]:
    """What made the sequence, and every step's inputs with how they come from there.

    Args:
        model: exported graph.
        layer: its steps and their states.
        where: name of the layer.

    Raises:
        MsqError: there is no such sequence, it is not quantized, or its parts are on scales of
            their own.
    """
    source, read = _read(model, layer, where)
    node = model.find_producer(source)
    parts = list(node.input) if node is not None and node.op_type == "Concat" else [source]
    levels = [_level(model, part) for part in parts]
    if any(level is None for level in levels):
        raise MsqError("its sequence is not quantized; give it an io_quant", where=where)
    first, *others = (level for level in levels if level is not None)
    if any(level.kind != first.kind for level in others):
        raise MsqError(
            "the states that are joined into its sequence have quantizers of their own; give the "
            "layers that they come from one io_quant",
            where=where,
        )
    return replace(first, name=source), read


def _level(model: ModelWrapper, name: str) -> QuantizedTensor | None:
    """What a quantizer made, or a layer that has been rolled up, if either."""
    node = model.find_producer(name)
    before = None if node is None or node.op_type != "Mul" else model.find_producer(node.input[0])
    if before is not None and before.op_type == ReverseSteps.__name__:
        before = model.find_producer(before.input[0])
    if before is not None and before.op_type in (LSTM.op, GRU.op):
        scale = Fraction(float(model.get_initializer(node.input[1])))
        low, high = (getCustomOp(before).get_nodeattr(f"product{e}")[2] for e in ("Low", "High"))
        return QuantizedTensor(name, node, scale, low, high)
    if node is None or not is_activation_quantizer(model, node):
        return None
    return StepFinder(model).level(name)


def sequence_of(
    model: ModelWrapper,
    source: str,
    read: Read,
    size: tuple[int, int],
    where: str,
) -> tuple[str, bool]:
    """The sequence, or what a transposition makes of it, its steps one behind the other.

    Args:
        model: exported graph, which gets the transposition.
        source: name of the sequence.
        read: as of `inputs_of`.
        size: numbers of steps and of inputs.
        where: name of the layer.

    Returns:
        name of a tensor, and whether the layer reads it from the last step on.

    Raises:
        MsqError: the steps read it otherwise.
    """
    shape = model.get_tensor_shape(source)
    places, steps = _places(model, source, read)
    if steps.shape != size or places.size != steps.size:
        raise MsqError(
            "its steps read a part of the sequence only; read the states of all steps, or the last",
            where=where,
        )
    for order in itertools.permutations(range(len(shape))):
        if shape[order[0]] != 1:  # frames are counted by the first axis
            continue
        found = places.transpose(order).ravel()
        for backwards in (False, True):
            if np.array_equal(found, steps[:: -1 if backwards else 1].ravel()):
                return _turned(model, source, order), backwards
    raise MsqError("its steps read the sequence in an order of their own", where=where)


def _turned(model: ModelWrapper, source: str, order: Sequence[int]) -> str:
    """A tensor with its axes in another order."""
    if list(order) == sorted(order):
        return source
    turned = f"{source}_steps"
    if model.find_producer(turned) is None:
        shape = model.get_tensor_shape(source)
        model.set_tensor_shape(turned, [shape[axis] for axis in order])
        node = helper.make_node("Transpose", [source], [turned], name=turned, perm=order)
        index = list(model.graph.node).index(model.find_producer(source))
        model.graph.node.insert(index + 1, node)
    return turned


def result_of(model: ModelWrapper, layer: Unrolled, units: int, where: str) -> LeavingStates:
    """What leaves the layer, behind the nodes that move states.

    Args:
        model: exported graph.
        layer: its steps and their states.
        units: elements of a state.
        where: name of the layer.

    Raises:
        MsqError: other states are read than all or the last.
    """
    numbered = {
        name: np.arange(step * units, (step + 1) * units).reshape(1, units)
        for step, name in enumerate(layer.states)
    }
    inside, elements = _inside(model, layer), np.concatenate(list(numbered.values()))
    forms = {"all": elements, "reversed": elements[::-1], "last": elements[-1:]}
    nodes, _ = _leaving(model, layer, inside)
    places = [*layer.states, *(name for node in nodes for name in node.output)]
    for result in reversed(places):
        before, ends = _leaving(model, layer, inside, result)
        if set(ends) != {result}:
            continue
        found = numbered[result] if result in numbered else moved(model, before, numbered, result)
        for name, form in forms.items():
            if np.array_equal(found.ravel(), form.ravel()):
                return LeavingStates(result, name != "last", name == "reversed")
    raise MsqError(
        "hardware gives the states of all steps in their order, or the last; read either, not both "
        "and no others",
        where=where,
    )


def _leaving(
    model: ModelWrapper, layer: Unrolled, inside: set[str], end: str = ""
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


def _inside(model: ModelWrapper, layer: Unrolled) -> set[str]:
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
