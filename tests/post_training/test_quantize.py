"""What comes of float networks: layers, quantizers, and the same function in the exported file."""

from __future__ import annotations

import math
from copy import deepcopy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from brevitas.nn import QuantConv2d, QuantIdentity, QuantLinear, QuantReLU
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import msq_finn
from msq_finn.build.simulate import reference_outputs
from msq_finn.errors import MsqError
from msq_finn.layer_notes import MODULE, noted, weight_quantizers
from msq_finn.lowering.inputs import load_network
from msq_finn.plan.file.schema import Plan
from msq_finn.plan.frontend.source import export
from msq_finn.post_training.layer_quantizers import layers_of
from msq_finn.post_training.quantize import standard_form
from msq_finn.training.assign import assign_rows, mixed_layers, row_schemes

from .architectures import NETWORKS


def images(count, *shape, seed=0):
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed))


def made(name):
    """A network whose normalisation has seen something."""
    torch.manual_seed(0)
    network = NETWORKS[name]()
    with torch.no_grad():
        for seed in range(3):
            network.train()(images(16, 1, 28, 28, seed=seed))
    return network.eval()


QUICK = ("lenet", "resnet", "conv1d")


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in NETWORKS]
)
def test_the_exported_file_computes_what_the_network_does(name, tmp_path):
    network = made(name)
    before = deepcopy(network.state_dict())
    quantized = msq_finn.quantize(network, images(32, 1, 28, 28), epochs=0)
    # The float network is as it was, and layers have their own names.
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    layers = [
        n for n, m in network.named_modules() if isinstance(m, nn.Linear | nn.modules.conv._ConvNd)
    ]
    assert {node.target for node in layers_of(quantized)} == set(layers)
    path = tmp_path / "model.onnx"
    export(quantized, path, (1, 28, 28))
    model = load_network(path)
    names = [
        noted(model.graph, quant.output[0], MODULE) for quant, _ in weight_quantizers(model.graph)
    ]
    assert sorted(names) == sorted(layers)
    x = images(2, 1, 28, 28, seed=9)
    with torch.no_grad():
        expected = quantized(x).numpy()
    assert np.ptp(expected) > 0
    np.testing.assert_allclose(reference_outputs(path, x.numpy()), expected, rtol=1e-4, atol=1e-4)
    # Quantization changes the outputs, and not by much.
    with torch.no_grad():
        floats = network(x).numpy()
    assert 0 < np.abs(expected - floats).mean() < floats.std() + 0.5


@pytest.mark.parametrize("name", NETWORKS)
def test_the_standard_form_computes_the_same(name):
    network = made(name)
    x = images(5, 1, 28, 28, seed=3)
    form = standard_form(network, x)
    with torch.no_grad():
        torch.testing.assert_close(form(x), network(x), rtol=1e-4, atol=1e-5)


class Written(nn.Module):
    """Every way to write the same few operations."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 4, 3, padding="same"), nn.Conv2d(4, 4, 1)
        self.conv3, self.relu = nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True)
        self.register_buffer("mean", torch.full((1, 2, 1, 1), 0.4))
        self.fc = nn.Linear(4, 3)

    def forward(self, x, features=False):
        x = (x - self.mean) / 0.5
        x = self.conv1(x)
        y = self.relu(x)
        y = torch.add(self.conv2(y), x)  # the sum is of what the ReLU in place made of x
        y = F.relu6(y.contiguous()).add(F.hardtanh(self.conv3(x), 0.0, 2.0))
        y = F.max_pool2d(F.dropout(y, training=self.training), (2, 2), 1).relu()
        return self.fc(y.mean(dim=(-1, -2)))


def test_methods_functions_and_operators_are_understood():
    torch.manual_seed(1)
    network = Written().eval()
    x = images(4, 2, 6, 6) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(standard_form(network, x)(x), network(x))


def relu_of_a_function(x):
    F.relu_(x)
    return x


def relu_of_torch(x):
    torch.relu_(x)
    return x.add(F.max_pool2d(x, 3, 1, 1))


def relu_in_place(x):
    F.relu(x, inplace=True)
    return x


@pytest.mark.parametrize("change", [relu_of_a_function, relu_of_torch, relu_in_place])
def test_what_is_changed_in_place_is_read_changed_though_its_result_is_dropped(change):
    class Changed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(4 * 16, 3)

        def forward(self, x):
            return self.fc(change(self.conv(x)).flatten(1))

    torch.manual_seed(1)
    network, x = Changed().eval(), images(4, 1, 6, 6) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(standard_form(network, x)(x), network(x))


class Joined(nn.Module):
    """Sums in a row, a ReLU that has an end, and a concatenation of a pool and a layer."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.one, self.two = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.last, self.relu = nn.Conv2d(16, 4, 1), nn.ReLU6()

    def forward(self, x):
        x = self.relu(self.norm(self.stem(x)))
        x = x + self.one(x)
        x = x + self.two(x)
        x = torch.cat([F.max_pool2d(self.relu(x), 3, 1, 1), self.one2(x)], dim=1)
        return self.last(x)


def joined():
    torch.manual_seed(2)
    network = Joined()
    network.one2 = nn.Conv2d(8, 8, 1)
    return network.eval()


def quantizers_into(module, node):
    return [module.get_submodule(source.target) for source in node.all_input_nodes]


def test_what_meets_shares_a_quantizer_and_rows_go_together():
    quantized = msq_finn.quantize(joined(), images(16, 1, 6, 6), epochs=0)
    sums = [n for n in quantized.graph.nodes if n.meta.get("kind") == "add"]
    cats = [n for n in quantized.graph.nodes if n.meta.get("kind") == "cat"]
    assert (len(sums), len(cats)) == (2, 1)
    for node in (*sums, *cats):
        left, right = quantizers_into(quantized, node)
        assert left is right and isinstance(left, QuantIdentity)
    assert quantizers_into(quantized, sums[0])[0] is not quantizers_into(quantized, sums[1])[0]
    # The layers that read the first sum read it as the second sum does.
    two = next(n for n in quantized.graph.nodes if n.target == "two")
    assert quantizers_into(quantized, two)[0] is quantizers_into(quantized, sums[1])[0]
    stem, one = (row_schemes(quantized.get_submodule(n)) for n in ("stem", "one"))
    assert set(mixed_layers(quantized)) == {"stem", "one", "one2"}
    assert set(stem) == set(one) == {"sp2_4", "fixed_4"}
    ends = [m for m in quantized.modules() if isinstance(m, QuantReLU)]
    assert len(ends) == 2
    assert all(float(m.act_quant.scale()) <= 6 / 15 + 1e-6 for m in ends)


def test_pools_of_sums_are_activated_first():
    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(16, 3)

        def forward(self, x):
            return self.fc(F.relu(F.max_pool2d(self.conv(x), 2)).view(x.size(0), -1))

    torch.manual_seed(4)
    network, x = Pooled().eval(), images(32, 1, 6, 6)
    quantized = msq_finn.quantize(network, x, epochs=0)
    order = [str(node.target) for node in quantized.graph.nodes if node.op == "call_module"]
    assert order[:4] == ["input_quant", "conv", "relu", "max_pool2d"]
    assert sum(isinstance(m, QuantIdentity) for m in quantized.modules()) == 1  # of the input
    with torch.no_grad():
        assert torch.nn.functional.mse_loss(quantized(x), network(x)) < 0.1 * network(x).var()


def tiny():
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)).eval()


def test_widths_and_signs():
    x = images(64, 8) - 0.5
    quantized = msq_finn.quantize(tiny(), x, weight_bits=6, act_bits=3, input_bits=7, epochs=0)
    pixels, relu = quantized.input_quant.act_quant, quantized.get_submodule("1").act_quant
    assert (int(pixels.bit_width()), pixels.is_signed) == (7, True)
    assert (int(relu.bit_width()), relu.is_signed) == (3, False)
    assert set(row_schemes(quantized.get_submodule("0"))) == {"sp2_6", "fixed_6"}
    assert not msq_finn.quantize(tiny(), x + 0.5, epochs=0).input_quant.act_quant.is_signed


class Normalised(nn.Module):
    """Normalises its input, as networks do that take images from 0 to 1."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.4, 0.6]))
        self.fc = nn.Linear(2, 3)

    def forward(self, x):
        return self.fc((x - self.mean) / 0.25)


def test_the_sign_of_an_input_is_that_behind_its_normalisation():
    network, x = Normalised().eval(), images(64, 2)
    quantized = msq_finn.quantize(network, x, weight_bits=8, epochs=0)
    assert quantized.input_quant.act_quant.is_signed
    with torch.no_grad():
        torch.testing.assert_close(quantized(x), network(x), rtol=0, atol=0.1)


def test_scales_are_of_all_samples_alike():
    """The first one sets none of them; every input has its level."""
    torch.manual_seed(2)
    network, x = tiny(), images(256, 8) - 0.5
    x[0] *= 0.01
    first, last = (msq_finn.quantize(network, y[:1], y, epochs=0) for y in (x, x.flip(0)))
    for quantized in (first, last):
        pixels = quantized.input_quant.act_quant
        end = float(x.abs().max())
        assert 128 * float(pixels.scale()) == pytest.approx(end, rel=2**-12)  # its bits
    ends = [float(q.get_submodule("1").act_quant.scale()) for q in (first, last)]
    assert ends[0] == pytest.approx(ends[1], rel=0.1)


def lowest(function):
    """Where a function is least, and what it is there, by ternary search."""
    low, high = -3.0, 0.0
    for _ in range(60):
        one, two = low + (high - low) / 3, high - (high - low) / 3
        values = function(torch.tensor([one, two], dtype=torch.float64))
        low, high = (low, two) if values[0] < values[1] else (one, high)
    return low, function(torch.tensor(low, dtype=torch.float64)).item()


@pytest.mark.parametrize("function", [nn.SiLU, nn.GELU, nn.Mish, nn.Hardswish])
def test_what_dips_below_zero_is_kept(function):
    """With a bit for its sign, from the least value on; above that it is as it was."""
    torch.manual_seed(8)
    network = nn.Sequential(nn.Linear(8, 16), function(), nn.Linear(16, 4)).eval()
    x = images(256, 8) * 6 - 3
    quantized = msq_finn.quantize(network, x, epochs=0)
    (quant,) = (
        m for name, m in quantized.named_modules()
        if isinstance(m, QuantIdentity) and name != "input_quant"
    )  # fmt: skip
    assert (int(quant.act_quant.bit_width()), quant.act_quant.is_signed) == (5, True)
    place, least = lowest(function())
    values = torch.linspace(-9, 5, 1401)
    found, expected = quantized.get_submodule("1")(values), function()(values)
    torch.testing.assert_close(found[values > place], expected[values > place])
    assert found[values < place] == pytest.approx(least, abs=1e-6)
    # Nothing else is left out: without levels below 0 there is this error, and more.
    with torch.no_grad():
        hidden = network[0](x)
        wanted, levels = function()(hidden), quant(quantized.get_submodule("1")(hidden))
    assert (levels < 0).any()
    assert F.mse_loss(levels, wanted) < 0.5 * F.mse_loss(wanted.relu(), wanted)


def test_padded_pools_read_values_without_a_sign():
    torch.manual_seed(8)
    for padding, signed in ((0, True), (1, False)):
        network = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.SiLU(), nn.MaxPool2d(3, 1, padding), nn.Conv2d(4, 2, 1)
        )
        quantized = msq_finn.quantize(network.eval(), images(16, 1, 8, 8), epochs=0)
        (quant,) = (
            m for name, m in quantized.named_modules()
            if isinstance(m, QuantIdentity | QuantReLU) and name != "input_quant"
        )  # fmt: skip
        assert quant.act_quant.is_signed == signed
        assert int(quant.act_quant.bit_width()) == 4 + signed


def test_halves_of_one_activation_share_its_quantizer_where_they_meet():
    class Halves(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.mid = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
            self.last = nn.Conv2d(8, 2, 1)

        def forward(self, x):
            a, b = F.silu(self.stem(x)).chunk(2, 1)
            return self.last(torch.cat([a, F.silu(self.mid(b))], 1))

    torch.manual_seed(8)
    quantized = msq_finn.quantize(Halves().eval(), images(16, 1, 6, 6), epochs=0)
    quants = {m for m in quantized.modules() if isinstance(m, QuantIdentity)}
    assert len(quants - {quantized.input_quant}) == 1


def test_learning_from_the_float_network_brings_it_nearer():
    x, unseen = images(512, 8), images(256, 8, seed=1)
    torch.manual_seed(6)
    network = nn.Sequential(
        nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4)
    ).eval()

    def error(epochs):
        before = torch.random.get_rng_state()
        quantized = msq_finn.quantize(network, x[:1], x, act_bits=3, epochs=epochs)
        assert torch.equal(torch.random.get_rng_state(), before)
        assert not quantized.training
        with torch.no_grad():
            return F.mse_loss(quantized(unseen), network(unseen)).item()

    assert error(20) < 0.7 * error(0)


@pytest.mark.parametrize("form", ["tensor", "tuples", "dicts", "loader"])
def test_data_as_training_scripts_have_them(form):
    x, y = images(48, 8) * torch.linspace(0.1, 1, 48)[:, None], torch.zeros(48)
    data = {
        "tensor": x,
        "tuples": [(x[:24], y[:24]), (x[24:], y[24:])],
        "dicts": [{"input": x[:24], "label": y[:24]}, {"input": x[24:], "label": y[24:]}],
        "loader": DataLoader(TensorDataset(x, y), batch_size=24),
    }[form]
    quantized = msq_finn.quantize(tiny(), (x[:1], y[:1]), data, epochs=0)
    expected = msq_finn.quantize(tiny(), x[:1], x, epochs=0)
    with torch.no_grad():
        torch.testing.assert_close(quantized(x), expected(x))


def test_a_quantized_network_trains_saves_and_loads(tmp_path):
    torch.manual_seed(0)
    x = images(64, 8)
    y = x[:, :4].argmax(1)
    quantized = msq_finn.quantize(tiny(), x, epochs=0)
    optimizer = torch.optim.Adam(quantized.train().parameters(), 1e-2)
    losses = []
    for _ in range(40):
        loss = F.cross_entropy(quantized(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    torch.save(quantized.eval().state_dict(), tmp_path / "weights.pt")
    again = msq_finn.quantize(tiny(), x, epochs=0)
    again.load_state_dict(torch.load(tmp_path / "weights.pt"))
    with torch.no_grad():
        torch.testing.assert_close(again(x), quantized(x))
    assert isinstance(deepcopy(quantized).get_submodule("2"), QuantLinear)


LANES = {"sp2_4": "sp2_4_lut", "fixed_4": "fixed_4_dsp"}


def lanes_for(rows):
    folds = math.gcd(*rows.values())
    return {LANES[name]: count // folds for name, count in rows.items()}


def plan_of(layers):
    return Plan.model_validate(
        {
            "network": "net", "board": "Pynq-Z1", "part": "xc7z020clg400-1", "clk_ns": 10.0,
            "budget": {"lut": 0.8, "dsp": 1.0, "bram": 0.9},
            "layers": [
                {"name": name, "mw": mw, "mh": mh, "vectors": 1, "simd": 1,
                 "lanes": lanes_for(rows), "rows": rows}
                for name, mw, mh, rows in layers
            ],
        }
    )  # fmt: skip


def test_rows_are_those_of_a_plan(tmp_path):
    x = images(64, 8)
    plan = plan_of([("0", 8, 16, {"sp2_4": 12, "fixed_4": 4}), ("2", 16, 4, {"fixed_4": 4})])
    plan.save(tmp_path / "plan.yaml")
    for given in (plan, tmp_path / "plan.yaml", str(tmp_path / "plan.yaml")):
        quantized = msq_finn.quantize(tiny(), x, plan=given, epochs=0)
        rows = row_schemes(quantized.get_submodule("0"))
        assert (rows.count("sp2_4"), rows.count("fixed_4")) == (12, 4)
        assert list(mixed_layers(quantized)) == ["0"]
    # Those that lose least under SP2, in weights and their scales as they are.
    best = assign_rows(deepcopy(quantized), {"0": {"sp2_4": 12, "fixed_4": 4}}, "mse")["0"]
    assert sum(a == b for a, b in zip(best, rows, strict=True)) >= 14
    # A last layer that is to have SP2 rows has them.
    both = plan_of([("0", 8, 16, {"fixed_4": 16}), ("2", 16, 4, {"sp2_4": 2, "fixed_4": 2})])
    assert list(mixed_layers(msq_finn.quantize(tiny(), x, plan=both, epochs=0))) == ["2"]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([("0", 8, 16, {"fixed_4": 16})], "layer 2 is not in the plan"),
        (
            [("0", 8, 15, {"sp2_4": 15}), ("2", 16, 4, {"fixed_4": 4})],
            "16x8 weights|layer 0: 16x8 weights, 15x8 in the plan",
        ),
    ],
)
def test_plans_of_other_networks_are_refused(layers, message):
    with pytest.raises(MsqError, match=message):
        msq_finn.quantize(tiny(), images(8, 8), plan=plan_of(layers), epochs=0)


def test_convolutions_are_brevitas_layers():
    quantized = msq_finn.quantize(joined(), images(4, 1, 6, 6), epochs=0)
    assert type(quantized.stem) is QuantConv2d and quantized.two.groups == 8
