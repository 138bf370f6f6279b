"""Post-training quantization with our quantizers and Brevitas's algorithms."""

import math

import pytest
import torch
from brevitas.graph.calibrate import bias_correction_mode
from brevitas.graph.equalize import EqualizeGraph
from brevitas.graph.gptq import gptq_mode
from brevitas.nn import QuantConv2d, QuantLinear
from torch import fx, nn

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.models import digits_cnn
from msq_finn.quant import (
    MSQWeightPerChannelFloat,
    MSQWeightPerChannelFloatMSE,
    SP2WeightPerChannelFloatMSE,
)
from msq_finn.training.assign import row_schemes
from msq_finn.training.calibrate import calibrate
from msq_finn.training.checkpoint import start_from
from msq_finn.training.digits import load_split, pretrain
from msq_finn.training.loop import accuracy


def off_grid(layer, scheme=None):
    """Rows of the quantized weights that are not on the grids of their schemes."""
    quantized = layer.quant_weight()
    ints = (quantized.value / quantized.scale).flatten(1).round().long()
    names = [scheme] * len(ints) if scheme else row_schemes(layer)
    return [row for row, name in enumerate(names) if not schemes.get(name).holds(ints[row]).all()]


@pytest.mark.parametrize("quant", [MSQWeightPerChannelFloat, MSQWeightPerChannelFloatMSE])
def test_digits_without_training(quant):
    split = load_split(0)
    float_model = pretrain(split, epochs=12)
    model = digits_cnn(quant)
    start_from(model, float_model)
    chance = accuracy(model, split.x_test, split.y_test)
    calibrate(model, split.x_train[:256].split(64))
    assert accuracy(model, split.x_test, split.y_test) > max(0.95, chance)
    activations = float_model[:4](split.x_train[:256])
    assert model.relu1.act_quant.scale().item() == pytest.approx(
        activations.max().item() / 15, rel=0.25
    )


def test_calibration_needs_data():
    with pytest.raises(MsqError, match="at least one batch"):
        calibrate(digits_cnn(), [])


def correlated(samples, columns):
    torch.manual_seed(0)
    return torch.randn(samples, columns) @ torch.randn(columns, columns)


LAYERS = {
    "linear": (lambda q: QuantLinear(24, 16, bias=False, weight_quant=q), (24,)),
    "conv": (lambda q: QuantConv2d(4, 16, 2, bias=False, weight_quant=q), (4, 2, 2)),
    "grouped": (lambda q: QuantConv2d(4, 16, 2, groups=2, bias=False, weight_quant=q), (4, 2, 2)),
}
SCHEMES = {MSQWeightPerChannelFloatMSE: None, SP2WeightPerChannelFloatMSE: "sp2_4"}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("quant", SCHEMES)
def test_gptq_lowers_the_error_of_the_outputs_and_stays_on_the_grids(quant, kind):
    make, shape = LAYERS[kind]
    x = correlated(512, math.prod(shape)).view(512, *shape)
    torch.manual_seed(0)
    model = nn.Sequential(make(quant)).eval()
    target = float_copy(model[0])(x).detach()
    before = (model(x) - target).square().mean().item()
    names = SCHEMES[quant] or row_schemes(model[0])
    with torch.no_grad(), gptq_mode(model, act_order=False) as gptq:
        for _ in range(gptq.num_layers):
            gptq.model(x)
            gptq.update()
    assert (model(x) - target).square().mean().item() < 0.9 * before
    assert names == (SCHEMES[quant] or row_schemes(model[0]))
    assert off_grid(model[0], SCHEMES[quant]) == []


def float_copy(layer):
    """The layer without quantization."""
    if isinstance(layer, QuantLinear):
        twin = nn.Linear(layer.in_features, layer.out_features, bias=False)
    else:
        sizes = (layer.in_channels, layer.out_channels, layer.kernel_size)
        twin = nn.Conv2d(*sizes, groups=layer.groups, bias=False)
    twin.weight.data.copy_(layer.weight)
    return twin


def test_bias_correction_removes_the_mean_error():
    x = correlated(256, 24) + 1.0
    model = nn.Sequential(
        QuantLinear(24, 16, bias=True, weight_quant=MSQWeightPerChannelFloat)
    ).eval()
    layer = model[0]
    target = nn.functional.linear(x, layer.weight, layer.bias).detach()
    before = (model(x) - target).mean(0).abs().max().item()
    with torch.no_grad(), bias_correction_mode(model):
        model(x)
    assert (model(x) - target).mean(0).abs().max().item() < 0.01 * before


class LayerTracer(fx.Tracer):
    def is_leaf_module(self, m, qualified_name):
        return not isinstance(m, nn.Sequential)


def test_equalization_of_the_float_weights_keeps_function_and_grids():
    torch.manual_seed(0)
    model = nn.Sequential(
        QuantConv2d(3, 8, 3, bias=True, weight_quant=MSQWeightPerChannelFloat),
        nn.ReLU(),
        QuantConv2d(8, 6, 3, bias=True, weight_quant=MSQWeightPerChannelFloat),
    ).eval()
    with torch.no_grad():
        model[0].weight[2] *= 100
        model[2].weight[:, 2] /= 100
    names = [name for name, m in model.named_modules() if isinstance(m, QuantConv2d)]
    x = torch.randn(4, 3, 9, 9)

    def float_output(network):
        first, second = (network.get_submodule(name) for name in names)
        hidden = nn.functional.conv2d(x, first.weight, first.bias).relu()
        return nn.functional.conv2d(hidden, second.weight, second.bias)

    expected = float_output(model)
    spread = model[0].weight.flatten(1).abs().amax(1)
    EqualizeGraph(iterations=10).apply(fx.GraphModule(model, LayerTracer().trace(model)))
    assert torch.allclose(float_output(model), expected, atol=1e-3)
    equalized = model.get_submodule(names[0]).weight.flatten(1).abs().amax(1)
    assert equalized.max() / equalized.min() < 0.2 * spread.max() / spread.min()
    for name in names:
        assert off_grid(model.get_submodule(name)) == []
