"""Keep FINN's matrix-vector units from losing results."""

from __future__ import annotations

from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.lanes.divisors import divisors


class AvoidFullSIMD(Transformation):
    """Fold every MVAU_rtl to two or more cycles a vector, as fast as it was where PE can make up.

    With SIMD = MW the unit has a result every cycle. While its output stalls, more of them come out
    of the multipliers' pipeline than the queue behind it holds (finn-rtllib's mvu_vvu_axi.sv, where
    MAX_IN_FLIGHT is less than the depth of mvu.sv), and the rest are lost. Run it after folding;
    :class:`msq_finn.transforms.check_folding.CheckFolding` refuses what is left.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change SIMD and PE; no second pass is needed."""
        for node in model.get_nodes_by_op_type("MVAU_rtl"):
            op = getCustomOp(node)
            if op.get_nodeattr("SIMD") == op.get_nodeattr("MW") > 1:
                simd, pe = _folding(op)
                op.set_nodeattr("SIMD", simd)
                op.set_nodeattr("PE", pe)
        return model, False


def _folding(op: Any) -> tuple[int, int]:
    """The fewest multipliers that are as fast as the op's own folding, else the fastest."""
    mw, mh = op.get_nodeattr("MW"), op.get_nodeattr("MH")
    limit = mh // op.get_nodeattr("PE")
    foldings = [
        (max(mw // simd * mh // pe, limit), simd * pe, -simd, pe)
        for simd in divisors(mw)[:-1]
        for pe in divisors(mh)
    ]
    _, _, simd, pe = min(foldings)
    return -simd, pe
