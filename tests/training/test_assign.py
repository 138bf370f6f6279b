"""Row assignment on networks of two layers, against choices made here by hand."""

import copy

import numpy as np
import pytest
import torch
from brevitas.nn import QuantConv2d, QuantLinear
from torch import nn

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.quant import MSQWeightPerChannelFloat, SP2WeightPerChannelFloat
from msq_finn.training.assign import assign_rows, mixed_layers, row_errors
from msq_finn.training.hessian import row_curvature


def net():
    torch.manual_seed(0)
    return nn.Sequential(
        QuantConv2d(3, 12, 3, bias=False, weight_quant=MSQWeightPerChannelFloat),
        QuantConv2d(12, 8, 3, bias=False, weight_quant=SP2WeightPerChannelFloat),
        nn.Flatten(),
        QuantLinear(8, 20, bias=False, weight_quant=MSQWeightPerChannelFloat),
    )


def sp2_rows(assigned, name):
    return {row for row, scheme in enumerate(assigned[name]) if scheme == "sp2_4"}


def test_one_ratio_for_all_layers():
    assigned = assign_rows(net(), 0.25)
    assert {name: len(sp2_rows(assigned, name)) for name in assigned} == {"0": 3, "3": 5}


def test_layers_get_shares_counts_or_nothing():
    model = net()
    before = assign_rows(model, 0.5)
    assigned = assign_rows(model, {"3": 7})
    assert len(sp2_rows(assigned, "3")) == 7
    assert assigned["0"] == before["0"]
    assert len(sp2_rows(assign_rows(model, {"0": 1.0}), "0")) == 12
    assert len(sp2_rows(assign_rows(model, {"0": 1}), "0")) == 1


def test_variance_is_of_the_present_weights():
    model = net()
    with torch.no_grad():
        model[3].weight.mul_(torch.randperm(20)[:, None] + 1.0)
    variance = model[3].weight.detach().numpy().var(axis=1)
    assigned = assign_rows(model, 0.5)
    assert sp2_rows(assigned, "3") == set(np.argsort(variance)[:10].tolist())


def test_mse_takes_the_rows_that_gain_most():
    model = net()
    w = model[3].weight.detach().numpy()
    alpha = np.abs(w).max(axis=1, keepdims=True)
    errors = [
        ((schemes.get(name).project(w, alpha) - w) ** 2).sum(axis=1)
        for name in ("sp2_4", "fixed_4")
    ]
    assert np.allclose(row_errors(model[3]).detach().numpy(), errors, rtol=1e-4)
    best = set(np.argsort(errors[0] - errors[1])[:6].tolist())
    assert sp2_rows(assign_rows(model, {"3": 6}, strategy="mse"), "3") == best


def test_row_errors_leave_the_rows_alone():
    model = net()
    before = assign_rows(model, 0.3)
    row_errors(model[3])
    assert assign_rows(model, {}) == before


def test_hessian_takes_the_rows_that_matter_least():
    model = net()
    bends = torch.randperm(20, generator=torch.Generator().manual_seed(1))[:, None] + 1.0

    def loss():
        return (bends * model[3].weight ** 2).sum()

    assigned = assign_rows(model, {"3": 6}, strategy="hessian", loss=loss)
    assert sp2_rows(assigned, "3") == {row for row, bend in enumerate(bends) if bend <= 6}


def test_hessian_of_a_network_is_the_one_of_autograd():
    torch.manual_seed(0)
    layer = QuantLinear(5, 4, bias=False, weight_quant=None)
    x = torch.randn(30, 5)

    def loss(weight=None):
        weight = layer.weight if weight is None else weight
        return nn.functional.linear(x, weight).tanh().square().mean()

    hessian = torch.autograd.functional.hessian(loss, layer.weight.detach())
    diagonal = hessian.view(20, 20).diagonal().view(4, 5)
    (estimate,) = row_curvature([layer], loss, samples=3000)
    assert torch.allclose(estimate, diagonal.mean(1), rtol=0.05, atol=2e-4)


def test_constant_weights_can_be_assigned():
    model = net()
    with torch.no_grad():
        model[3].weight.zero_()
        model[0].weight.fill_(1.0)
    for strategy in ("variance", "mse"):
        assert len(sp2_rows(assign_rows(model, 0.5, strategy), "3")) == 10


MIX = ("pot_4", "fixed_4", "fixed_8")


def mixed_net():
    torch.manual_seed(0)
    return nn.Sequential(
        QuantLinear(
            30,
            20,
            False,
            MSQWeightPerChannelFloat,
            weight_row_mix=MIX,
            weight_mix_ratios=(0.4, 0.4, 0.2),
        )
    )


@pytest.mark.parametrize(
    "rows",
    [{"pot_4": 0.6, "fixed_4": 0.35, "fixed_8": 0.05}, {"pot_4": 12, "fixed_4": 7, "fixed_8": 1}],
)
@pytest.mark.parametrize("strategy", ["variance", "mse"])
def test_three_schemes(rows, strategy):
    model = mixed_net()
    names = assign_rows(model, {"0": rows}, strategy)["0"]
    assert [names.count(name) for name in MIX] == [12, 7, 1]


def test_mse_of_three_schemes_beats_chance():
    model = mixed_net()
    errors = row_errors(model[0])
    counts = {"pot_4": 8, "fixed_4": 8, "fixed_8": 4}
    names = assign_rows(model, {"0": counts}, "mse")["0"]
    chosen = sum(errors[MIX.index(name), row] for row, name in enumerate(names))
    torch.manual_seed(1)
    kinds = torch.tensor([0] * 8 + [1] * 8 + [2] * 4)
    chance = [errors[kinds[torch.randperm(20)], torch.arange(20)].sum() for _ in range(200)]
    assert chosen < min(chance)


def test_share_of_a_first_scheme_needs_two_schemes():
    with pytest.raises(MsqError, match="layer 0: give shares or numbers of rows by scheme: pot_4"):
        assign_rows(mixed_net(), 0.5)


def test_explicit_names_the_rows():
    model = net()
    names = ["sp2_4", "fixed_4", "fixed_4"] * 4
    assert assign_rows(model, {"0": names}, strategy="explicit")["0"] == names
    quantized = model[0].quant_weight()
    tops = (quantized.value / quantized.scale).abs().flatten(1).amax(1).round()
    assert tops.tolist() == [8, 7, 7] * 4


def test_assignment_outlives_new_weights_and_is_saved():
    model = net()
    names = ["sp2_4", "fixed_4", "fixed_4"] * 4
    assign_rows(model, {"0": names}, strategy="explicit")
    model[0].weight = nn.Parameter(torch.randn(12, 3, 3, 3))
    assert assign_rows(model, {})["0"] == names
    other = net()
    other.load_state_dict(model.state_dict())
    assert assign_rows(other, {})["0"] == names
    assert assign_rows(copy.deepcopy(model), {})["0"] == names


def test_shared_quantizer_is_one_layer():
    first = QuantLinear(8, 4, bias=False, weight_quant=MSQWeightPerChannelFloat)
    second = QuantLinear(8, 4, bias=False, weight_quant=first.weight_quant)
    assert list(mixed_layers(nn.Sequential(first, second))) == ["0"]


def with_nan(model):
    with torch.no_grad():
        model[3].weight[2, 1] = float("nan")
    return model


@pytest.mark.parametrize(
    ("rows", "strategy", "text"),
    [
        ({"conv9": 0.5}, "variance", "no row-mixed layer is named 'conv9' .* it has: 0, 3"),
        ({"1": 0.5}, "variance", "no row-mixed layer is named '1'"),
        (1.2, "variance", "layer 0: ratio 1.2 of a layer's rows: give a number from 0 to 1"),
        ({"3": 21}, "variance", "layer 3: rows of 21 sp2_4, -1 fixed_4 do not make .* 20 rows"),
        ({"3": {"sp2_4": 7}}, "mse", "layer 3: rows of 7 sp2_4, 0 fixed_4 do not make .* 20 rows"),
        ({"3": {"sp2_4": 0.7}}, "mse", "layer 3: the ratios .* must sum to 1"),
        ({"3": {"pot_4": 20}}, "mse", "layer 3: scheme 'pot_4' is none of sp2_4, fixed_4"),
        ({"3": ["sp2_4"]}, "explicit", "layer 3: 1 row schemes for 20 rows"),
        (
            {"3": ["sp2_5"] * 20},
            "explicit",
            "layer 3: row scheme 'sp2_5' is none of sp2_4, fixed_4",
        ),
        (0.5, "explicit", "layer 0: strategy explicit takes the name of each row's scheme"),
        ({"3": ["sp2_4"] * 20}, "mse", "layer 3: only strategy explicit takes a list"),
        (0.5, "hessian", "strategy hessian needs the argument loss"),
        (
            0.5,
            "best",
            "no assignment strategy is named 'best'; known: variance, mse, hessian, explicit",
        ),
    ],
)
def test_bad_plans_are_refused(rows, strategy, text):
    with pytest.raises(MsqError, match=text):
        assign_rows(net(), rows, strategy)


@pytest.mark.parametrize("strategy", ["variance", "mse"])
def test_nan_weights_are_refused_by_the_layers_name(strategy):
    with pytest.raises(MsqError, match="layer 3: weight nan at row 2, column 1"):
        assign_rows(with_nan(net()), 0.5, strategy)
