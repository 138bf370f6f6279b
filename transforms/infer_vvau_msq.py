"""Turn FINN's VVAU nodes into VVAU_MSQ nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.lanes import DEPTHWISE, kinds
from msq_finn.lanes.demand import PAIR
from msq_finn.transforms.msq_node import lanes_take, replace_by_msq
from msq_finn.transforms.row_annotation import check_annotation
from msq_finn.transforms.row_schemes import row_schemes

IntArray = NDArray[np.int64]


class InferVVAUMSQ(Transformation):
    """Replace every VVAU of up to 8-bit weights by a VVAU_MSQ, which exists in RTL on every FPGA.

    Run it between FINN's ``step_convert_to_hw`` and ``SpecializeLayers``. Layers with activations
    that the lanes do not take stay FINN's.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the nodes; no second pass is needed."""
        for node in list(model.graph.node):
            if node.op_type == "VVAU" and lanes_take(model, node):
                weights = model.get_initializer(node.input[1]).astype(np.int64)
                matrix = weights.reshape(len(weights), -1).T
                if all(rows := _rows(matrix)):
                    check_annotation(model, node.input[1], matrix, node.name)
                    replace_by_msq(model, node, rows)
        return model, False


def _rows(matrix: IntArray) -> list[tuple[str, ...]]:
    """Per channel, which of the paper's schemes hold it; else the narrowest of a DSP lane."""
    wide = [kind.scheme.name for kind in kinds(DEPTHWISE) if kind.engine == "dsp"]
    held = row_schemes(matrix, (*PAIR, *wide))
    return [tuple(n for n in row if n in PAIR) or row[:1] for row in held]
