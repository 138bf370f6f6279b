"""What a user sees when something is wrong: one line, the right exit code, nothing left behind."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper

from msq_finn.cli import main


def msq_finn(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def good_model(tmp_path):
    """A small ONNX model; enough for checks that come before any lowering."""
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "tiny",
        [info("x", TensorProto.FLOAT, [1, 4])],
        [info("y", TensorProto.FLOAT, [1, 4])],
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), str(path))
    return path


def assert_refused(result, text, out):
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("msq-finn: ") and text in lines[0]
    assert not out.exists()


def test_a_missing_file(tmp_path):
    out = tmp_path / "out"
    result = msq_finn("build", tmp_path / "none.onnx", "--board", "Pynq-Z1", "-o", out)
    assert_refused(result, "none.onnx: no such file", out)


def test_a_truncated_model(tmp_path, good_model):
    out, cut = tmp_path / "out", tmp_path / "cut.onnx"
    cut.write_bytes(good_model.read_bytes()[:-7])
    assert_refused(msq_finn("build", cut, "-o", out), "not a complete ONNX file", out)


def test_an_empty_file(tmp_path):
    out, empty = tmp_path / "out", tmp_path / "empty.onnx"
    empty.touch()
    assert_refused(msq_finn("build", empty, "-o", out), "no ONNX model in it", out)


def test_an_unknown_board(tmp_path, good_model):
    out = tmp_path / "out"
    result = msq_finn("build", good_model, "--board", "Pynq-Z99", "-o", out)
    assert_refused(result, "unknown board 'Pynq-Z99'; FINN knows ", out)
    assert_refused(msq_finn("demo", "--board", "Pynq-Z99", "-o", out), "unknown board", out)


def test_a_folding_configuration_that_is_no_json(tmp_path, good_model):
    out, bad = tmp_path / "out", tmp_path / "folding.json"
    bad.write_text("{")
    result = msq_finn("build", good_model, "--folding-config", bad, "-o", out)
    assert_refused(result, "not a JSON file", out)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((3, 5)), "the model wants"),
        (np.full((3, 4), np.nan), "no finite numbers"),
        (np.array([["a"] * 4] * 3), "no finite numbers"),
    ],
)
def test_images_that_do_not_fit(tmp_path, good_model, array, text):
    out, images = tmp_path / "out", tmp_path / "images.npy"
    np.save(images, array)
    assert_refused(msq_finn("build", good_model, "--inputs", images, "-o", out), text, out)


def test_pickled_images_are_not_loaded(tmp_path, good_model):
    out, images = tmp_path / "out", tmp_path / "images.npy"
    np.save(images, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    result = msq_finn("build", good_model, "--inputs", images, "-o", out)
    assert_refused(result, "not a NumPy array file", out)


def test_doctor_lists_every_tool():
    result = msq_finn("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(result.stdout)}
    assert list(checks) == ["Verilator", "Yosys", "g++", "make", "FINN", "Vivado"]
    assert checks["FINN"]["severity"] == "ok" and checks["FINN"]["found"].startswith("finn-plus ")
    for check in checks.values():
        assert bool(check["suggestion"]) == (check["found"] is None)


def test_doctor_names_what_a_missing_tool_costs(monkeypatch):
    monkeypatch.setenv("PATH", "")
    result = msq_finn("doctor", "--json")
    missing = {c["name"]: c for c in json.loads(result.stdout) if c["severity"] == "error"}
    assert {"g++", "make"} <= set(missing)
    assert missing["g++"]["message"] == "no RTL simulation"
    assert result.exit_code == 1
