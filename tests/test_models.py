"""Shapes, exactness and export of the networks."""

import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model

from msq_finn.models import digits_cnn
from msq_finn.quant import FixedWeightPerChannelFloat, SP2WeightPerChannelFloat


def test_float_network_has_the_quantized_ones_parameters():
    torch.manual_seed(0)
    float_names = {name: p.shape for name, p in digits_cnn(None).named_parameters()}
    quantized = {n: p.shape for n, p in digits_cnn().named_parameters() if "_quant." not in n}
    assert float_names == quantized


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


def test_export_computes_what_torch_computes(tmp_path):
    torch.manual_seed(0)
    model = digits_cnn()
    x = torch.rand(16, 1, 8, 8)
    for _ in range(4):
        model(x)
    model.eval()
    expected = model(x).detach().numpy()
    export_qonnx(model, x, str(tmp_path / "m.onnx"), dynamo=False, opset_version=13)
    onnx_model = cleanup_model(ModelWrapper(str(tmp_path / "m.onnx")))
    got = execute_onnx(onnx_model, {"global_in": x.numpy()})["global_out"]
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()
