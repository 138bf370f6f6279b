"""Quantizers and layers for tests of what training scripts do to them."""

import torch
from brevitas.nn import QuantConv2d
from brevitas.quant import Int8WeightPerChannelFloat

from msq_finn import quant, schemes
from msq_finn.training.assign import row_schemes

LEARNED = {"weight_scaling_impl_type": "parameter_from_stats"}
MIX = {
    "weight_row_mix": ("pot_4", "fixed_4", "apot_4"),
    "weight_mix_ratios": (0.5, 0.25, 0.25),
}
ROWS = {"weight_row_schemes": ["fixed_4", "sp2_4", "sp2_4", "fixed_4"] * 2}

#: By name, a quantizer and its keywords; Brevitas's own, the oracle, is not among them.
QUANTIZERS = {
    "SP2": (quant.SP2WeightPerChannelFloat, {}),
    "SP2 per tensor": (quant.SP2WeightPerTensorFloat, {}),
    "SP2 learned": (quant.SP2WeightPerChannelFloat, LEARNED),
    "SP2 searched": (quant.SP2WeightPerChannelFloatMSE, {}),
    "PoT": (quant.PoTWeightPerChannelFloat, {}),
    "APoT": (quant.APoTWeightPerChannelFloat, {}),
    "wide": (quant.SP2WeightPerChannelFloat, {"weight_bit_width": 8}),
    "MSQ": (quant.MSQWeightPerChannelFloat, {}),
    "MSQ per tensor": (quant.MSQWeightPerTensorFloat, {}),
    "MSQ learned": (quant.MSQWeightPerChannelFloat, LEARNED),
    "MSQ searched": (quant.MSQWeightPerChannelFloatMSE, {}),
    "MSQ by name": (quant.MSQWeightPerChannelFloat, ROWS),
    "three schemes": (quant.MSQWeightPerChannelFloat, MIX),
}

#: Those whose rows may differ.
MIXED = [name for name in QUANTIZERS if name.startswith(("MSQ", "three"))]


def oracle(options):
    """Brevitas's quantizer with those keywords that are its own."""
    return Int8WeightPerChannelFloat, {k: v for k, v in options.items() if k in LEARNED}


def conv(quantizer, options, seed=0, **more):
    torch.manual_seed(seed)
    return QuantConv2d(3, 8, 3, bias=False, weight_quant=quantizer, **options, **more)


def rows_of(layer):
    """Per row the name of its scheme, also where all are alike."""
    if layer.weight_quant.is_row_mixed:
        return row_schemes(layer)
    return list(layer.weight_quant.int_quant.scheme_names) * layer.weight.shape[0]


def assert_on_grids(layer):
    """Check by the NumPy schemes that every row's integers are its scheme's."""
    quantized = layer.quant_weight()
    ratios = (quantized.value / quantized.scale).double().flatten(1)
    for name, ints in zip(rows_of(layer), ratios.round().long().tolist(), strict=True):
        assert schemes.get(name).holds(ints).all(), name
