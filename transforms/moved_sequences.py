"""Where the elements of sequences go in nodes that only move them."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper
from onnx.reference import ReferenceEvaluator
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.transforms.constant_tensors import constant_of

IntArray = NDArray[np.int64]

#: Operations that move elements and leave them what they are.
MOVES = {
    *("Concat", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze"),
    *("Transpose", "Unsqueeze"),
}


def constant_names(model: ModelWrapper) -> set[str]:
    """Names of a graph's constants.

    Args:
        model: exported graph.
    """
    made = {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
    return made | {tensor.name for tensor in model.graph.initializer}


def streams(node: NodeProto, constants: Container[str]) -> list[str]:
    """What a node reads that is no constant.

    Args:
        node: whose inputs are looked at.
        constants: names of the graph's constants.
    """
    return [name for name in node.input if name and name not in constants]


def origin(model: ModelWrapper, name: str) -> tuple[str, list[NodeProto]]:
    """What moves brought a tensor from, and the moves in order.

    Args:
        model: exported graph.
    """
    nodes: list[NodeProto] = []
    constants = constant_names(model)
    while True:
        node = model.find_producer(name)
        if node is None or node.op_type not in MOVES or len(streams(node, constants)) != 1:
            return name, nodes
        nodes.insert(0, node)
        (name,) = streams(node, constants)


def moved(
    model: ModelWrapper, nodes: Sequence[NodeProto], given: Mapping[str, IntArray], wanted: str
) -> IntArray:
    """Elements of a tensor behind moves, of its shape.

    Args:
        model: exported graph.
        nodes: the moves, in order.
        given: numbers of elements, by tensor.
        wanted: name of a tensor.
    """
    feeds: dict[str, Any] = {name: np.asarray(value) for name, value in given.items()}
    for name in {name for node in nodes for name in node.input if name}:
        if name not in feeds and (value := constant_of(model, name)) is not None:
            feeds[name] = np.asarray(value)
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for name, v in feeds.items()
    ]
    result = helper.make_tensor_value_info(wanted, onnx.TensorProto.INT64, None)
    opset = helper.make_opsetid("", model.get_opset_imports()[""])
    graph = helper.make_graph(list(nodes), "moves", infos, [result])
    evaluator = ReferenceEvaluator(helper.make_model(graph, opset_imports=[opset]))
    return np.asarray(evaluator.run(None, feeds)[0])
