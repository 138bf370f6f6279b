"""What cannot be built: one line that says what, where, and what to do."""

from __future__ import annotations

import json

import onnx
import pytest
from click.testing import CliRunner

from msq_finn.build.model_checks import check_model
from msq_finn.cli import main

from ..robustness import models as m

REFUSED = {
    "a board that FINN does not know": (
        ["--board", "Basys3"],
        lambda model: None,
        "unknown board 'Basys3'; FINN knows ",
    ),
    "an op without hardware": (
        [],
        lambda model: m.between(model, "Exp", "b"),
        ", Exp_0 (Exp), Shuffle_Transpose_2 (Shuffle), Thresholding_1 (MultiThreshold): no hard",
    ),
    "an op with hardware for floats": (
        [],
        lambda model: m.between(model, "Sigmoid", "b"),
        ", PWPolyF_0 (PWPolyF), Shuffle_Transpose_2 (Shuffle), Thresholding_1 (MultiThreshold): ",
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
