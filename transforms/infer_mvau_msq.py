"""Turn FINN's MVAU nodes with 4-bit rows into MVAU_MSQ nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.rtl.lanes import MAX_ACT_BITS, MIN_ACT_BITS, get, other_lut_names
from msq_finn.transforms.row_schemes import row_schemes

IntArray = NDArray[np.int64]

#: Schemes with lanes in hardware, most wanted first.
LANE_SCHEMES = ("sp2_4", "fixed_4")

#: Schemes that only LUT lanes compute.
WIDE_SCHEMES = tuple(get(name).scheme.name for name in other_lut_names())

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
        for index, node in enumerate(list(model.graph.node)):
            if node.op_type != "MVAU":
                continue
            weights = model.get_initializer(node.input[1])
            if weights is None:
                continue
            if (
                not MIN_ACT_BITS
                <= model.get_tensor_datatype(node.input[0]).bitwidth()
                <= MAX_ACT_BITS
            ):
                continue
            rows = _rows(weights.astype(np.int64), node.name)
            if rows is None:
                continue
            model.graph.node.insert(index, _as_msq(node, rows))
            model.graph.node.remove(node)
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


def _as_msq(node: Any, rows: list[tuple[str, ...]]) -> Any:
    op = getCustomOp(node)
    if op.get_nodeattr("noActivation") != 1:
        raise MsqError(
            f"{node.name}: thresholds are fused into the layer; build with standalone_thresholds"
        )
    if op.get_nodeattr("binaryXnorMode"):
        raise MsqError(f"{node.name}: binary layers are not computed by MVAU_MSQ")
    kept = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return helper.make_node(
        "MVAU_MSQ",
        list(node.input),
        list(node.output),
        name=node.name,
        domain=node.domain,
        **kept,
        rowSchemes=["|".join(names) for names in rows],
    )
