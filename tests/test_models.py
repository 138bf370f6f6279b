"""Shapes, exactness and export of the networks."""

from functools import partial

import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model

from msq_finn.models import cnv, digits_cnn, mobilenet_v1, resnet8, resnet18, tfc
from msq_finn.quant import FixedWeightPerChannelFloat, SP2WeightPerChannelFloat
from msq_finn.training.assign import mixed_layers

# Constructor, shape of an input, row-mixed layers. Small inputs where the network takes any.
NETWORKS = {
    "digits_cnn": (digits_cnn, (1, 8, 8), 3),
    "tfc": (tfc, (1, 28, 28), 3),
    "cnv": (cnv, (3, 32, 32), 8),
    "resnet8": (resnet8, (3, 32, 32), 9),
    "resnet18": (partial(resnet18, classes=10), (3, 64, 64), 20),
    "mobilenet_v1": (partial(mobilenet_v1, width=0.25, classes=10), (3, 64, 64), 27),
}


SLOW = ("cnv", "mobilenet_v1", "resnet18")


def names(*chosen):
    return [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in chosen]


@pytest.mark.parametrize("name", names(*NETWORKS))
def test_float_network_has_the_same_names_and_shapes(name):
    make, shape, mixed = NETWORKS[name]
    model, float_model = make(), make(None)
    float_names = {name: p.shape for name, p in float_model.named_parameters()}
    quantized = {n: p.shape for n, p in model.named_parameters() if "_quant." not in n}
    assert float_names == quantized
    assert len(mixed_layers(model)) == mixed
    x = torch.rand(2, *shape)
    for network in (model, float_model):
        assert network.eval()(x).shape == (2, 10)


def test_pixels_become_their_own_integers():
    pixels = torch.arange(17.0)
    quant_in = digits_cnn().quant_in.eval()
    assert (quant_in(pixels / 16) * 16).tolist() == [*range(16), 15]


def test_options_reach_the_convolutions():
    model = digits_cnn(weight_sp2_ratio=0.25)
    kinds = [model.get_submodule(f"conv{i}").weight_quant.tensor_quant for i in (1, 2, 3)]
    assert [(k.int_quant.row_kinds == 0).sum().item() for k in kinds] == [4, 8, 8]
    assert model.fc.quant_weight().scale.shape == ()


@pytest.mark.parametrize("quant", [FixedWeightPerChannelFloat, SP2WeightPerChannelFloat])
def test_activations_have_four_bits_on_one_scale(quant):
    model = digits_cnn(quant)
    model(torch.rand(4, 1, 8, 8))
    model.eval()
    values = model[:7](torch.rand(4, 1, 8, 8))
    scale = model.relu2.act_quant.scale()
    assert scale.shape == ()
    ints = values / scale
    assert (ints - ints.round()).abs().max() < 1e-4
    assert set(ints.round().unique().tolist()) <= set(range(16))


@pytest.mark.parametrize("name", names("digits_cnn", "tfc", "cnv", "resnet8", "mobilenet_v1"))
def test_export_computes_what_torch_computes(name, tmp_path):
    make, shape, _ = NETWORKS[name]
    torch.manual_seed(0)
    model = make()
    x = torch.rand(2, *shape)
    for _ in range(3):
        model(x)
    model.eval()
    expected = model(x).detach().numpy()
    export_qonnx(model, x, str(tmp_path / "m.onnx"), dynamo=False, opset_version=13)
    onnx_model = cleanup_model(ModelWrapper(str(tmp_path / "m.onnx")))
    got = execute_onnx(onnx_model, {"global_in": x.numpy()})["global_out"]
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()
