"""Move the lanes' constant row offsets into the thresholds behind them."""

from __future__ import annotations

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.transforms.place_rows import ROW_MIXED


class FoldRowOffsets(Transformation):
    """Let LUT lanes leave their row constants in the sums, and add the same to the thresholds.

    A LUT lane computes W·x + c, with c a function of the row's weights alone; W·x >= T is then
    W·x + c >= T + c. Where no thresholding follows, the hardware corrects its sums itself. Run it
    after PlaceRows: the constants depend on the lane.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Shift thresholds and set ``offsetOutput``."""
        for node in model.graph.node:
            consumers = model.find_consumers(node.output[0])
            if not node.op_type.startswith(ROW_MIXED) or len(consumers) != 1:
                continue
            op = getCustomOp(node)
            if op.get_nodeattr("offsetOutput") or op.get_nodeattr("runtime_writeable_weights"):
                continue
            if consumers[0].op_type.startswith("Thresholding"):
                offsets = op.row_offsets(model.get_initializer(node.input[1]).astype(np.int64))
                name = consumers[0].input[1]
                thresholds = model.get_initializer(name)
                shifted = thresholds + offsets[:, None].astype(thresholds.dtype)
                model.set_initializer(name, shifted)
                op.set_nodeattr("offsetOutput", 1)
                op.minimize_accumulator_width(model)
        return model, False
