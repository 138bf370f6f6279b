"""Layer by layer through a float network, the quantized one and the RTL."""

from __future__ import annotations

import json
import math
from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx
from click.testing import CliRunner
from torch import nn

import msq_finn
from msq_finn.cli import main
from msq_finn.errors import MsqError
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.trace import trace
from msq_finn.trace.in_report import put_in_report
from msq_finn.trace.rtl_levels import seen_in_rtl

from .. import browser

IMAGES = np.random.default_rng(0).random((6, 8)).astype(np.float32)


class Float(nn.Module):
    """Two hidden layers, with the modules' names of `Quantized`."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.head = nn.Linear(8, 12), nn.Linear(12, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


class Quantized(nn.Module):
    def __init__(self):
        super().__init__()
        layer = {"weight_quant": MSQWeightPerChannelFloat, "weight_bit_width": 4}
        self.quant = qnn.QuantIdentity(bit_width=8, return_quant_tensor=True)
        self.fc1 = qnn.QuantLinear(8, 12, bias=True, **layer)
        self.relu1 = qnn.QuantReLU(bit_width=4, return_quant_tensor=True)
        self.fc2 = qnn.QuantLinear(12, 6, bias=True, **layer)
        self.relu2 = qnn.QuantReLU(bit_width=4, return_quant_tensor=True)
        self.head = qnn.QuantLinear(6, 3, bias=True, **layer)

    def forward(self, x):
        x = self.relu1(self.fc1(self.quant(x)))
        return self.head(self.relu2(self.fc2(x)))


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(0)
    floating, quantized = Float(), Quantized()
    with torch.no_grad():
        floating.fc1.bias[2] = -50.0  # a channel that never opens
        quantized.load_state_dict(floating.state_dict(), strict=False)
        quantized.train()
        for _ in range(30):
            quantized(torch.rand(32, 8))
    return floating.eval(), quantized.eval()


@pytest.fixture(scope="module")
def files(networks, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trace")
    floating, quantized = networks
    torch.onnx.export(floating, torch.zeros(1, 8), folder / "float.onnx", dynamo=False)
    export_qonnx(quantized, torch.zeros(1, 8), str(folder / "model.onnx"), dynamo=False)
    np.save(folder / "images.npy", IMAGES)
    return folder


@pytest.fixture(scope="module")
def traced(files):
    return trace(files / "model.onnx", IMAGES, files / "float.onnx")


def decibels(values, expected):
    return 10 * math.log10(np.square(expected).sum() / np.square(values - expected).sum())


def seen(network, module):
    """What a module gives for each image, in torch."""
    kept = []
    hook = network.get_submodule(module).register_forward_hook(
        lambda _, __, output: kept.append(getattr(output, "value", output).detach().numpy())
    )
    with torch.no_grad():
        network(torch.from_numpy(IMAGES))
    hook.remove()
    return kept[0]


def test_layers_are_those_of_the_modules_in_order(traced):
    assert [layer.name for layer in traced.layers] == ["fc1", "fc2", "head"]
    assert traced.unmatched == [] and traced.against == "float.onnx" and traced.images == 6
    assert [layer.channels for layer in traced.layers] == [12, 6, 3]
    assert {sum(layer.rows.values()) for layer in traced.layers} == {12, 6, 3}


def test_ranges_and_noise_are_those_that_torch_sees(networks, traced):
    floating, quantized = networks
    expected = np.maximum(seen(floating, "fc1"), 0)
    values = seen(quantized, "relu1")
    first = traced.layers[0]
    assert first.range == pytest.approx((values.min(), values.max()), abs=1e-6)
    assert first.float_range == pytest.approx((expected.min(), expected.max()), abs=1e-6)
    assert first.snr_db == pytest.approx(decibels(values, expected), abs=1e-3)
    assert first.dead == ((values == values[:1]).all(axis=0)).sum() >= 1


def test_noise_of_a_layer_alone_starts_from_the_float_networks_values(networks, traced):
    floating, quantized = networks
    before = torch.relu(torch.from_numpy(seen(floating, "fc1")))
    with torch.no_grad():
        alone = quantized.relu2(quantized.fc2(before)).value.numpy()
    second = traced.layers[1]
    expected = np.maximum(seen(floating, "fc2"), 0)
    assert second.own_snr_db == pytest.approx(decibels(alone, expected), abs=1e-3)
    assert second.own_snr_db != second.snr_db


def test_it_finds_the_layer_that_is_at_fault(networks, files, tmp_path):
    floating, _ = networks
    broken = Float().eval()
    broken.load_state_dict(floating.state_dict())
    with torch.no_grad():
        broken.fc2.weight.mul_(-1.0)
    torch.onnx.export(broken, torch.zeros(1, 8), tmp_path / "float.onnx", dynamo=False)
    found = trace(files / "model.onnx", IMAGES, tmp_path / "float.onnx")
    assert found.worst.name == "fc2" and found.worst.own_snr_db < 1.0


def test_saturation_is_the_share_of_values_beyond_the_scale(networks, files, tmp_path):
    _, quantized = networks
    narrow = Quantized().eval()
    narrow.load_state_dict(quantized.state_dict())
    scale = narrow.relu1.act_quant.fused_activation_quant_proxy.tensor_quant.scaling_impl
    with torch.no_grad():
        scale.value.div_(8)
    export_qonnx(narrow, torch.zeros(1, 8), str(tmp_path / "model.onnx"), dynamo=False)
    before, after = trace(files / "model.onnx", IMAGES), trace(tmp_path / "model.onnx", IMAGES)
    sums = seen(narrow, "fc1")
    step = float(narrow.relu1.act_quant.scale())
    assert after.layers[0].saturated == pytest.approx((sums / step > 15.5).mean())
    assert after.layers[0].saturated > before.layers[0].saturated
    assert after.worst.name == "fc1"


def test_without_a_float_network_its_own_weights_are_compared(files):
    found = trace(files / "model.onnx", IMAGES)
    assert found.layers[-1].own_snr_db is None  # nothing is quantized behind its sums
    assert found.layers[-1].snr_db is not None
    assert "activations not quantized" in found.against


def test_a_float_network_of_other_names_is_refused(files, tmp_path):
    other = nn.Sequential(nn.Linear(8, 3)).eval()
    torch.onnx.export(other, torch.zeros(1, 8), tmp_path / "float.onnx", dynamo=False)
    with pytest.raises(MsqError, match=r"no layer of .* has the name and shape") as error:
        trace(files / "model.onnx", IMAGES, tmp_path / "float.onnx")
    assert error.value.field == "--float"


@pytest.fixture(scope="module")
def built(networks, files):
    _, quantized = networks
    design = msq_finn.compile(
        quantized, example=torch.zeros(1, 8), out=files / "out", target_fps=1_000_000,
        images=IMAGES, until="simulate",
    )  # fmt: skip
    return Path(design.folder)


def test_the_rtl_is_looked_into_where_there_is_a_build(built, files, tmp_path):
    model = built / "model.onnx"
    found = trace(model, IMAGES, build=built)
    told = [(layer.rtl_values, layer.rtl_differ) for layer in found.layers]
    assert told == [(6 * 12, 0), (6 * 6, 0), (None, None)]
    with pytest.raises(MsqError, match="no simulated build"):
        trace(model, IMAGES, build=files)
    other = tmp_path / "other.onnx"
    other.write_bytes(model.read_bytes() + b"other")
    with pytest.raises(MsqError, match="another model"):
        seen_in_rtl(built, other, IMAGES, {})


def test_the_table_goes_into_the_builds_report(built, files, tmp_path):
    command = ["trace", str(built / "model.onnx"), "--inputs", str(files / "images.npy")]
    for _ in range(2):  # the second takes the place of the first
        result = CliRunner().invoke(main, [*command, "--build", str(built)])
        assert result.exit_code == 0 and "0 of 72" in result.output
        assert "report.html" in result.output
    page = (built / "report.html").read_text()
    assert page.count("<h2>Trace</h2>") == 1 and page.count("<td>0 of 72</td>") == 1
    assert "Most noise of its own: fc" in page and "</html>" in page
    for width in (1300, 800):
        looked = browser.look(page, tmp_path, width)
        assert not looked["overlaps"] and looked["wide"] <= looked["window"]


def test_a_report_of_another_version_has_no_room_for_a_trace(traced, tmp_path):
    (tmp_path / "report.html").write_text("<html></html>")
    with pytest.raises(MsqError, match="has no room for a trace"):
        put_in_report(tmp_path, traced)


def test_the_command_prints_a_table_and_the_noisiest_layer(files, traced):
    command = ["trace", str(files / "model.onnx"), "--inputs", str(files / "images.npy")]
    command += ["--float", str(files / "float.onnx")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0 and f"Most noise of its own: {traced.worst.name}" in result.output
    told = json.loads(CliRunner().invoke(main, [*command, "--json"]).stdout)
    assert [layer["name"] for layer in told["layers"]] == ["fc1", "fc2", "head"]
    assert told["layers"][0]["snr_db"] == pytest.approx(traced.layers[0].snr_db)
