"""Builder steps that FINN's lines do not all have, or not with all that networks need."""

from __future__ import annotations

from typing import Any

from finn.transformation.move_reshape import RemoveCNVtoFCFlatten
from finn.transformation.streamline.absorb import AbsorbConsecutiveTransposes
from finn.transformation.streamline.round_thresholds import RoundAndClipThresholds
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.general import GiveUniqueNodeNames
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes

from msq_finn.finn_compat import is_main, is_upstream, module

#: Main's conversions of one operation, in the order of its own step and of dev's.
_MAIN_LAYERS = (
    "InferThresholdingLayer",
    "InferBinaryMatrixVectorActivation",
    "InferQuantizedMatrixVectorActivation",
    "InferVectorVectorActivation",
    "InferLabelSelectLayer",
    "InferPool",
    "InferConvInpGen",
    "InferAddStreamsLayer",
    "InferGlobalAccPoolLayer",
)


def _convert_to_hw(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Make hardware layers of all that main has conversions for; its own step calls for few."""
    layers = module("finn.transformation.fpgadataflow.convert_to_hw_layers")
    # What streamlining leaves behind joins are fractions, which it does not take for integers.
    model = model.transform(RoundAndClipThresholds()).transform(InferDataTypes())
    for name in _MAIN_LAYERS:
        model = model.transform(getattr(layers, name)())
    if model.get_nodes_by_op_type("ConvolutionInputGenerator"):
        model = model.transform(RemoveCNVtoFCFlatten())
    for transformation in (
        getattr(layers, "InferDuplicateStreamsLayer"),  # noqa: B009  of a module found late
        AbsorbConsecutiveTransposes,
        GiveUniqueNodeNames,
        InferDataLayouts,
    ):
        model = model.transform(transformation())
    return model


def _minimize_bit_width(model: ModelWrapper, cfg: Any) -> ModelWrapper:
    """Narrow weights and sums behind the conversion, as finn-plus's step of that name does."""
    from finn.transformation.fpgadataflow.minimize_accumulator_width import MinimizeAccumulatorWidth
    from finn.transformation.fpgadataflow.minimize_weight_bit_width import MinimizeWeightBitWidth

    if cfg.minimize_bit_width:
        for transformation in (MinimizeWeightBitWidth, MinimizeAccumulatorWidth, InferDataTypes):
            model = model.transform(transformation())
    return model


def _named(name: str, ours: Any, there: bool) -> Any:
    """FINN's step of that name, or ours under it."""
    ours.__name__ = name
    return name if there else ours


#: From streamlined graphs to hardware layers.
CONVERT_TO_HW = _named("step_convert_to_hw", _convert_to_hw, not is_main())

#: The first narrowing of bit widths; upstream has only the second.
MINIMIZE_INITIAL = _named("step_minimize_bit_width_initial", _minimize_bit_width, not is_upstream())
