"""Move scales behind the zeros that are put between pixels."""

from __future__ import annotations

import numpy as np
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation


class MoveScalesPastPixelPadding(Transformation):
    """Swap a Mul by one number with the FMPadding_Pixel behind it; zeros stay zeros."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Swap one pair, if there is one, and ask for another pass then."""
        for padding in model.get_nodes_by_op_type("FMPadding_Pixel"):
            node = model.find_producer(padding.input[0])
            if node is None or node.op_type != "Mul" or model.is_fork_node(node):
                continue
            scale = model.get_initializer(node.input[1])
            if scale is None or np.size(scale) != 1:
                continue
            source, between, result = node.input[0], node.output[0], padding.output[0]
            model.set_tensor_shape(between, model.get_tensor_shape(result))
            model.set_tensor_datatype(between, model.get_tensor_datatype(source))
            model.set_tensor_datatype(result, DataType["FLOAT32"])
            padding.input[0], padding.output[0] = source, between
            node.input[0], node.output[0] = between, result
            model.graph.node.remove(node)
            model.graph.node.insert(list(model.graph.node).index(padding) + 1, node)
            return model, True
        return model, False
