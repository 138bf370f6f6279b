"""Turn FINN's VVAU nodes into VVAU_MSQ nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.ops.vvau_msq import DSP_KINDS
from msq_finn.rtl.lanes import MAX_ACT_BITS, MIN_ACT_BITS
from msq_finn.transforms.infer_mvau_msq import LANE_SCHEMES
from msq_finn.transforms.row_schemes import row_schemes

#: What a row may be where no 4-bit scheme holds it, narrowest first.
WIDE_SCHEMES = tuple(kind.scheme for _, kind in sorted(DSP_KINDS.items()))


class InferVVAUMSQ(Transformation):
    """Replace every VVAU of up to 8-bit weights by a VVAU_MSQ, which exists in RTL on every FPGA.

    Run it between FINN's ``step_convert_to_hw`` and ``SpecializeLayers``. Layers with activations
    that the lanes do not take stay FINN's.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the nodes; no second pass is needed."""
        for index, node in enumerate(list(model.graph.node)):
            if node.op_type != "VVAU":
                continue
            weights = model.get_initializer(node.input[1])
            if weights is None or np.abs(weights).max() > WIDE_SCHEMES[-1].grid_max:
                continue
            if (
                not MIN_ACT_BITS
                <= model.get_tensor_datatype(node.input[0]).bitwidth()
                <= MAX_ACT_BITS
            ):
                continue
            model.graph.node.insert(index, _as_msq(node, _rows(weights, node.name)))
            model.graph.node.remove(node)
        return model, False


def _rows(weights: Any, layer: str) -> list[tuple[str, ...]]:
    """Per channel, the 4-bit schemes that hold it; else the narrowest wide one."""
    matrix = weights.astype(np.int64).reshape(len(weights), -1).T
    names = [scheme.name for scheme in WIDE_SCHEMES]
    held = row_schemes(matrix, (*LANE_SCHEMES, *names), layer)
    return [tuple(n for n in row if n in LANE_SCHEMES) or row[:1] for row in held]


def _as_msq(node: Any, rows: list[tuple[str, ...]]) -> Any:
    op = getCustomOp(node)
    if op.get_nodeattr("noActivation") != 1:
        raise MsqError(
            f"{node.name}: thresholds are fused into the layer; build with standalone_thresholds"
        )
    if op.get_nodeattr("binaryXnorMode"):
        raise MsqError(f"{node.name}: binary layers are not computed by VVAU_MSQ")
    kept = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return helper.make_node(
        "VVAU_MSQ",
        list(node.input),
        list(node.output),
        name=node.name,
        domain=node.domain,
        **kept,
        rowSchemes=["|".join(names) for names in rows],
    )
