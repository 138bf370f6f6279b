"""Transformations in the place of those that FINN lacks or gets wrong, under FINN's names.

They do what msq_finn asks of FINN's, and are compared with finn-plus's in
``tests/finn_compat``. Nodes that feed several others are left alone: FINN's moves past forks go
before, so that each branch has its own.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp, is_custom_op
from qonnx.transformation.base import Transformation
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import get_by_name


class ApplyConfig(Transformation):
    """Set attributes of custom ops by a configuration.

    Args:
        config: ``{"node": {"attribute": value}}``, or its JSON file; under ``"Defaults"`` stands
            ``{"attribute": [value, ["op type", ...]]}``, with ``"all"`` in the place of the list
            for every op.
        node_filter: tells whether a node is to be looked at.
    """

    def __init__(self, config: Any, node_filter: Any = lambda _: True) -> None:
        super().__init__()
        self.config = config if isinstance(config, dict) else json.loads(Path(config).read_text())
        self.node_filter = node_filter

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Set them; no second pass is needed."""
        for node in filter(self.node_filter, model.graph.node):
            if not is_custom_op(node.domain, node.op_type):
                continue
            op = getCustomOp(node)
            for name, value, ops in _defaults(self.config):
                if ops == "all" or node.op_type in ops:
                    op.set_nodeattr(name, value)
            for name, value in self.config.get(node.name, {}).items():
                op.set_nodeattr(name, value)
        return model, False


def _defaults(config: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Attribute, value and the ops that it is for; one attribute may have several values."""
    for name, values in config.get("Defaults", {}).items():
        for value, ops in zip(values[::2], values[1::2], strict=True):
            yield name, value, ops


class AbsorbScalarBiasIntoMultiThreshold(Transformation):
    """Take an Add of one number into the MultiThreshold before it, unless its results get wider."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Absorb one, if there is one, and ask for another pass then."""
        for node in model.get_nodes_by_op_type("MultiThreshold"):
            add = _only_consumer(model, node, "Add")
            thresholds = model.get_initializer(node.input[1])
            bias = None if add is None else model.get_initializer(add.input[1])
            if add is None or bias is None or bias.size != 1 or thresholds is None:
                continue
            op = getCustomOp(node)
            low = float(op.get_nodeattr("out_bias") + bias.item())
            high = low + op.get_nodeattr("out_scale") * thresholds.shape[-1]
            low_end, high_end = sorted((low, high))
            reach = high_end if low_end >= 0 else min(low_end, -(high_end + 1))
            result = DataType.get_smallest_possible(reach)
            fits = result.allowed(low) and result.allowed(high)
            if not fits or result.bitwidth() > DataType[op.get_nodeattr("out_dtype")].bitwidth():
                continue
            op.set_nodeattr("out_bias", low)
            op.set_nodeattr("out_dtype", result.name)
            node.output[0] = add.output[0]
            model.graph.node.remove(add)
            model.set_tensor_datatype(node.output[0], result)
            return _annotated(model), True
        return model, False


class MoveScalesPastIm2Col(Transformation):
    """Swap a Mul or Div by one number with the Im2Col behind it; padding stays 0."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Swap one pair, if there is one, and ask for another pass then."""
        for node in model.graph.node:
            scale = _constant(model, node, "Mul", "Div")
            if scale is None or scale.size != 1:
                continue
            patches = _only_consumer(model, node, "Im2Col")
            if patches is None or getCustomOp(patches).get_nodeattr("pad_value") != 0:
                continue
            patches.input[0] = node.input[0]
            _put_behind(model, patches, node)
            return _annotated(model), True
        return model, False


class _PastJoin(Transformation):
    """Moves one kind of node from all inputs of a join to its output."""

    #: Type of the join.
    join: str

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Move past one join, if there is one to move past, and ask for another pass then."""
        for join in model.graph.node:
            if join.op_type != self.join or len(join.input) < 2:
                continue
            producers = [model.find_producer(tensor) for tensor in join.input]
            if None in producers or len({p.output[0] for p in producers}) < len(producers):
                continue
            alone = all(len(model.find_consumers(p.output[0])) == 1 for p in producers)
            if not alone or not self.merge(model, join, producers):
                continue
            sources = [producer.input[0] for producer in producers]
            del join.input[:]
            join.input.extend(sources)
            for spare in producers[1:]:
                model.graph.node.remove(spare)
            _put_behind(model, join, producers[0])
            return _annotated(model), True
        return model, False

    @abstractmethod
    def merge(self, model: ModelWrapper, join: NodeProto, producers: Sequence[NodeProto]) -> bool:
        """Make the first producer one that does for all behind the join; False if none could."""


class MoveLinearPastEltwiseAdd(_PastJoin):
    """Turn (x * C) + (y * C) into (x + y) * C, and (x + A) + (y + B) into (x + y) + (A + B)."""

    join = "Add"

    def merge(self, model: ModelWrapper, join: NodeProto, producers: Sequence[NodeProto]) -> bool:
        """Factors have to be equal; summands are added."""
        factors = _constants(model, producers, "Mul")
        if factors is not None:
            return all(np.array_equal(factor, factors[0]) for factor in factors)
        summands = _constants(model, producers, "Add")
        if summands is None:
            return False
        model.set_initializer(producers[0].input[1], sum(summands))
        return True


class _MoveChannelsPastJoinConcat(_PastJoin):
    """Moves an operation with constants past a concatenation of channels."""

    join = "Concat"
    op_type: str

    def merge(self, model: ModelWrapper, join: NodeProto, producers: Sequence[NodeProto]) -> bool:
        """One number for all, or one a channel, of which the numbers are concatenated."""
        values = _constants(model, producers, self.op_type)
        if values is None:
            return False
        if all(v.size == 1 and v.item() == values[0].item() for v in values):
            return True
        shapes = [model.get_tensor_shape(producer.input[0]) for producer in producers]
        axis = get_by_name(join.attribute, "axis").i % len(shapes[0])
        found = [_along(value, shape, axis) for value, shape in zip(values, shapes, strict=True)]
        channels = [value for value in found if value is not None]
        if len(channels) < len(found):
            return False
        model.set_initializer(producers[0].input[1], np.concatenate(channels, axis=axis))
        return True


class MoveMulPastJoinConcat(_MoveChannelsPastJoinConcat):
    """Move factors past a concatenation of channels."""

    op_type = "Mul"


class MoveAddPastJoinConcat(_MoveChannelsPastJoinConcat):
    """Move summands past a concatenation of channels."""

    op_type = "Add"


class MoveTransposePastJoinAdd(_PastJoin):
    """Add before a transposition that both branches have."""

    join = "Add"

    def merge(self, model: ModelWrapper, join: NodeProto, producers: Sequence[NodeProto]) -> bool:
        """Permutations have to be equal."""
        return _common_order(producers) is not None


class MoveTransposePastJoinConcat(_PastJoin):
    """Concatenate before a transposition that all branches have."""

    join = "Concat"

    def merge(self, model: ModelWrapper, join: NodeProto, producers: Sequence[NodeProto]) -> bool:
        """Permutations have to be equal; the axis is that before them."""
        order = _common_order(producers)
        if order is None:
            return False
        axis = get_by_name(join.attribute, "axis")
        axis.i = order[axis.i]
        return True


def _common_order(nodes: Sequence[NodeProto]) -> list[int] | None:
    """The permutation of nodes that all do the same one."""
    if any(node.op_type != "Transpose" for node in nodes):
        return None
    orders = [list(get_by_name(node.attribute, "perm").ints) for node in nodes]
    return orders[0] if all(order == orders[0] for order in orders) else None


def _constant(model: ModelWrapper, node: NodeProto, *kinds: str) -> Any | None:
    """The constant operand of a node of these kinds that has one behind a stream."""
    if node.op_type not in kinds or model.get_initializer(node.input[0]) is not None:
        return None
    return model.get_initializer(node.input[1])


def _constants(model: ModelWrapper, nodes: Sequence[NodeProto], kind: str) -> list[Any] | None:
    """Those of all nodes; None where one is of another kind, or has none."""
    found = [_constant(model, node, kind) for node in nodes]
    values = [value for value in found if value is not None]
    return values if len(values) == len(nodes) else None


def _along(value: Any, shape: Sequence[int], axis: int) -> Any | None:
    """A constant with one number for each channel, in the shape that it has for broadcasting."""
    if value.ndim > len(shape):
        return None
    full = value.reshape([1] * (len(shape) - value.ndim) + list(value.shape))
    return full if full.size == full.shape[axis] == shape[axis] else None


def _only_consumer(model: ModelWrapper, node: NodeProto, kind: str) -> NodeProto | None:
    """What a node feeds, where that is one node of this kind and the network does not end."""
    consumers = model.find_consumers(node.output[0])
    ends = node.output[0] in {info.name for info in model.graph.output}
    if ends or len(consumers) != 1 or consumers[0].op_type != kind:
        return None
    return consumers[0]


def _put_behind(model: ModelWrapper, node: NodeProto, moved: NodeProto) -> None:
    """Let a node follow another that used to read it; the tensor between them stays its own."""
    between, result = moved.output[0], node.output[0]
    shape = model.get_tensor_shape(result)
    if moved.op_type == "Transpose":
        order = list(get_by_name(moved.attribute, "perm").ints)
        shape = [shape[order.index(axis)] for axis in range(len(shape))]
    model.set_tensor_shape(between, shape)
    node.output[0] = moved.input[0] = between
    moved.output[0] = result
    model.graph.node.remove(moved)
    model.graph.node.insert(list(model.graph.node).index(node) + 1, moved)


def _annotated(model: ModelWrapper) -> ModelWrapper:
    return model.transform(InferShapes()).transform(InferDataTypes())
