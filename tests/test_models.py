"""Shapes, exactness and export of the networks."""

from functools import partial

import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model

from msq_finn import schemes
from msq_finn.models import (
    cnv,
    digits_cnn,
    gru_classifier,
    lstm_classifier,
    mnist1d_cnn,
    mobilenet_v1,
    mobilenet_v2,
    resnet8,
    resnet18,
    tfc,
    vgg10,
    vit_block,
)
from msq_finn.quant import FixedWeightPerChannelFloat, SP2WeightPerChannelFloat
from msq_finn.training.assign import mixed_layers
from msq_finn.training.checkpoint import start_from

# Constructor, shape of an input, layers with a row-mixed quantizer of their own. Small inputs where
# the network takes any.
NETWORKS = {
    "digits_cnn": (digits_cnn, (1, 8, 8), 3),
    "tfc": (tfc, (1, 28, 28), 3),
    "cnv": (cnv, (3, 32, 32), 8),
    "resnet8": (resnet8, (3, 32, 32), 9),
    "resnet18": (partial(resnet18, classes=10), (3, 64, 64), 20),
    "mobilenet_v1": (partial(mobilenet_v1, width=0.25, classes=10), (3, 64, 64), 27),
    "mobilenet_v2": (partial(mobilenet_v2, width=0.25, classes=10), (3, 32, 32), 52),
    "mnist1d_cnn": (mnist1d_cnn, (1, 40), 3),
    "vgg10": (partial(vgg10, classes=10), (2, 1024), 9),
    "lstm_classifier": (lstm_classifier, (7, 8), 4),
    "gru_classifier": (gru_classifier, (7, 8), 3),
    "vit_block": (vit_block, (5, 64), 4),
}


SLOW = ("cnv", "mobilenet_v1", "mobilenet_v2", "resnet18", "vgg10")


def names(*chosen):
    return [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in chosen]


@pytest.mark.parametrize("name", names(*NETWORKS))
def test_quantized_network_takes_the_float_networks_parameters(name):
    make, shape, mixed = NETWORKS[name]
    model, float_model = make(), make(None)
    start_from(model, float_model)
    assert len(mixed_layers(model)) == mixed
    x = torch.rand(2, *shape)
    outputs = [network.eval()(x) for network in (model, float_model)]
    assert outputs[0].shape == outputs[1].shape == ((2, 5, 64) if name == "vit_block" else (2, 10))


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


def strangers(onnx_model):
    """Rows of weights by the name of their tensor, that are neither SP2(4) nor Fixed(4)."""
    found, quantized = [], 0
    for node in onnx_model.graph.node:
        weight = onnx_model.get_initializer(node.input[0]) if node.op_type == "Quant" else None
        if weight is None or weight.ndim < 2:  # or a bias
            continue
        scale = onnx_model.get_initializer(node.input[1])
        ints = weight / scale
        if np.shape(scale):
            # The classifiers' float weights, on one scale, are left for the node to round.
            assert np.abs(ints - ints.round()).max() < 1e-3
        axis = int(np.argmax(np.shape(scale))) if np.shape(scale) else 0
        quantized += 1
        for row in np.moveaxis(ints.round().astype(int), axis, 0):
            if not any(schemes.get(name).holds(row).all() for name in ("sp2_4", "fixed_4")):
                found.append((node.input[0], row))
    assert quantized
    return found


@pytest.mark.parametrize("name", names(*NETWORKS))
def test_export_computes_what_torch_computes_with_rows_on_their_grids(name, tmp_path):
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
    (graph_in,), (graph_out,) = onnx_model.graph.input, onnx_model.graph.output
    got = execute_onnx(onnx_model, {graph_in.name: x.numpy()})[graph_out.name]
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()
    assert strangers(onnx_model) == []
