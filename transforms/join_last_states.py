"""Read the last states of several recurrent layers without a detour over the frames' axis."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.infer_shapes import InferShapes

from msq_finn.transforms.moved_sequences import MOVES, constant_names, moved, streams
from msq_finn.transforms.recurrent_ends import unrolled_layers
from msq_finn.transforms.recurrent_steps import StepFinder
from msq_finn.transforms.remove_unread import remove_unread


class JoinLastStates(Transformation):
    """Join states of layers side by side where torch stacks them, layers first.

    ``QuantLSTM`` gives the last states as (layers and directions, N, hidden), of which networks
    take the last one, or that of both directions: ``h[-1]``, ``torch.cat([h[-2], h[-1]], 1)``,
    ``h.transpose(0, 1).flatten(1)``. The first becomes the state, the others a concatenation of
    states. Run it on the exported model.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the graph at once; no second pass is needed."""
        stacks = [n for n in model.graph.node if n.op_type == "Concat"]
        if not stacks or not any(node.op_type == "Tanh" for node in model.graph.node):
            return model, False
        shaped = model.transform(InferShapes())
        layers = unrolled_layers(StepFinder(shaped))
        layer_of = {state: number for number, la in enumerate(layers) for state in la.states}
        rows = [row for layer in layers for step in layer.steps for row in step.rows]
        inside = {name for row in rows for name in row.products}
        for node in list(shaped.graph.node):
            # What has several results takes apart, and joins nothing.
            if node.op_type not in MOVES or len(node.output) > 1 or node.output[0] in inside:
                continue
            states = _states(shaped, node, layer_of) if _leaves_moves(shaped, node) else None
            if states is not None:
                _replace(shaped, node, states)
        remove_unread(shaped)
        return shaped, False


def _leaves_moves(model: ModelWrapper, node: NodeProto) -> bool:
    """Whether something else than a move reads what a move gives."""
    readers = model.find_consumers(node.output[0])
    return not readers or any(reader.op_type not in MOVES for reader in readers)


def _states(model: ModelWrapper, node: NodeProto, layer_of: dict[str, int]) -> list[str] | None:
    """States of layers, one of each, that lie side by side in a move's result; else None."""
    shape = model.get_tensor_shape(node.output[0])
    nodes, sources = _moves_to(model, node)
    if len(shape) != 2 or not sources <= layer_of.keys() or not _stacks(model, nodes):
        return None
    size = {name: int(np.prod(model.get_tensor_shape(name))) for name in sources}
    starts = dict(zip(size, np.cumsum([0, *size.values()]).tolist(), strict=False))
    numbered = {
        name: np.arange(starts[name], starts[name] + size[name]).reshape(
            model.get_tensor_shape(name)
        )
        for name in sources
    }
    found, states = moved(model, nodes, numbered, node.output[0]).ravel().tolist(), list[str]()
    by_start = {start: name for name, start in starts.items() if name in size}
    while found:
        name = by_start.get(found[0], "")
        if not name or found[: size[name]] != list(range(found[0], found[0] + size[name])):
            return None
        states.append(name)
        found = found[size[name] :]
    return states if len({layer_of[name] for name in states}) == len(states) else None


def _stacks(model: ModelWrapper, nodes: list[NodeProto]) -> bool:
    """Whether several streams meet in moves."""
    constants = constant_names(model)
    return any(len(streams(node, constants)) > 1 for node in nodes)


def _moves_to(model: ModelWrapper, last: NodeProto) -> tuple[list[NodeProto], set[str]]:
    """The moves that lead to one, in order, and what they move."""
    constants, names, sources = constant_names(model), set[str](), set[str]()
    left = [last.output[0]]
    while left:
        name = left.pop()
        node = model.find_producer(name)
        if node is None or node.op_type not in MOVES:
            sources.add(name)
        elif name not in names:
            names.add(name)
            left += streams(node, constants)
    return [n for n in model.graph.node if names.intersection(n.output)], sources


def _replace(model: ModelWrapper, node: NodeProto, states: list[str]) -> None:
    output = node.output[0]
    joined = (
        helper.make_node("Concat", states, [output], name=f"{output}_states", axis=1)
        if len(states) > 1
        else helper.make_node("Identity", states, [output], name=f"{output}_states")
    )
    index = list(model.graph.node).index(node)
    model.graph.node.remove(node)
    model.graph.node.insert(index, joined)
