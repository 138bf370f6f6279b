"""Networks as users write and train them, from float weights to an exported file."""

import warnings

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.export import export_qonnx
from brevitas.nn.utils import merge_bn
from brevitas.quant import Int8ActPerTensorFloat
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from msq_finn import schemes
from msq_finn.inspect import inspect
from msq_finn.quant import MSQWeightPerChannelFloat
from msq_finn.training.assign import assign_rows, mixed_layers, row_schemes
from msq_finn.training.couple import coupled_layers

MIXED = {"weight_quant": MSQWeightPerChannelFloat, "weight_sp2_ratio": 0.5}


def conv(inputs, outputs, quantized, **shape):
    if quantized:
        return qnn.QuantConv2d(inputs, outputs, 3, padding=1, bias=False, **shape, **MIXED)
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False, **shape)


def linear(inputs, outputs, quantized):
    if quantized:
        return qnn.QuantLinear(inputs, outputs, bias=True, **MIXED)
    return nn.Linear(inputs, outputs)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, quantized):
        super().__init__()
        self.conv1 = conv(inputs, outputs, quantized, stride=stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = conv(outputs, outputs, quantized)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                conv(inputs, outputs, quantized, stride=stride), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += identity
        return F.relu(y, inplace=True)


class ResNet(nn.Module):
    def __init__(self, quantized):
        super().__init__()
        self.conv1 = conv(3, 8, quantized)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = nn.Sequential(Block(8, 8, 1, quantized), Block(8, 8, 1, quantized))
        self.layer2 = nn.Sequential(Block(8, 16, 2, quantized))
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer2(self.layer1(x))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))

    def merge(self):
        pairs = [(self.conv1, "bn1", self)]
        for block in (*self.layer1, *self.layer2):
            pairs += [(block.conv1, "bn1", block), (block.conv2, "bn2", block)]
            if block.downsample is not None:
                pairs.append((block.downsample[0], "1", block.downsample))
        for layer, name, owner in pairs:
            merge_bn(layer, getattr(owner, name))
            setattr(owner, name, nn.Identity())


class Vit(nn.Module):
    def __init__(self, quantized):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(16), nn.LayerNorm(16)
        self.qkv, self.proj = linear(16, 48, quantized), linear(16, 16, quantized)
        self.fc1, self.fc2 = linear(16, 32, quantized), linear(32, 16, quantized)
        self.ls1, self.ls2 = (nn.Parameter(0.1 * torch.ones(16)) for _ in range(2))
        self.register_buffer("mask", torch.full((5, 5), -torch.inf).triu(1))
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        q, k, v = self.qkv(self.norm1(x)).chunk(3, dim=-1)
        attention = (q @ k.transpose(1, 2) / 4 + self.mask).softmax(-1)
        x = x + self.ls1 * self.proj(attention @ v)
        x = x + self.ls2 * F.dropout(self.fc2(F.gelu(self.fc1(self.norm2(x)))), 0.1, self.training)
        return self.head(x.mean(1))

    def merge(self):
        pass


class Lstm(nn.Module):
    def __init__(self, quantized):
        super().__init__()
        self.quantized = quantized
        if quantized:
            parts = ("bias", "io", "gate_acc", "sigmoid", "tanh", "cell_state")
            self.lstm = qnn.QuantLSTM(8, 16, **{f"{part}_quant": None for part in parts}, **MIXED)
        else:
            self.lstm = nn.LSTM(8, 16)
        self.head = linear(16, 10, quantized)

    def forward(self, x):
        _, (state, _) = self.lstm(x.transpose(0, 1))
        return self.head(state.flatten(0, -2))

    def merge(self):
        pass


CASES = {
    "ResNet": (
        ResNet,
        (3, 8, 8),
        [
            ["conv1", "layer1.0.conv2", "layer1.1.conv2"],
            ["layer2.0.conv2", "layer2.0.downsample.0"],
        ],
    ),
    "ViT": (Vit, (5, 16), [["proj", "fc2"]]),
    "LSTM": (
        Lstm,
        (7, 8),
        [
            [
                f"lstm.layers.0.0.{gate}_gate_params.input_weight"
                for gate in ("input", "forget", "cell", "output")
            ]
        ],
    ),
}


def initialise(module):
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def steps(model, x, y, count, ema=None, amp=False):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model.train()
    for _ in range(count):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=amp):
            loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if ema is not None:
            ema.update_parameters(model)
    return optimizer


def rows(model):
    return {name: row_schemes(layer) for name, layer in mixed_layers(model).items()}


@pytest.mark.parametrize("name", CASES)
def test_rows_stay_from_assignment_to_export(name, tmp_path):
    make, shape, groups = CASES[name]
    torch.manual_seed(0)
    x, y = torch.rand(16, *shape), torch.arange(16) % 10
    floats = make(False).apply(initialise)
    steps(floats, x, y, 3)

    model = make(True)
    model.load_state_dict(floats.state_dict())
    coupled = coupled_layers(model, x[:1])
    assert coupled == groups
    assigned = assign_rows(model, 0.5, "mse", coupled=coupled)
    assert rows(model) == assigned
    for group in groups:
        assert len({tuple(assigned[layer]) for layer in group}) == 1

    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*assign_rows")
        optimizer = steps(model, x, y, 3, ema, amp=True)
    assert rows(model) == rows(ema.module) == assigned

    path = tmp_path / "last.pt"
    torch.save(
        {
            "epoch": 3,
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "ema_state": ema.state_dict(),
        },
        path,
    )
    listed = {layer.name: layer for layer in inspect(path).layers}
    assert len(listed) >= len(assigned)

    device = "cuda" if torch.cuda.is_available() else "cpu"
    resumed = make(True).to(device)
    resumed.load_state_dict(torch.load(path, map_location=device, weights_only=True)["model"])
    resumed = resumed.eval().cpu()
    model.eval()
    assert rows(resumed) == assigned
    assert torch.equal(resumed(x), model(x))

    resumed.merge()
    assert torch.allclose(resumed(x), model(x), atol=1e-4, rtol=1e-3)
    assert rows(resumed) == assigned

    file = str(tmp_path / "model.onnx")
    export_qonnx(resumed, x[:1], file, dynamo=False, opset_version=17)
    exported = cleanup_model(ModelWrapper(file))
    result = execute_onnx(exported, {exported.graph.input[0].name: x[:1].numpy()})
    expected = resumed(x[:1]).detach().numpy()
    assert np.abs(result[exported.graph.output[0].name] - expected).max() < 1e-4
    kept = list(exported_rows(exported))
    for layer_name, layer in mixed_layers(resumed).items():
        for weight in layer.weight_quant.tracked_parameter_list:
            quantized = layer.weight_quant(weight)
            ints = (quantized.value / quantized.scale).flatten(1).round().long().numpy()
            assert any(sorted(map(tuple, ints)) == sorted(map(tuple, k)) for k in kept), layer_name
            for scheme, row in zip(assigned[layer_name], ints, strict=True):
                assert schemes.get(scheme).holds(row).all()


def exported_rows(model):
    """The integers of each constant behind a Quant node, in both orders of a matrix."""
    for node in model.graph.node:
        weight = model.get_initializer(node.input[0]) if node.op_type == "Quant" else None
        if weight is None:
            continue
        ints = np.round(weight / model.get_initializer(node.input[1])).astype(int)
        yield ints.reshape(len(ints), -1)
        if ints.ndim == 2:
            yield ints.T


def test_quantizers_of_activations_are_brevitas_own():
    """Ours need nothing of the other quantizers of a layer."""
    layer = qnn.QuantLinear(8, 4, True, **MIXED, input_quant=Int8ActPerTensorFloat)
    assert layer(torch.randn(2, 8)).isfinite().all()
