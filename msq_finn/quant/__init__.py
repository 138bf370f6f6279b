"""Brevitas weight quantizers whose rows are of one scheme or of several."""

from msq_finn.quant.weight import (
    APoTWeightPerChannelFloat,
    FixedWeightPerChannelFloat,
    FixedWeightPerTensorFloat,
    MSQWeightPerChannelFloat,
    PoTWeightPerChannelFloat,
    SP2WeightPerChannelFloat,
    SP2WeightPerTensorFloat,
)

__all__ = [
    "APoTWeightPerChannelFloat",
    "FixedWeightPerChannelFloat",
    "FixedWeightPerTensorFloat",
    "MSQWeightPerChannelFloat",
    "PoTWeightPerChannelFloat",
    "SP2WeightPerChannelFloat",
    "SP2WeightPerTensorFloat",
]
