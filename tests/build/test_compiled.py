"""One call from a network to hardware, and what it gives."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

import msq_finn
from msq_finn.build.simulate import reference_outputs
from msq_finn.errors import MsqError

from .networks import exported, plain_mlp

EXAMPLE = torch.zeros(1, 8)


@pytest.fixture(scope="module")
def network():
    """As `exported` settles it."""
    return plain_mlp()


@pytest.fixture(scope="module")
def design(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    exported(network, folder / "settled.onnx", (1, 8))
    network.train()
    images = np.random.default_rng(0).random((6, 8))
    outputs = reference_outputs(folder / "settled.onnx", images.astype(np.float32))
    wrong = (outputs.argmax(1) + (np.arange(6) == 3)) % outputs.shape[1]
    return msq_finn.compile(
        network, example=EXAMPLE, out=folder / "out", target_fps=1_000_000,
        images=images, labels=wrong,
    )  # fmt: skip


def test_a_network_of_brevitas_is_simulated_and_left_as_it_was(network, design):
    assert design.summary.rtl_mismatches == 0
    assert design.summary.accuracy_rtl == pytest.approx(5 / 6)
    assert network.training
    assert design.images.shape == (6, 8)
    expected = reference_outputs(design.folder / "model.onnx", design.images)
    np.testing.assert_array_equal(design.outputs, expected)


def test_figures_are_those_that_the_command_line_prints(design):
    assert design.figures == json.loads((design.folder / "summary.json").read_text())


@pytest.mark.parametrize("count", [1, 5])
def test_predictions_are_those_of_the_rtl(design, count):
    images = np.random.default_rng(count).random((count, 8))
    expected = reference_outputs(design.folder / "model.onnx", images.astype(np.float32))
    np.testing.assert_allclose(design.predict(images), expected, rtol=1e-5, atol=1e-6)
    assert np.ptp(expected) > 0


def test_a_prediction_leaves_its_waveform(design, tmp_path):
    images = np.asarray(design.images)[:1]
    found = design.predict(images, waveform=tmp_path / "one.vcd")
    np.testing.assert_allclose(found, np.asarray(design.outputs)[:1], rtol=1e-5, atol=1e-6)
    assert "in0_V_TVALID" in (tmp_path / "one.vcd").read_text()


def test_predictions_come_from_rtl_and_not_from_the_exported_model(design, tmp_path):
    """Weights that are lost from the LUTs' tables, or from memories, show."""
    images = np.random.default_rng(9).random((4, 8))
    before = design.predict(images)
    code = design.folder / "build" / "finn"
    held = {
        "MVAU_MSQ*_wrapper.v": (r"(\.Table\(\d+'h)[0-9a-f]+", r"\g<1>0"),
        "memblock.dat": ("[1-9a-f]", "0"),
    }
    texts = {path: path.read_text() for pattern in held for path in code.rglob(pattern)}
    try:
        emptied = set()
        for pattern, (weights, zeros) in held.items():
            for path in code.rglob(pattern):
                path.write_text(re.sub(weights, zeros, texts[path]))
                emptied |= {path.parent} if path.read_text() != texts[path] else set()
        assert emptied == {path.parent for path in texts}
        assert (design.predict(images) != before).any()
    finally:
        for path, text in texts.items():
            path.write_text(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"example": None}, "needs an example of its input"),
        ({"images": np.zeros((4, 7))}, r"images: shape \(4, 7\), but the model wants"),
        ({"images": 1}, "1 images; a simulation takes two or more"),
        ({"labels": np.zeros(8, int)}, "random images have none"),
        ({"target_fps": 5, "plan": "plan.yaml"}, "the plan has its own target"),
        ({"board": "Pink-Z1"}, "Pink-Z1"),
    ],
)
def test_what_cannot_be_compiled_says_why(network, tmp_path, given, message):
    arguments = {"example": EXAMPLE, "out": tmp_path / "out"} | given
    with pytest.raises(MsqError, match=message):
        msq_finn.compile(network, **arguments)
    assert not (tmp_path / "out").exists()


def test_a_design_that_was_not_simulated_predicts_nothing(network, tmp_path):
    design = msq_finn.compile(network, example=EXAMPLE, out=tmp_path / "out", until="estimate")
    with pytest.raises(MsqError, match="built without a simulation"):
        design.predict(np.zeros((1, 8)))


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, msq_finn; print(sorted({'torch', 'finn', 'qonnx'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
