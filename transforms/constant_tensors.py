"""Tensors of an exported graph that no input changes."""

from __future__ import annotations

from typing import Any

from onnx import helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper


def constant_of(model: ModelWrapper, tensor: str) -> Any:
    """Value of a tensor that is a constant, None of others.

    Args:
        model: exported graph.
        tensor: of the graph, an initialiser or what a Constant gives.
    """
    value = model.get_initializer(tensor)
    if value is not None:
        return value
    producer = model.find_producer(tensor)
    if producer is None or producer.op_type != "Constant":
        return None
    return numpy_helper.to_array(helper.get_node_attr_value(producer, "value"))
