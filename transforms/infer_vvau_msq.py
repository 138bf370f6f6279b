"""Turn FINN's VVAU nodes into VVAU_MSQ nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.ops.vvau_msq import DSP_KINDS
from msq_finn.transforms.msq_node import LANE_SCHEMES, lanes_take, replace_by_msq
from msq_finn.transforms.row_annotation import check_annotation
from msq_finn.transforms.row_schemes import row_schemes

IntArray = NDArray[np.int64]

#: What a row may be where no 4-bit scheme holds it, narrowest first.
WIDE_SCHEMES = tuple(kind.scheme for _, kind in sorted(DSP_KINDS.items()))


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
                if np.abs(matrix).max() <= WIDE_SCHEMES[-1].grid_max:
                    check_annotation(model, node.input[1], matrix, node.name)
                    replace_by_msq(model, node, _rows(matrix))
        return model, False


def _rows(matrix: IntArray) -> list[tuple[str, ...]]:
    """Per channel, the 4-bit schemes that hold it; else the narrowest wide one."""
    names = [scheme.name for scheme in WIDE_SCHEMES]
    held = row_schemes(matrix, (*LANE_SCHEMES, *names))
    return [tuple(n for n in row if n in LANE_SCHEMES) or row[:1] for row in held]
