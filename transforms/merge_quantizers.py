"""Quantize a tensor once where several nodes quantize it alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.transforms.constant_tensors import constant_of
from msq_finn.transforms.quantizer_nodes import is_activation_quantizer


class MergeQuantizers(Transformation):
    """Let all that reads equal quantizers of one tensor read the first of them.

    Both directions of a recurrent layer quantize the sequence, each by a node of its own. Run it on
    the exported model, before quantizers are noted.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the graph at once; no second pass is needed."""
        firsts: dict[Any, NodeProto] = {}
        results = {info.name for info in model.graph.output}
        for node in list(model.graph.node):
            if not is_activation_quantizer(model, node):
                continue
            first = firsts.setdefault(_identity(model, node), node)
            if first is node or node.output[0] in results:
                continue
            for consumer in model.find_consumers(node.output[0]):
                for index, name in enumerate(consumer.input):
                    if name == node.output[0]:
                        consumer.input[index] = first.output[0]
            model.graph.node.remove(node)
        return model, False


def _identity(model: ModelWrapper, node: NodeProto) -> Any:
    """What a quantizer has in common with those that are equal to it; else a node of its own."""
    constants = [constant_of(model, name) for name in node.input[1:]]
    if any(value is None for value in constants):
        return node.name, node.output[0]
    values = [(np.shape(value), np.asarray(value).tobytes()) for value in constants]
    attributes = sorted(a.SerializeToString() for a in node.attribute)
    return node.input[0], tuple(values), tuple(attributes)
