"""Brevitas's tools for whole networks, on the networks of `msq_finn.models`, as with its own."""

import itertools

import pytest
import torch
from brevitas.graph.calibrate import bias_correction_mode, calibration_mode
from brevitas.graph.gpfq import gpfq_mode
from brevitas.graph.gptq import gptq_mode
from brevitas.graph.qronos import Qronos
from brevitas.graph.quantize import layerwise_quantize, preprocess_for_quantize, quantize
from brevitas.nn import QuantConv1d, QuantConv2d, QuantLinear
from brevitas.nn.utils import merge_bn
from brevitas.quant import Int8WeightPerChannelFloat
from torch import nn

from msq_finn.quant import (
    MSQWeightPerChannelFloat,
    MSQWeightPerChannelFloatMSE,
    SP2WeightPerChannelFloat,
)
from msq_finn.training.assign import assign_rows, mixed_layers, row_schemes
from tests.quant.quantizers import assert_on_grids
from tests.test_models import NETWORKS

QUANTIZERS = {
    "MSQ": MSQWeightPerChannelFloat,
    "MSQ searched": MSQWeightPerChannelFloatMSE,
    "SP2": SP2WeightPerChannelFloat,
}


def layer_map(quantizer):
    weights = {"weight_quant": quantizer}
    return {
        nn.Conv1d: (QuantConv1d, dict(weights)),
        nn.Conv2d: (QuantConv2d, dict(weights)),
        nn.Linear: (QuantLinear, dict(weights)),
    }


def by_layers(make, x, quantizer):
    model = layerwise_quantize(make(None).eval(), compute_layer_map=layer_map(quantizer))
    model(x)
    return model


def by_graph(make, x, quantizer):
    model = preprocess_for_quantize(make(None).eval(), trace_model=True)
    model = quantize(model, compute_layer_map=layer_map(quantizer))
    model(x)
    return model


def calibrated(make, x, quantizer):
    model = make(quantizer).eval()
    with calibration_mode(model):
        model(x)
    with bias_correction_mode(model):
        model(x)
    return model


def gptq(make, x, quantizer):
    model = make(quantizer).eval()
    model(x)
    with torch.no_grad(), gptq_mode(model, use_quant_activations=False) as mode:
        for _ in range(mode.num_layers):
            mode.model(x)
            mode.update()
    return model


def gpfq(make, x, quantizer, **options):
    model = make(quantizer).eval()
    model(x)
    with torch.no_grad(), gpfq_mode(model, create_weight_orig=True, **options) as mode:
        for _ in range(mode.num_layers):
            mode.model(x)
            mode.update()
    return model


def qronos(make, x, quantizer):
    return gpfq(make, x, quantizer, algorithm_impl=Qronos)


def equalized(make, x, quantizer):
    model = preprocess_for_quantize(make(None).eval(), equalize_iters=2, trace_model=True)
    model = layerwise_quantize(model, compute_layer_map=layer_map(quantizer))
    model(x)
    return model


def merged(make, x, quantizer):
    model = make(quantizer).eval()
    model(x)
    layers = [m for m in model.modules() if not list(m.children()) or hasattr(m, "weight_quant")]
    for layer, norm in itertools.pairwise(layers):
        is_norm = isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
        if is_norm and hasattr(layer, "weight_quant") and layer.out_channels == norm.num_features:
            merge_bn(layer, norm)
    return model


TOOLS = (by_layers, by_graph, calibrated, gptq, gpfq, qronos, equalized, merged)


def outcome(tool, name, quantizer):
    """What a tool makes of a network, or the type of error that it ends in."""
    make, shape, _ = NETWORKS[name]
    torch.manual_seed(0)
    x = torch.rand(4, *shape)
    try:
        model = tool(make, x, quantizer)
    except Exception as error:
        return error, x
    return model, x


def cases():
    """All of it is slow; the quick run has most tools, and each kind of network."""
    for name, tool, quantizer in itertools.product(NETWORKS, TOOLS, QUANTIZERS):
        quick = {"digits_cnn", "vit_block", "lstm_classifier"}
        if tool in (gptq, gpfq, qronos):  # one column after the other
            quick = {"digits_cnn"} if tool is gptq else set()
        marks = [] if quantizer == "MSQ" and name in quick else [pytest.mark.slow]
        ident = f"{name}-{tool.__name__}-{quantizer}"
        yield pytest.param(tool, name, quantizer, marks=marks, id=ident)


@pytest.mark.parametrize(("tool", "name", "quantizer"), cases())
def test_tools_work_as_with_brevitas_own(tool, name, quantizer):
    theirs, _ = outcome(tool, name, Int8WeightPerChannelFloat)
    ours, x = outcome(tool, name, QUANTIZERS[quantizer])
    if isinstance(theirs, Exception):
        assert type(ours) is type(theirs), ours
        return
    assert isinstance(ours, nn.Module), ours
    assert ours(x).isfinite().all()
    quantized = [m for m in ours.modules() if hasattr(m, "weight_quant")]
    schemed = [m for m in quantized if hasattr(m.weight_quant, "int_quant")]
    assert schemed
    for layer in schemed:
        assert_on_grids(layer)


def test_rows_that_were_assigned_outlive_the_tools():
    make, shape, _ = NETWORKS["digits_cnn"]
    x = torch.rand(4, *shape)

    def assigned(quantizer):
        model = make(quantizer)
        before.update(assign_rows(model, 0.25, "mse"))
        return model

    for tool in (calibrated, gptq, merged):
        before = {}
        model = tool(assigned, x, MSQWeightPerChannelFloat)
        assert {name: row_schemes(m) for name, m in mixed_layers(model).items()} == before
