"""Streamlining that FINN's lines do not all have, or not right: FINN's own, or a stand-in."""

from __future__ import annotations

from typing import Any

from msq_finn.finn_compat import is_main, module
from msq_finn.finn_compat import stand_ins as ours


def _own(name: str, *homes: str) -> Any:
    """FINN's class of that name, or ours."""
    for home in homes:
        found = getattr(module(home), name, None)
        if found is not None:
            return found
    return getattr(ours, name)


_ABSORB, _REORDER = (f"finn.transformation.streamline.{name}" for name in ("absorb", "reorder"))

AbsorbScalarBiasIntoMultiThreshold = _own("AbsorbScalarBiasIntoMultiThreshold", _ABSORB)
MoveAddPastJoinConcat = _own("MoveAddPastJoinConcat", _REORDER)
#: FINN's moves a node that feeds others too, whose input then changes.
MoveLinearPastEltwiseAdd = ours.MoveLinearPastEltwiseAdd
MoveMulPastJoinConcat = _own("MoveMulPastJoinConcat", _REORDER)
MoveScalesPastIm2Col = _own("MoveScalesPastIm2Col", _REORDER)
#: Main's does too.
MoveTransposePastJoinAdd = _own("MoveTransposePastJoinAdd", *([] if is_main() else [_REORDER]))
MoveTransposePastJoinConcat = _own("MoveTransposePastJoinConcat", _REORDER)

#: Attributes by a configuration; upstream's main takes it from QONNX, of which some lack it.
ApplyConfig = _own("ApplyConfig", "finn.transformation.general", "qonnx.transformation.general")
