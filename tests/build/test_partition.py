"""Networks of which FINN leaves layers, or everything, to the processor."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import brevitas.nn as qnn
import pytest
import torch
from brevitas.quant import Int8ActPerTensorFloat
from click.testing import CliRunner
from torch import nn

from msq_finn.build.run import build
from msq_finn.cli import main
from msq_finn.cli.build import _warn
from msq_finn.errors import MsqError
from msq_finn.lowering.intermediate import path_of
from msq_finn.lowering.lower import Target
from msq_finn.models import ActQuant
from msq_finn.quant import FixedWeightPerTensorFloat

from .networks import exported

FIXED = {"bias": False, "weight_quant": FixedWeightPerTensorFloat}


class Concatenated(nn.Module):
    """Two layers on one input, and a third on the concatenation of both."""

    def __init__(self):
        super().__init__()
        self.quantize = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat)
        self.first, self.second = qnn.QuantLinear(8, 8, **FIXED), qnn.QuantLinear(8, 8, **FIXED)
        # Of two scales, which no scale behind the concatenation can stand for.
        self.activations = nn.ModuleList(qnn.QuantReLU(act_quant=ActQuant) for _ in range(2))
        self.third = qnn.QuantLinear(16, 4, **FIXED)

    def forward(self, x):
        x = self.quantize(x)
        layers = (self.first, self.second)
        both = [act(layer(x)) for act, layer in zip(self.activations, layers, strict=True)]
        return self.third(torch.cat(both, 1))


class Sine(nn.Module):
    """What no processor of ours computes."""

    def forward(self, x):
        return torch.sin(x)


def mlp(*front, end=()):
    return nn.Sequential(
        *front,
        qnn.QuantLinear(8, 8, **FIXED),
        qnn.QuantReLU(act_quant=ActQuant),
        qnn.QuantLinear(8, 4, **FIXED),
        *end,
    )


def quantized(end=()):
    return mlp(qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat), end=end)


def source_of(model, folder):
    torch.manual_seed(0)
    model.train()
    with torch.no_grad():
        for _ in range(10):
            model(torch.randn(16, 8))
    return exported(model.eval(), folder / "model.onnx", (1, 8))


def invoked(source, folder, *options):
    arguments = ["build", str(source), "-o", str(folder / "out"), "--until", "estimate", *options]
    return CliRunner().invoke(main, arguments)


def test_an_accelerator_without_a_layer_is_refused(tmp_path):
    """A layer with weights in float behind the only quantizers."""
    quantizer = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat)
    model = nn.Sequential(quantizer, qnn.QuantReLU(act_quant=ActQuant), nn.Linear(8, 4, bias=False))
    result = invoked(source_of(model, tmp_path), tmp_path)
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
    assert "no layer would be in the accelerator; on the host stay " in result.stderr
    assert "MatMul_0 (MatMul)" in result.stderr
    assert not (tmp_path / "out").exists()


def test_branches_of_two_scales_that_are_joined_are_refused(tmp_path):
    result = invoked(source_of(Concatenated(), tmp_path), tmp_path)
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
    text = r"Concat_0 \(Concat\): the branches that are concatenated have scales of their own"
    assert re.search(text + r" \(activations.0, scale .*give them one quantizer", result.stderr)
    assert not (tmp_path / "out").exists()


def test_a_layer_on_the_host_is_named(tmp_path):
    result = invoked(source_of(mlp(), tmp_path), tmp_path)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "msq-finn: warning: 0 (MatMul): not in the accelerator but on the host; "
        "quantize weights and input of a layer to have it in hardware"
    ]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["layers_on_host"] == ["0 (MatMul)"]


def test_a_transposed_convolution_is_not_told_to_quantize(capsys):
    summary = SimpleNamespace(layers_on_host=["up (ConvTranspose)"], predicted_cycles_per_image=1)
    _warn(summary, Target("Pynq-Z1"))
    assert capsys.readouterr().err == (
        "msq-finn: warning: up (ConvTranspose): not in the accelerator but on the host; quantize "
        "weights and input of a layer to have it in hardware; there is none for transposed "
        "convolutions\n"
    )


def test_a_target_out_of_reach_says_what_was_reached(tmp_path):
    source = source_of(quantized(), tmp_path)
    result = invoked(source, tmp_path, "--target-fps", str(10**21))
    assert result.exit_code == 0
    cycles = json.loads((tmp_path / "out" / "summary.json").read_text())
    frames = round(1e8 / cycles["predicted_cycles_per_image"])
    assert result.stderr.splitlines() == [
        f"msq-finn: warning: --target-fps {10**21} is out of reach: {frames} frames per second at "
        "10 ns is what folding came to"
    ]
    (tmp_path / "out" / "notes.txt").touch()
    again = invoked(source, tmp_path, "--target-fps", "1000000")
    assert not again.stderr
    # Not the user's own file.
    written = f"Written to {tmp_path / 'out'}: dataflow.onnx, model.onnx, report, summary.json"
    assert written in again.stdout.splitlines()


def test_what_a_board_cannot_run_is_refused_before_folding(tmp_path):
    """With a package in sight only: simulation runs it."""
    source = source_of(quantized(end=[Sine()]), tmp_path)
    (work := tmp_path / "work").mkdir()
    target = Target("Pynq-Z1")
    with pytest.raises(MsqError, match=r"\(Sin\) would run on the board's processor, which"):
        build(source, target, tmp_path, work, 2, until="deploy")
    assert not path_of(work, "step_create_dataflow_partition").exists()
    assert build(source, target, tmp_path, work, 2, until="estimate").layers_on_host == []
