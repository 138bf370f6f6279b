"""QONNX export, executed by qonnx."""

import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx
from brevitas.nn import QuantConv2d, QuantConvTranspose2d, QuantIdentity, QuantLinear, QuantReLU
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model
from torch import nn

from msq_finn import schemes
from msq_finn.quant import (
    APoTWeightPerChannelFloat,
    FixedWeightPerChannelFloat,
    MSQWeightPerChannelFloat,
    PoTWeightPerChannelFloat,
    SP2WeightPerChannelFloat,
    SP2WeightPerTensorFloat,
)

QUANTIZERS = {
    FixedWeightPerChannelFloat: ("fixed_4",),
    SP2WeightPerChannelFloat: ("sp2_4",),
    SP2WeightPerTensorFloat: ("sp2_4",),
    PoTWeightPerChannelFloat: ("pot_4",),
    APoTWeightPerChannelFloat: ("apot_4",),
    MSQWeightPerChannelFloat: ("sp2_4", "fixed_4"),
}


def net(quant, **options):
    torch.manual_seed(0)
    return nn.Sequential(
        QuantIdentity(),
        QuantConv2d(2, 8, 3, bias=False, weight_quant=quant, **options),
        nn.BatchNorm2d(8),
        QuantReLU(bit_width=4),
        QuantConv2d(8, 8, 3, groups=8, bias=False, weight_quant=quant, **options),
        QuantConvTranspose2d(8, 6, 3, bias=False, weight_quant=quant, **options),
        nn.Flatten(),
        QuantLinear(6 * 6 * 6, 10, bias=True, weight_quant=quant, **options),
    )


def exported(model, x, tmp_path):
    path = str(tmp_path / "model.onnx")
    export_qonnx(model, x, path, dynamo=False, opset_version=13)
    return cleanup_model(ModelWrapper(path))


def run(onnx_model, x):
    result = execute_onnx(onnx_model, {onnx_model.graph.input[0].name: x.numpy()})
    return result[onnx_model.graph.output[0].name]


def weight_quants(onnx_model):
    return [
        node
        for node in onnx_model.graph.node
        if node.op_type == "Quant" and onnx_model.get_initializer(node.input[0]) is not None
    ]


@pytest.mark.parametrize("quant", QUANTIZERS, ids=lambda q: q.__name__)
def test_export_computes_what_torch_computes(quant, tmp_path):
    model = net(quant)
    x = torch.randn(4, 2, 8, 8)
    for _ in range(3):
        model(x)
    model.eval()
    expected = model(x).detach().numpy()
    onnx_model = exported(model, x, tmp_path)
    assert np.abs(run(onnx_model, x) - expected).max() <= 1e-5 * np.abs(expected).max()

    quants = weight_quants(onnx_model)
    assert len(quants) == 4
    for node in quants:
        assert node.domain == "qonnx.custom_op.general"
        weight, scale, zero_point, bits = (onnx_model.get_initializer(i) for i in node.input)
        assert zero_point == 0
        ints = np.round(weight / scale)
        if quant is not FixedWeightPerChannelFloat:  # whose float weights the node rounds
            assert np.abs(weight / scale - ints).max() < 1e-3
        assert np.abs(ints).max() < 2 ** (bits - 1)
        shape = np.broadcast_shapes(np.shape(scale), (1,))
        axis = int(np.argmax(shape)) if len(shape) == ints.ndim else 0
        for row in np.moveaxis(ints, axis, 0):
            assert any(schemes.get(name).holds(row).all() for name in QUANTIZERS[quant])


@pytest.mark.parametrize("bits", [3, 6, 8])
def test_export_at_other_widths(bits, tmp_path):
    model = net(MSQWeightPerChannelFloat, weight_bit_width=bits).eval()
    x = torch.randn(2, 2, 8, 8)
    expected = model(x).detach().numpy()
    got = run(exported(model, x, tmp_path), x)
    assert np.abs(got - expected).max() <= 1e-5 * np.abs(expected).max()


def test_rows_are_exported_on_the_schemes_they_were_given(tmp_path):
    names = ["sp2_4", "fixed_4"] * 4
    torch.manual_seed(0)
    layer = QuantLinear(50, 8, False, MSQWeightPerChannelFloat, weight_row_schemes=names)
    x = torch.randn(1, 50)
    onnx_model = exported(nn.Sequential(layer).eval(), x, tmp_path)
    (node,) = weight_quants(onnx_model)
    weight, scale, _, bits = (onnx_model.get_initializer(i) for i in node.input)
    assert bits == 5
    for name, row in zip(names, np.round(weight / scale).reshape(50, 8).T, strict=True):
        assert schemes.get(name).holds(row).all()
        assert np.abs(row).max() == schemes.get(name).grid_max


def test_model_trains_on_after_export(tmp_path):
    model = net(MSQWeightPerChannelFloat)
    x = torch.randn(2, 2, 8, 8)
    exported(model, x, tmp_path)
    assert model.training
    model(x).square().sum().backward()
    assert model[1].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("dynamo", [False, True])
def test_names_of_modules_and_schemes_of_rows_are_noted(dynamo, tmp_path):
    """On the outputs of the weights' quantizers, by both of torch's exporters; nowhere else."""
    torch.manual_seed(0)
    model = nn.Sequential(
        QuantIdentity(),
        nn.Sequential(nn.ReLU(), QuantLinear(6, 4, False, MSQWeightPerChannelFloat)),
        QuantLinear(4, 3, True, SP2WeightPerTensorFloat),
        QuantLinear(3, 2, False),
    ).eval()
    options = {"optimize": True, "opset_version": 18} if dynamo else {"opset_version": 13}
    path = tmp_path / "model.onnx"
    export_qonnx(model, torch.rand(1, 6), str(path), dynamo=dynamo, **options)
    graph = ModelWrapper(str(path)).graph
    notes = {
        a.tensor_name: {e.key: e.value for e in a.quant_parameter_tensor_names}
        for a in graph.quantization_annotation
    }
    quants = [node for node in graph.node if node.op_type == "Quant"]
    assert {a.name for node in quants for a in node.attribute} == {
        "narrow", "rounding_mode", "signed"
    }  # fmt: skip
    kinds = model[1][1].weight_quant.int_quant.kinds().tolist()
    rows = ",".join(("sp2_4", "fixed_4")[kind] for kind in kinds)
    assert [notes.get(node.output[0]) for node in quants if node.output[0] in notes] == [
        {"msq_module": "1.1", "msq_row_schemes": rows},
        {"msq_module": "2", "msq_row_schemes": "sp2_4,sp2_4,sp2_4"},
        {"msq_module": "3"},
    ]
