"""Move positive scales behind max-pools that have their channels last."""

from __future__ import annotations

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.transforms.swap_behind import swap_behind


class MoveScalesPastPools(Transformation):
    """Swap a Mul by a positive number, or one a channel, with the MaxPoolNHWC behind it.

    FINN's MoveMulPastMaxPool (transformation/streamline/reorder.py) moves them past pools that have
    their channels second, which those behind an add or a concatenation no longer have when the
    scale arrives there.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Swap one pair, if there is one, and ask for another pass then."""
        for node in model.get_nodes_by_op_type("Mul"):
            scale, pools = (
                model.get_initializer(node.input[1]),
                model.find_consumers(node.output[0]),
            )
            if scale is None or len(pools) != 1 or pools[0].op_type != "MaxPoolNHWC":
                continue
            (pool,) = pools
            channels = model.get_tensor_shape(node.input[0])[-1]
            of_channels = np.size(scale) == 1 or np.shape(scale)[-1] == np.size(scale) == channels
            if not of_channels or not (scale > 0).all():
                continue
            swap_behind(model, node, pool, model.get_tensor_datatype(node.input[0]))
            return model, True
        return model, False
