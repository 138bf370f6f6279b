"""Builder steps that FINN's lines do not all have, or not with all that networks need."""

from __future__ import annotations

from typing import Any

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_datatypes import InferDataTypes

from msq_finn.finn_compat import module


def _minimize_bit_width(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Narrow weights and sums behind the conversion, as finn-plus's step of that name does."""
    from finn.transformation.fpgadataflow.minimize_accumulator_width import MinimizeAccumulatorWidth
    from finn.transformation.fpgadataflow.minimize_weight_bit_width import MinimizeWeightBitWidth

    if cfg.minimize_bit_width:
        for transformation in (MinimizeWeightBitWidth, MinimizeAccumulatorWidth, InferDataTypes):
            model = model.transform(transformation())
    return model


def _is_there(name: str) -> bool:
    return hasattr(module("finn.builder.build_dataflow_steps"), name)


#: The first narrowing of bit widths; upstream has only the second.
MINIMIZE_INITIAL: Any = "step_minimize_bit_width_initial"
_minimize_bit_width.__name__ = MINIMIZE_INITIAL
if not _is_there(MINIMIZE_INITIAL):
    MINIMIZE_INITIAL = _minimize_bit_width
