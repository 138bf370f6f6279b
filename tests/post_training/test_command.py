"""``msq-finn quantize``, and what it reads from disk."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch import nn

from msq_finn.build.simulate import reference_outputs
from msq_finn.cli import main
from msq_finn.errors import MsqError
from msq_finn.post_training.sample_files import load_samples

NETWORK = """
import torch
from torch import nn

def trained():
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3),
    )

def single():
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 1))

built = single()

def unfit():
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.GLU(1), nn.Flatten(), nn.Linear(16, 3))
"""


@pytest.fixture()
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = f"float_net_{abs(hash(tmp_path)) % 10**8}"  # modules stay loaded
    (tmp_path / f"{name}.py").write_text(NETWORK)
    rng = np.random.default_rng(0)
    x = rng.random((40, 1, 4, 4)).astype(np.float32)
    np.savez("digits.npz", x=x, y=rng.integers(0, 3, 40))
    return name


def run(*arguments):
    return CliRunner().invoke(main, ["quantize", *arguments], catch_exceptions=False)


def test_a_page_and_a_file(folder, tmp_path):
    done = run(f"{folder}:trained", "--data", "digits.npz", "-o", "net.onnx", "--epochs", "1")
    assert done.exit_code == 0, done.output
    for said in ("0", "4 x 9", "2 fixed_4, 2 sp2_4", "3 x 16", "accuracy_quant", "net.onnx"):
        assert said in done.stdout
    x = np.load("digits.npz")["x"]
    assert reference_outputs(tmp_path / "net.onnx", x[:3]).shape == (3, 3)
    torch.manual_seed(7)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    with torch.no_grad():
        expected = network(torch.from_numpy(x[:3])).numpy()
    floats = reference_outputs(tmp_path / "net.float.onnx", x[:3])
    np.testing.assert_allclose(floats, expected, rtol=1e-4, atol=1e-5)


def test_json_has_what_was_measured(folder):
    done = run(f"{folder}:trained", "--data", "digits.npz", "--epochs", "0", "--json")
    found = json.loads(done.stdout)
    assert found["file"] == "model.onnx" and found["samples"] == 40
    assert [layer["name"] for layer in found["layers"]] == ["0", "3"]
    assert found["layers"][0] == {"name": "0", "rows": {"fixed_4": 2, "sp2_4": 2}, "columns": 9}
    assert 0 < found["error"] < 0.5 and found["same_class"] > 0.5
    torch.manual_seed(7)
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    arrays = np.load("digits.npz")
    with torch.no_grad():
        classes = network(torch.from_numpy(arrays["x"])).argmax(1).numpy()
    assert found["accuracy_float"] == pytest.approx((classes == arrays["y"]).mean())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{}:unfit", "--data", "digits.npz"], "1: GLU has no place in it"),
        (["{}:trained", "--data", "no.npz"], "no.npz: no such file"),
        (["{}:trained", "--data", "digits.npz", "--act-bits", "9"], "--act-bits"),
        (["{}:trained", "--data", "digits.npz", "--board", "A", "--plan", "b"], "give one"),
        (["{}", "--data", "digits.npz"], "as module:function"),
        (["{}:none", "--data", "digits.npz"], "no such function"),
        (["{}.py:trained", "--data", "digits.npz"], "name the module without .py, as float_net_"),
        (["{}:built", "--data", "digits.npz"], ":built: is a network; give a function that builds"),
        (
            ["{}:single", "--data", "digits.npz"],
            "digits.npz: labels from 0 to 2, but the network has 1 output; number classes from 0",
        ),
    ],
)
def test_bad_input_is_told_in_one_line(folder, arguments, said):
    done = run(*(word.format(folder) for word in arguments))
    assert done.exit_code == 2
    assert said in done.stderr and done.stderr.strip().count("\n") == 0


def test_folders_of_images(tmp_path):
    rng = np.random.default_rng(0)
    for label, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for i in range(2):
            pixels = np.full((5, 4, 3), 51 * label, np.uint8) + rng.integers(0, 2, (5, 4, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name / f"{i}.png")
    colours, labels = load_samples(tmp_path, 3)
    assert colours.shape == (4, 3, 5, 4) and labels.tolist() == [0, 0, 1, 1]
    assert colours[2:].mean().item() == pytest.approx(0.2, abs=0.01)
    grey, labels = load_samples(tmp_path / "dog", 1)
    assert grey.shape == (2, 1, 5, 4) and labels is None
    Image.new("RGB", (5, 5)).save(tmp_path / "dog" / "2.png")
    with pytest.raises(MsqError, match=r"2\.png: not of 5x4 pixels, as 0\.png is"):
        load_samples(tmp_path, 3)


ARRAYS = {
    "integers": ({"x": np.zeros((2, 3), np.uint8)}, "inputs are uint8; save them as"),
    "no inputs": ({"z": np.zeros((2, 3))}, "holds z; name the inputs x"),
    "flat": ({"x": np.zeros(3)}, r"inputs of shape \(3,\)"),
    "not finite": ({"x": np.full((2, 3), np.inf)}, "no finite numbers"),
    "labels": ({"x": np.zeros((2, 3)), "y": np.zeros(3, int)}, "a whole number for each of the 2"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_are_checked(case, tmp_path):
    arrays, message = ARRAYS[case]
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(MsqError, match=message):
        load_samples(tmp_path / "a.npz", 1)


def test_one_array(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((2, 3)))
    inputs, labels = load_samples(tmp_path / "x.npy", 1)
    assert inputs.shape == (2, 3) and inputs.dtype == torch.float32 and labels is None
    (tmp_path / "a.npz").write_bytes(b"no archive")
    with pytest.raises(MsqError, match="not NumPy arrays"):
        load_samples(tmp_path / "a.npz", 1)
