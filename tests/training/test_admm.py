"""ADMM against the paper's updates written out in NumPy, its effect on weights, and resuming."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from brevitas.nn import QuantLinear
from brevitas.quant import Int8WeightPerChannelFloat
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


class Training:
    """A least-squares problem with ADMM, an optimizer with momentum, and noise."""

    def __init__(self, quant, device="cpu"):
        torch.manual_seed(0)
        self.model = nn.Sequential(
            QuantLinear(12, 8, bias=True, weight_quant=quant),
            nn.ReLU(),
            QuantLinear(8, 6, bias=False, weight_quant=quant),
        ).to(device)
        self.x, self.y = torch.randn(64, 12).to(device), torch.randn(64, 6).to(device)
        self.admm = Admm(self.model, rho=0.05, growth=1.5)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.02)

    def epochs(self, number):
        for _ in range(number):
            for _ in range(2):
                loss = (self.model(self.x) - self.y).square().mean() + self.admm.regularization()
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            self.admm.epoch_end()

    def checkpoint(self):
        parts = (self.model, self.optimizer, self.admm)
        return [part.state_dict() for part in parts]

    def resume(self, states):
        for part, state in zip((self.model, self.optimizer, self.admm), states, strict=True):
            part.load_state_dict(state)


class LearnedScale(MSQWeightPerChannelFloat):
    scaling_impl_type = "parameter_from_stats"


DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "quant",
    [SP2WeightPerChannelFloat, MSQWeightPerChannelFloat, LearnedScale, Int8WeightPerChannelFloat],
)
def test_resumed_training_is_the_same_bit_for_bit(quant, device, tmp_path):
    whole, first, second = (Training(quant) for _ in range(3))
    second.epochs(1)  # another state, to be replaced
    whole.epochs(3)
    first.epochs(2)
    torch.save(first.checkpoint(), tmp_path / "checkpoint.pt")
    first.epochs(1)  # what was saved is not what goes on
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True, map_location=device)
    second.resume(kept)
    second.epochs(1)
    assert second.admm.rho == whole.admm.rho and second.admm.growth == 1.5
    assert second.admm.residual() == whole.admm.residual()
    for training in (whole, second):
        training.admm.finish()
    for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_state_is_a_copy_both_ways():
    training = Training(SP2WeightPerChannelFloat)
    state = training.admm.state_dict()
    kept = deepcopy(state)
    training.epochs(1)
    training.admm.load_state_dict(state)
    training.epochs(1)
    for part in ("z", "u"):
        assert all(torch.equal(state[part][name], kept[part][name]) for name in state[part])


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_a_state_takes_the_type_of_the_weights(dtype):
    admm = Admm(net().to(dtype))
    admm.load_state_dict(Admm(net()).state_dict())
    assert admm.z["0"].dtype == admm.u["0"].dtype == dtype


def test_a_state_moves_to_the_weights_device():
    """On the meta device, which any machine has."""
    state = Training(SP2WeightPerChannelFloat).admm.state_dict()
    admm = Training(SP2WeightPerChannelFloat).admm
    for layer in admm.layers.values():
        layer.weight = nn.Parameter(layer.weight.to("meta"))
    admm.load_state_dict(state)
    assert all(z.is_meta for z in admm.z.values()) and all(u.is_meta for u in admm.u.values())


def test_names_are_stable_under_compilation_and_wrappers():
    state = Admm(net()).state_dict()
    for wrap in (nn.DataParallel, lambda m: torch.compile(m, backend="eager")):
        admm = Admm(wrap(net()))
        admm.load_state_dict(state)
        assert admm.state_dict()["z"].keys() == state["z"].keys()


BROKEN = {
    "no state": (lambda s: {"model": {}}, "no state of ADMM: it has no rho"),
    "without U": (lambda s: {k: v for k, v in s.items() if k != "u"}, "it has no u"),
    "fewer layers": (
        lambda s: s | {"u": {"0": s["u"]["0"]}},
        "layer 2 is not in ADMM's saved state",
    ),
    "more layers": (
        lambda s: s | {"z": s["z"] | {"4": torch.zeros(1)}},
        "layer 4 is not in ADMM's network",
    ),
    "another shape": (
        lambda s: s | {"z": s["z"] | {"2": torch.zeros(6, 9)}},
        r"layer 2: weights of shape \(6, 8\), \(6, 9\) in ADMM's saved state",
    ),
    "not finite": (
        lambda s: s | {"u": s["u"] | {"2": torch.full((6, 8), torch.nan)}},
        "layer 2: ADMM's saved state is not finite",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_state_of_another_network_is_refused_by_name_and_changes_nothing(fault):
    training = Training(SP2WeightPerChannelFloat)
    training.epochs(1)
    before = training.admm.state_dict()
    broken, message = BROKEN[fault]
    with pytest.raises(MsqError, match=message):
        training.admm.load_state_dict(broken(training.admm.state_dict()))
    after = training.admm.state_dict()
    assert after["rho"] == before["rho"]
    for part in ("z", "u"):
        assert all(torch.equal(after[part][name], before[part][name]) for name in before[part])
