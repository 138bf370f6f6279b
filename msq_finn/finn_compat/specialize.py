"""RTL for layers that upstream sends to Vitis HLS, though its RTL library has what they need."""

from __future__ import annotations

from typing import Any

import numpy as np
from finn.util.basic import get_dsp_block
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.lanes import dsp

#: Fewest bits of activations and weights for which FINN's lines take RTL by themselves.
_LEAST_BITS = 4


class SpecializeWideMVAU(Transformation):
    """Make an MVAU_rtl of an MVAU whose operands are wider than 8 bits, but not than a DSP slice's.

    Upstream dev's mvu.sv is finn-plus's, as wide as the slice's ports; only its SpecializeLayers
    stops at 8 bits (``_mvu_rtl_possible``). So this goes before it, once bit widths are minimal.
    Nodes that it sends to HLS for another reason are left to it, as are those whose
    ``preferred_impl_style`` is ``hls``.

    Args:
        part: FPGA part name.
    """

    def __init__(self, part: str) -> None:
        super().__init__()
        self.block = dsp.get(get_dsp_block(part))

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change op type and domain; no second pass is needed."""
        for node in model.get_nodes_by_op_type("MVAU"):
            if self._takes(model, node):
                node.op_type = "MVAU_rtl"
                node.domain = "finn.custom_op.fpgadataflow.rtl"
        return model, False

    def _takes(self, model: ModelWrapper, node: NodeProto) -> bool:
        op: Any = getCustomOp(node)
        weights = model.get_initializer(node.input[1])
        fused = op.get_nodeattr("noActivation") == 0 or op.get_nodeattr("binaryXnorMode") == 1
        if weights is None or fused or op.get_nodeattr("preferred_impl_style") == "hls":
            return False
        acts, codes = op.get_input_datatype(0), op.get_input_datatype(1)
        narrow = np.min(weights) > codes.min()
        if not codes.signed() or not (narrow or self.block.name != "DSP48E1"):
            return False
        if min(acts.bitwidth(), codes.bitwidth()) < _LEAST_BITS:
            return False
        sums = op.get_output_datatype().bitwidth()
        try:
            self.block.check(codes.bitwidth(), acts.bitwidth(), acts.signed(), sums)
        except MsqError:
            return False
        return True
