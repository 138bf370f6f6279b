"""Move scales behind averages, and behind the zeros that are put between pixels."""

from __future__ import annotations

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.transforms.swap_behind import swap_behind


class MoveScalesPastMaps(Transformation):
    """Swap a Mul by one number with the AveragePool or FMPadding_Pixel behind it."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Swap one pair, if there is one, and ask for another pass then."""
        for layer in model.graph.node:
            if layer.op_type not in ("AveragePool", "FMPadding_Pixel"):
                continue
            node = model.find_producer(layer.input[0])
            if node is None or node.op_type != "Mul" or model.is_fork_node(node):
                continue
            scale = model.get_initializer(node.input[1])
            if scale is None or np.size(scale) != 1:
                continue
            swap_behind(model, node, layer, model.get_tensor_datatype(node.input[0]))
            return model, True
        return model, False
