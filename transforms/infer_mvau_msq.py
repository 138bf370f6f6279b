"""Turn FINN's MVAU nodes with 4-bit rows into MVAU_MSQ nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.rtl.lanes import MAX_ACT_BITS, MIN_ACT_BITS
from msq_finn.transforms.row_schemes import row_schemes

#: Schemes with lanes in hardware, most wanted first.
LANE_SCHEMES = ("sp2_4", "fixed_4")


class InferMVAUMSQ(Transformation):
    """Replace every MVAU whose weights lie on the 4-bit grids by an MVAU_MSQ.

    Run it between FINN's ``step_convert_to_hw`` and ``SpecializeLayers``. Layers with larger
    weights (an 8-bit first layer, say) or activations that the lanes do not take stay FINN's.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the nodes; no second pass is needed."""
        limit = max(schemes.get(name).grid_max for name in LANE_SCHEMES)
        for index, node in enumerate(list(model.graph.node)):
            if node.op_type != "MVAU":
                continue
            weights = model.get_initializer(node.input[1])
            if weights is None or np.abs(weights).max() > limit:
                continue
            if (
                not MIN_ACT_BITS
                <= model.get_tensor_datatype(node.input[0]).bitwidth()
                <= MAX_ACT_BITS
            ):
                continue
            rows = row_schemes(weights.astype(np.int64), LANE_SCHEMES, node.name)
            model.graph.node.insert(index, _as_msq(node, rows))
            model.graph.node.remove(node)
        return model, False


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
