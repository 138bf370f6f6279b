"""Brevitas weight quantizers whose rows are of one scheme or of several."""

from msq_finn.quant import export  # noqa: F401  (registers the handlers of Brevitas's exporters)
from msq_finn.quant.weight import (
    APoTWeightPerChannelFloat,
    APoTWeightPerChannelFloatMSE,
    APoTWeightPerTensorFloat,
    FixedWeightPerChannelFloat,
    FixedWeightPerChannelFloatMSE,
    FixedWeightPerTensorFloat,
    MSQWeightPerChannelFloat,
    MSQWeightPerChannelFloatMSE,
    MSQWeightPerTensorFloat,
    PoTWeightPerChannelFloat,
    PoTWeightPerChannelFloatMSE,
    PoTWeightPerTensorFloat,
    SP2WeightPerChannelFloat,
    SP2WeightPerChannelFloatMSE,
    SP2WeightPerTensorFloat,
)

__all__ = [
    "APoTWeightPerChannelFloat",
    "APoTWeightPerChannelFloatMSE",
    "APoTWeightPerTensorFloat",
    "FixedWeightPerChannelFloat",
    "FixedWeightPerChannelFloatMSE",
    "FixedWeightPerTensorFloat",
    "MSQWeightPerChannelFloat",
    "MSQWeightPerChannelFloatMSE",
    "MSQWeightPerTensorFloat",
    "PoTWeightPerChannelFloat",
    "PoTWeightPerChannelFloatMSE",
    "PoTWeightPerTensorFloat",
    "SP2WeightPerChannelFloat",
    "SP2WeightPerChannelFloatMSE",
    "SP2WeightPerTensorFloat",
]
