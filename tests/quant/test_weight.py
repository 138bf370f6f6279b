"""The quantizers inside of Brevitas's layers."""

import copy
import io
import itertools

import pytest
import torch
from brevitas.nn import QuantConv1d, QuantConv2d, QuantConvTranspose2d, QuantLinear
from brevitas.quant.scaled_int import Int8WeightPerChannelFloat
from torch import nn

from msq_finn import quant as quantizers
from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.quant import (
    APoTWeightPerChannelFloat,
    APoTWeightPerTensorFloat,
    FixedWeightPerChannelFloat,
    FixedWeightPerTensorFloat,
    MSQWeightPerChannelFloat,
    MSQWeightPerChannelFloatMSE,
    PoTWeightPerChannelFloat,
    PoTWeightPerTensorFloat,
    SP2WeightPerChannelFloat,
    SP2WeightPerTensorFloat,
)
from msq_finn.training.assign import row_schemes

UNIFORM = {
    FixedWeightPerChannelFloat: "fixed",
    FixedWeightPerTensorFloat: "fixed",
    SP2WeightPerChannelFloat: "sp2",
    SP2WeightPerTensorFloat: "sp2",
    PoTWeightPerChannelFloat: "pot",
    PoTWeightPerTensorFloat: "pot",
    APoTWeightPerChannelFloat: "apot",
    APoTWeightPerTensorFloat: "apot",
}


def conv(weight_quant=MSQWeightPerChannelFloat, seed=0, **options):
    torch.manual_seed(seed)
    return QuantConv2d(3, 10, 3, bias=False, weight_quant=weight_quant, **options)


def kinds(layer):
    return layer.weight_quant.int_quant.kinds()


def row_ints(layer):
    """Integers of the quantized weights, one output channel a row."""
    quantized = layer.quant_weight()
    assert quantized.is_valid
    ints = (quantized.value / quantized.scale).transpose(0, layer.output_channel_dim).flatten(1)
    assert (ints - ints.round()).abs().max() < 1e-3
    return ints.round().long().tolist()


@pytest.mark.parametrize("quant", UNIFORM, ids=lambda q: q.__name__)
@pytest.mark.parametrize("bits", [3, 4, 5, 6, 7])
def test_every_weight_is_on_the_grid_of_its_scheme(quant, bits):
    if (UNIFORM[quant], bits) == ("pot", 7):  # spans 2^62, which is refused
        with pytest.raises(MsqError, match="pot_7: its grid needs 64 bits"):
            conv(quant, weight_bit_width=bits)
        return
    layer = conv(quant, weight_bit_width=bits)
    scheme = schemes.get(f"{UNIFORM[quant]}_{bits}")
    ints = row_ints(layer)
    assert scheme.holds(ints).all()
    assert layer.quant_weight().bit_width == scheme.grid_bits
    if "PerTensor" not in quant.__name__:
        assert {max(map(abs, row)) for row in ints} == {scheme.grid_max}


@pytest.mark.parametrize("quant", UNIFORM, ids=lambda q: q.__name__)
def test_projection_is_the_schemes(quant):
    layer = conv(quant)
    w = layer.weight.detach().flatten(1)
    dim = None if "PerTensor" in quant.__name__ else 1
    alpha = w.abs().amax(dim=dim, keepdim=True)
    expected = schemes.get(f"{UNIFORM[quant]}_4").project_ints(w.numpy(), alpha.numpy())
    assert row_ints(layer) == expected.tolist()


ABSMAX, LEARNED = {}, {"weight_scaling_impl_type": "parameter_from_stats"}
FLOAT, POWER_OF_TWO = {}, {"weight_restrict_scaling_type": "power_of_two"}


# PoT(7) spans 2^62, which is refused.
WIDTHS = [(n, m) for n in quantizers.__all__ for m in range(3, 9) if not (n[:3] == "PoT" and m > 6)]


@pytest.mark.parametrize(("name", "bits"), WIDTHS)
def test_every_quantizer_at_every_width_and_way_of_scaling(name, bits):
    for scaling, restriction in itertools.product((ABSMAX, LEARNED), (FLOAT, POWER_OF_TWO)):
        layer = conv(getattr(quantizers, name), weight_bit_width=bits, **scaling, **restriction)
        quantized = layer.quant_weight()
        ints = (quantized.value / quantized.scale).flatten(1).round().long()
        family = name.split("Weight")[0].lower()
        names = row_schemes(layer) if family == "msq" else [f"{family}_{bits}"] * 10
        for row, scheme in zip(ints.tolist(), names, strict=True):
            assert schemes.get(scheme).holds(row).all()
        if restriction:
            assert torch.equal(quantized.scale, quantized.scale.log2().round().exp2())
        layer(torch.randn(1, 3, 5, 5)).square().sum().backward()
        assert layer.weight.grad.any()
        if scaling or "MSE" in name:
            (alpha,) = (p for p in layer.weight_quant.parameters() if p is not layer.weight)
            assert (alpha.grad != 0).all()


def test_per_tensor_rows_of_both_schemes_share_their_level_1():
    layer = conv(quantizers.MSQWeightPerTensorFloat)
    scale = layer.quant_weight().scale.flatten()
    tops = torch.tensor([8.0 if name == "sp2_4" else 7.0 for name in row_schemes(layer)])
    assert torch.allclose(scale * tops, layer.weight.abs().max())


LAYERS = [
    lambda q: QuantConv2d(4, 8, 3, bias=False, weight_quant=q),
    lambda q: QuantConv2d(8, 8, 3, groups=8, bias=False, weight_quant=q),
    lambda q: QuantConv2d(4, 8, 3, groups=2, bias=False, weight_quant=q),
    lambda q: QuantConv1d(4, 8, 3, bias=True, weight_quant=q),
    lambda q: QuantConvTranspose2d(4, 8, 3, bias=False, weight_quant=q),
    lambda q: QuantLinear(12, 8, bias=True, weight_quant=q),
]
NAMES = ["conv2d", "depthwise", "grouped", "conv1d", "transposed", "linear"]


@pytest.mark.parametrize("make", LAYERS, ids=NAMES)
def test_msq_rows_of_lowest_variance_are_sp2(make):
    torch.manual_seed(3)
    layer = make(MSQWeightPerChannelFloat)
    with torch.no_grad():
        spread = torch.tensor([3.0, 1.0, 8.0, 2.0, 7.0, 5.0, 4.0, 6.0])
        shape = [1] * layer.weight.dim()
        shape[layer.output_channel_dim] = 8
        base = torch.randn(layer.weight.shape)
        variance = base.transpose(0, layer.output_channel_dim).flatten(1).std(1, correction=0)
        layer.weight = nn.Parameter(base / variance.view(shape) * spread.view(shape))
    sp2 = [row for row, kind in enumerate(kinds(layer).tolist()) if kind == 0]
    assert sp2 == [0, 1, 3, 6]
    for row, ints in enumerate(row_ints(layer)):
        name = "sp2_4" if row in sp2 else "fixed_4"
        assert schemes.get(name).holds(ints).all()
        assert max(map(abs, ints)) == schemes.get(name).grid_max
    assert layer.quant_weight().bit_width == 5
    layer.quant_weight().value.square().sum().backward()
    assert layer.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(("ratio", "count"), [(0, 0), (0.04, 0), (0.5, 5), (0.66, 7), (1, 10)])
def test_ratio_decides_the_count(ratio, count):
    assert (kinds(conv(weight_sp2_ratio=ratio)) == 0).sum() == count


def test_msq_without_sp2_is_brevitas_int_quantizer():
    ours, theirs = conv(weight_sp2_ratio=0.0), conv(Int8WeightPerChannelFloat, weight_bit_width=4)
    for a, b in zip(ours.quant_weight(), theirs.quant_weight(), strict=True):
        assert torch.equal(a, b)
    x = torch.randn(2, 3, 5, 5)
    for layer in (ours, theirs):
        layer(x).square().sum().backward()
    assert torch.equal(ours.weight.grad, theirs.weight.grad)


def test_explicit_row_schemes():
    names = ["fixed_4", "sp2_4"] * 5
    assert kinds(conv(weight_row_schemes=names)).tolist() == [1, 0] * 5


def test_any_mix_of_schemes():
    mix = ("pot_4", "fixed_4", "fixed_8")
    layer = conv(weight_row_mix=mix, weight_mix_ratios=(0.6, 0.3, 0.1))
    assert kinds(layer).bincount().tolist() == [6, 3, 1]
    for kind, ints in zip(kinds(layer).tolist(), row_ints(layer), strict=True):
        assert schemes.get(mix[kind]).holds(ints).all()
    variance = layer.weight.flatten(1).var(1)
    assert variance[kinds(layer) == 0].max() < variance[kinds(layer) == 1].min()
    assert variance[kinds(layer) == 1].max() < variance[kinds(layer) == 2].min()


def test_scale_learned_from_stats():
    layer = conv(weight_scaling_impl_type="parameter_from_stats")
    layer(torch.randn(1, 3, 5, 5)).square().sum().backward()
    alpha = layer.weight_quant.tensor_quant.scaling_impl.value
    assert torch.equal(alpha.flatten(), layer.weight.abs().flatten(1).amax(1))
    assert (alpha.grad != 0).all()


def test_scale_restricted_to_powers_of_two():
    layer = conv(weight_restrict_scaling_type="power_of_two")
    exponents = layer.quant_weight().scale.log2()
    assert torch.equal(exponents, exponents.round())
    for kind, ints in zip(kinds(layer).tolist(), row_ints(layer), strict=True):
        assert schemes.get(("sp2_4", "fixed_4")[kind]).holds(ints).all()


def test_scale_from_brevitas_mse_search_lowers_the_error():
    errors = []
    for quant in (MSQWeightPerChannelFloat, MSQWeightPerChannelFloatMSE):
        layer = conv(quant)
        differences = (layer.quant_weight().value - layer.weight).flatten(1)
        errors.append(differences.square().sum(1))
    absmax, mse = errors
    assert (mse <= absmax * 1.0001).all()
    assert mse.sum() < 0.9 * absmax.sum()


def test_rows_are_in_the_state_dict():
    layer = conv(weight_sp2_ratio=0.3)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    other = conv(seed=1, weight_sp2_ratio=0.9)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(kinds(other), kinds(layer))
    assert torch.equal(other.quant_weight().value, layer.quant_weight().value)


def test_float_weights_are_assigned_as_they_are_loaded():
    torch.manual_seed(5)
    float_conv = nn.Conv2d(3, 10, 3, bias=False)
    layer = conv(weight_sp2_ratio=0.3)
    layer.load_state_dict(float_conv.state_dict())
    lowest = float_conv.weight.flatten(1).var(1).argsort()[:3]
    assert set((kinds(layer) == 0).nonzero().flatten().tolist()) == set(lowest.tolist())


def test_rows_of_another_network_are_refused():
    model = nn.Sequential(nn.Identity(), conv())
    state = model.state_dict()
    key = next(key for key in state if key.endswith("row_kinds"))
    good = state[key].clone()
    state[key] = good + 5
    with pytest.raises(MsqError, match="layer 1: row schemes must index"):
        model.load_state_dict(state)
    state[key] = good[:9]
    with pytest.raises(MsqError, match=r"layer 1: row schemes of shape \(9,\) .* another network"):
        model.load_state_dict(state)


def test_deepcopy_is_independent():
    layer = conv()
    twin = copy.deepcopy(layer)
    before = layer.quant_weight().value.clone()
    assert torch.equal(twin.quant_weight().value, before)
    twin.weight_quant.assign(torch.zeros(10, dtype=torch.int64))
    assert torch.equal(layer.quant_weight().value, before)
    assert not torch.equal(twin.quant_weight().value, before)


def test_shared_quantizer_scales_and_assigns_both_layers_alike():
    first = conv()
    second = QuantConv2d(3, 10, 3, bias=False, weight_quant=first.weight_quant)
    quant = first.weight_quant.tensor_quant
    assert second.weight_quant.tensor_quant is quant
    both = torch.cat([first.weight, second.weight], dim=1).flatten(1)
    lowest = both.var(1, correction=0).argsort()[:5].tolist()
    assert sorted(lowest) == (kinds(first) == 0).nonzero().flatten().tolist()
    assert torch.equal(first.quant_weight().scale, second.quant_weight().scale)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"weight_sp2_ratio": 1.5}, "ratio 1.5 of a layer's rows: give a number from 0 to 1"),
        ({"weight_sp2_ratio": -0.1}, "ratio -0.1"),
        ({"weight_sp2_ratio": float("nan")}, "ratio nan"),
        ({"weight_bit_width": 2}, "QuantConv2d with 10x3x3x3 weights: no scheme is named 'sp2_2'"),
        ({"weight_row_schemes": ["sp2_4"] * 9}, "9 row schemes for 10 rows"),
        ({"weight_row_schemes": ["pot_4"] * 10}, "'pot_4' is none of sp2_4, fixed_4"),
        ({"weight_mix_ratios": (0.5, 0.2)}, "must sum to 1"),
        ({"weight_mix_ratios": (0.5, 0.25, 0.25)}, "3 mix_ratios for 2 schemes"),
    ],
)
def test_bad_keywords_are_refused(options, text):
    with pytest.raises(MsqError, match=text):
        conv(**options)


def test_two_bit_sp2_is_refused():
    with pytest.raises(MsqError, match=r"QuantConv2d with 10x3x3x3 weights: no .* named 'sp2_2'"):
        conv(SP2WeightPerChannelFloat, weight_bit_width=2)


def test_weights_that_are_not_finite_are_refused():
    weight = torch.randn(10, 3, 3, 3)
    weight[4, 1, 0, 2] = float("nan")
    layer = conv()
    with pytest.raises(MsqError, match=r"10x3x3x3 weights: .*nan at row 4, column 11"):
        layer.load_state_dict({"weight": weight})


def test_a_transposed_convolution_with_groups_is_refused():
    """Brevitas's own quantizers have no scale per output channel for it either."""
    with pytest.raises(MsqError, match="a transposed convolution with 2 groups"):
        QuantConvTranspose2d(4, 6, 2, groups=2, bias=False, weight_quant=MSQWeightPerChannelFloat)
