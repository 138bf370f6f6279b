"""Brevitas weight quantizers whose rows are of one scheme or of several."""

from msq_finn.quant.weight import (
    APoTWeightPerChannelFloat,
    FixedWeightPerChannelFloat,
    FixedWeightPerChannelFloatMSE,
    FixedWeightPerTensorFloat,
    MSQWeightPerChannelFloat,
    MSQWeightPerChannelFloatMSE,
    PoTWeightPerChannelFloat,
    SP2WeightPerChannelFloat,
    SP2WeightPerChannelFloatMSE,
    SP2WeightPerTensorFloat,
)

__all__ = [
    "APoTWeightPerChannelFloat",
    "FixedWeightPerChannelFloat",
    "FixedWeightPerChannelFloatMSE",
    "FixedWeightPerTensorFloat",
    "MSQWeightPerChannelFloat",
    "MSQWeightPerChannelFloatMSE",
    "PoTWeightPerChannelFloat",
    "SP2WeightPerChannelFloat",
    "SP2WeightPerChannelFloatMSE",
    "SP2WeightPerTensorFloat",
]
