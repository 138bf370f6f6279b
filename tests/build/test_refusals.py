"""What cannot be built: one line that says what, where, and what to do."""

from __future__ import annotations

import json

import brevitas.nn as qnn
import numpy as np
import onnx
import pytest
import torch
from brevitas.quant import SignedBinaryActPerTensorConst
from click.testing import CliRunner
from torch import nn
from torch.nn import functional

from msq_finn.build.differences import differ
from msq_finn.cli import main
from msq_finn.errors import MsqError
from msq_finn.lowering.hardware_checks import check_hardware
from msq_finn.lowering.model_checks import check_model
from msq_finn.models import ActQuant

from ..robustness import models as m
from .networks import exported

REFUSED = {
    "a board that FINN does not know": (
        ["--board", "Basys3"],
        lambda model: None,
        "unknown board 'Basys3'; FINN knows ",
    ),
    "an op without hardware": (
        [],
        lambda model: m.between(model, "Sin", "b"),
        ", Sin_0 (Sin), Shuffle_Transpose_2 (Shuffle), Thresholding_1 (MultiThreshold): no hard",
    ),
    "an op with hardware for floats": (
        [],
        lambda model: m.between(model, "Softmax", "b"),
        ", HWSoftmax_0 (Softmax), Shuffle_Transpose_2 (Shuffle), Thresholding_1 (MultiThreshold)",
    ),
    "a quantizer that rounds another way": (
        [],
        lambda model: m.set_attribute(model, "quant_r_q", rounding_mode="FLOOR"),
        "node 'quant_r_q': rounding_mode FLOOR; thresholds round to the nearest level, ties to ",
    ),
    "weights outside the accelerator": (
        ["--folding-config", "folding.json"],
        lambda model: None,
        "MVAU_MSQ_rtl_0: mem_mode=external_mem, but weights are kept on chip; use internal_dec",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_one_line(tmp_path, monkeypatch, case):
    options, edit, text = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    model = m.valid()
    edit(model)
    onnx.save(model, "model.onnx")
    (tmp_path / "folding.json").write_text(
        json.dumps({"MVAU_MSQ_rtl_0": {"mem_mode": "external_mem"}})
    )
    result = CliRunner().invoke(main, ["build", "model.onnx", "-o", "out", *options])
    assert result.exit_code == 2, result.stderr
    assert text in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


class Twice(nn.Module):
    def forward(self, x):
        return x + x


class PooledSum(nn.Module):
    """Both halves of a map, added, and a pool with zeros around that."""

    def forward(self, x):
        return functional.max_pool2d(x[:, :2] + x[:, 2:], 3, 2, 1)


POOLS = {
    "a dilated pool": (nn.MaxPool2d(3, 3, dilation=2), False, "no hardware for dilations [2, 2]"),
    "windows over the edge": (
        nn.MaxPool2d(2, 2, ceil_mode=True),
        False,
        "no hardware for windows over the edge (ceil_mode) of values of shape [1, 4, 7, 7]; pad",
    ),
    "a pool with signed pads": (nn.MaxPool2d(3, 2, 1), True, "pads of signed values have no hard"),
    "a sum with signed pads": (PooledSum(), True, "pads of signed values have no hardware"),
    "one stream twice": (Twice(), False, "twice, and no hardware forks a stream into one node"),
    "1 bit at the end": (
        qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst),
        False,
        "no hardware for activations of 1 bit",
    ),
}


@pytest.mark.parametrize("case", POOLS)
def test_a_module_without_hardware_is_named(tmp_path, case):
    """What FINN would compute otherwise, or refuse without a name."""
    module, signed, text = POOLS[case]
    quantizer = qnn.QuantIdentity(bit_width=4) if signed else qnn.QuantReLU(ActQuant, bit_width=4)
    model = nn.Sequential(
        qnn.QuantIdentity(bit_width=4),
        qnn.QuantConv2d(1, 4, 3, padding=1, bias=False, weight_bit_width=4),
        quantizer,
        module,
    )
    model(torch.randn(8, 1, 7, 7))
    source = exported(model.eval(), tmp_path / "model.onnx", (1, 1, 7, 7))
    result = CliRunner().invoke(main, ["build", str(source), "-o", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert text in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_pool_whose_windows_end_at_the_edge_is_taken(tmp_path):
    model = nn.Sequential(qnn.QuantReLU(ActQuant), nn.MaxPool2d(2, 2, ceil_mode=True))
    model(torch.rand(8, 1, 6, 6))
    check_hardware(onnx.load(exported(model.eval(), tmp_path / "m.onnx", (1, 1, 6, 6))).graph)


def test_outputs_of_another_shape_are_no_outputs():
    """NumPy would compare every output with every other."""
    with pytest.raises(MsqError, match=r"outputs of shape \(6, 6\), where .* has \(6,\)"):
        differ(np.zeros((6, 6, 6)), np.zeros((6, 6)), 1)


def test_weights_in_another_file_are_refused(tmp_path, monkeypatch):
    """As ONNX saves them, not only as a field says so."""
    monkeypatch.chdir(tmp_path)
    model = m.valid()
    onnx.save(model, "model.onnx", save_as_external_data=True, size_threshold=0)
    result = CliRunner().invoke(main, ["build", "model.onnx", "-o", "out"])
    assert result.exit_code == 2
    assert "lies in another file; export with the weights inside" in result.stderr


@pytest.mark.parametrize("key", ["tensor_sparsity", "tensor_layout"])
def test_annotations_are_no_programs(tmp_path, monkeypatch, key):
    """QONNX evaluates them as Python, and FINN asks it to."""
    monkeypatch.chdir(tmp_path)
    model = m.valid()
    annotation = model.graph.quantization_annotation.add(tensor_name="fc_q")
    annotation.quant_parameter_tensor_names.add(key=key, value="open('pwned', 'w')")
    onnx.save(model, "model.onnx")
    result = CliRunner().invoke(main, ["build", "model.onnx", "-o", "out", "--until", "estimate"])
    assert result.exit_code == 2
    assert f"tensor 'fc_q': its {key} is no Python constant" in result.stderr
    assert not (tmp_path / "pwned").exists()


def test_annotations_of_constants_are_fine():
    model = m.valid()
    annotation = model.graph.quantization_annotation.add(tensor_name="fc_q")
    annotation.quant_parameter_tensor_names.add(key="tensor_layout", value="['N', 'C']")
    check_model(model)
