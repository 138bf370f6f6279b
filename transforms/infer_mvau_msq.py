"""Turn FINN's MVAU nodes with 4-bit rows into MVAU_MSQ nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn import schemes
from msq_finn.rtl.lanes import get, other_dsp_names, other_lut_names
from msq_finn.transforms.msq_node import LANE_SCHEMES, lanes_take, replace_by_msq
from msq_finn.transforms.row_annotation import check_annotation
from msq_finn.transforms.row_schemes import row_schemes

IntArray = NDArray[np.int64]

#: Further schemes with lanes in hardware, the narrowest codes first.
WIDE_SCHEMES = tuple(
    scheme.name
    for scheme in sorted(
        dict.fromkeys(get(name).scheme for name in (*other_lut_names(), *other_dsp_names())),
        key=lambda scheme: scheme.bits,
    )
)

#: Share of a layer's rows that must have 4-bit codes.
NARROW_ROWS = 0.5


class InferMVAUMSQ(Transformation):
    """Replace every MVAU whose weights lie on the 4-bit grids by an MVAU_MSQ.

    Layers with rows on larger grids follow where most rows have 4-bit codes (RMSMP's powers of two
    and fixed point, with a few rows of 8 bits). Other layers with larger weights (an 8-bit first
    layer, say), or with activations that the lanes do not take, stay FINN's. Run it between FINN's
    ``step_convert_to_hw`` and ``SpecializeLayers``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the nodes; no second pass is needed."""
        for node in list(model.graph.node):
            if node.op_type == "MVAU" and lanes_take(model, node):
                weights = model.get_initializer(node.input[1]).astype(np.int64)
                if (rows := _rows(weights, node.name)) is not None:
                    check_annotation(model, node.input[1], weights, node.name)
                    replace_by_msq(model, node, rows)
        return model, False


def _rows(weights: IntArray, layer: str) -> list[tuple[str, ...]] | None:
    """Per row the schemes that hold it; None where the layer is better off as FINN's.

    Raises:
        MsqError: all weights are small, but a row lies on no grid.
    """
    if np.abs(weights).max() <= max(schemes.get(name).grid_max for name in LANE_SCHEMES):
        return row_schemes(weights, LANE_SCHEMES, layer)
    rows = []
    for row in weights.T:
        holding = [
            name for name in (*LANE_SCHEMES, *WIDE_SCHEMES) if schemes.get(name).holds(row).all()
        ]
        narrow = [name for name in holding if name in LANE_SCHEMES]
        rows.append(tuple(narrow or holding))
    if not all(rows):
        return None
    codes = [schemes.get(names[0]).bits for names in rows]
    return rows if np.mean(np.array(codes) == 4) >= NARROW_ROWS else None
