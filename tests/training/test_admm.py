"""ADMM against the paper's updates written out in NumPy, and its effect on weights."""

import numpy as np
import pytest
import torch
from brevitas.nn import QuantLinear
from torch import nn

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.quant import (
    FixedWeightPerChannelFloat,
    MSQWeightPerChannelFloat,
    SP2WeightPerChannelFloat,
)
from msq_finn.training.admm import Admm
from msq_finn.training.assign import assign_rows


def net(quant=SP2WeightPerChannelFloat):
    torch.manual_seed(0)
    return nn.Sequential(QuantLinear(12, 6, bias=False, weight_quant=quant))


def project(w):
    return schemes.get("sp2_4").project(w, np.abs(w).max(axis=1, keepdims=True))


def test_updates_are_the_papers():
    model = net()
    weight = model[0].weight
    rho, growth = 0.5, 2.0
    w = weight.detach().numpy().astype(np.float64)
    z, u = project(w), np.zeros_like(w)
    admm = Admm(model, rho, growth)
    for step in range(3):
        term = admm.regularization()
        assert term.item() == pytest.approx(rho / 2 * ((w - z + u) ** 2).sum(), rel=1e-4)
        (gradient,) = torch.autograd.grad(term, weight)
        assert np.allclose(gradient.numpy(), rho * (w - z + u), atol=1e-5)
        with torch.no_grad():
            weight.add_(torch.randn(6, 12) * 0.01)
        w = weight.detach().numpy().astype(np.float64)
        admm.epoch_end()
        z = project(w + u)
        u = (u + w - z) / growth
        rho *= growth
        assert np.allclose(admm.z["0"].numpy(), z, atol=1e-5), step
        assert np.allclose(admm.u["0"].numpy(), u, atol=1e-5), step
    assert admm.residual() == pytest.approx(np.linalg.norm(w - z) / np.linalg.norm(w), rel=1e-4)


def test_network_computes_with_float_weights_until_it_is_finished():
    model = net()
    x = torch.randn(3, 12)
    quantized = model[0].quant_weight().value.detach()
    admm = Admm(model)
    assert torch.equal(model(x), nn.functional.linear(x, model[0].weight))
    admm.finish()
    assert torch.equal(model[0].weight, quantized)
    assert torch.equal(model(x), nn.functional.linear(x, quantized))


@pytest.mark.parametrize("quant", [FixedWeightPerChannelFloat, MSQWeightPerChannelFloat])
def test_weights_are_drawn_to_the_grids(quant):
    """A least-squares problem; the plain solution is far from the grids."""
    model = net(quant)
    layer = model[0]
    torch.manual_seed(1)
    x = torch.randn(200, 12)
    y = x @ torch.randn(12, 6)

    def solve(admm, epochs):
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        for _ in range(epochs):
            for _ in range(20):
                loss = (model(x) - y).square().mean() + admm.regularization()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            admm.epoch_end()

    admm = Admm(model, rho=0.0)
    solve(admm, 20)
    far = admm.residual()
    optimum = layer.weight.detach().clone()
    layer.weight_quant.disable_quant = False
    admm = Admm(model, rho=0.02, growth=1.3)
    solve(admm, 20)
    assert admm.residual() < 0.2 * far
    admm.finish()
    assert (layer.weight - optimum).norm() < 0.2 * optimum.norm()


def test_rows_may_be_assigned_between_epochs():
    model = net(MSQWeightPerChannelFloat)
    admm = Admm(model)
    names = ["sp2_4", "fixed_4"] * 3
    assign_rows(model, {"0": names}, strategy="explicit")
    admm.epoch_end()
    alpha = model[0].weight.detach().abs().amax(1, keepdim=True).numpy()
    for row, name in enumerate(names):
        expected = schemes.get(name).project(model[0].weight[row].detach().numpy(), alpha[row])
        assert np.allclose(admm.z["0"][row].numpy(), expected, atol=1e-6)


def test_end_is_the_projection_of_the_weights_alone():
    model = net()
    weight = model[0].weight
    admm = Admm(model)
    admm.u["0"] += 0.5
    expected = project(weight.detach().numpy())
    admm.finish()
    assert np.allclose(weight.detach().numpy(), expected, atol=1e-6)


def test_network_without_quantized_weights_is_refused():
    with pytest.raises(MsqError, match="ADMM needs a network with quantized weights"):
        Admm(nn.Linear(3, 3))


def test_diverged_weights_are_refused_by_the_layers_name():
    model = net()
    admm = Admm(model)
    with torch.no_grad():
        model[0].weight[1, 2] = float("inf")
    with pytest.raises(MsqError, match="layer 0: weight inf at row 1, column 2"):
        admm.epoch_end()
