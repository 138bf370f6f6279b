"""Move the lanes' constant row offsets into the thresholds behind them."""

from __future__ import annotations

from typing import Any

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.transforms.place_rows import RECURRENT, ROW_MIXED


class FoldRowOffsets(Transformation):
    """Let LUT lanes leave their row constants in the sums, and add the same to the thresholds.

    A LUT lane computes W·x + c, with c a function of the row's weights alone; W·x >= T is then
    W·x + c >= T + c. Where no thresholding follows, the hardware corrects its sums itself. Weights
    that can be written at run time change c, so that their thresholds must be writeable as well.
    Run it after PlaceRows: the constants depend on the lane.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Shift thresholds and set ``offsetOutput``."""
        for node in model.graph.node:
            consumers = model.find_consumers(node.output[0])
            if not node.op_type.startswith(ROW_MIXED) or len(consumers) != 1:
                continue
            if node.op_type.startswith(RECURRENT):  # their sums stay inside
                continue
            op = getCustomOp(node)
            if op.get_nodeattr("offsetOutput"):
                continue
            if consumers[0].op_type.startswith("Thresholding") and _follow(op, consumers[0]):
                offsets = op.row_offsets(model.get_initializer(node.input[1]).astype(np.int64))
                name = consumers[0].input[1]
                thresholds = model.get_initializer(name)
                shifted = thresholds + offsets[:, None].astype(thresholds.dtype)
                model.set_initializer(name, shifted)
                op.set_nodeattr("offsetOutput", 1)
                op.minimize_accumulator_width(model)
        return model, False


def _follow(op: Any, thresholding: Any) -> bool:
    """Tell whether the thresholds can change whenever the layer's weights can."""
    if not op.get_nodeattr("runtime_writeable_weights"):
        return True
    return bool(getCustomOp(thresholding).get_nodeattr("runtime_writeable_weights"))
