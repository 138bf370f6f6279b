"""Differences between RTL and model are seen, whatever the processor does behind, and fail."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from torch import nn

from msq_finn.build import hardware_steps
from msq_finn.build.simulate import simulate
from msq_finn.cli import main

from .networks import exported, small_cnn


@pytest.mark.parametrize("broken", [False, True])
def test_a_difference_that_the_processor_hides(tmp_path, monkeypatch, broken):
    """All integers of one image are off by one, which a LogSoftmax takes away."""

    def found(*arguments):
        result = simulate(*arguments)
        result.raw[1] += broken
        return result

    monkeypatch.setattr(hardware_steps, "simulate", found)
    source = exported(
        nn.Sequential(small_cnn(), nn.LogSoftmax(dim=1)), tmp_path / "model.onnx", (1, 1, 6, 6)
    )
    out = tmp_path / "out"
    until = "deploy" if broken else "simulate"
    options = ["--until", until, "--images", "3", "--out", str(out)]
    if not broken:  # the network takes pixels from 0 to 1
        np.save(tmp_path / "images.npy", np.full((3, 1, 6, 6), 200, np.uint8))
        options += ["--inputs", str(tmp_path / "images.npy")]
    done = CliRunner().invoke(main, ["build", str(source), *options])
    assert done.exit_code == broken, done.output
    outside = "100% of the values of the images are far outside the input quantizer's range, and"
    assert (outside in done.stderr) != broken
    text = (
        "1 of 3 images differ between the RTL and the exported model, first image 1 at the "
        "accelerator's outputs (5 values: the same images gave other outputs in a second simulation"
    )
    assert (text in done.stderr) == broken
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["rtl_mismatches"], summary["rtl_faults"]) == (broken, 5 * broken)
    assert summary["rtl_ties"] == 0 and (out / "report/msq_difference.npz").exists() == broken
    # Nothing long is done for a wrong design, and nothing is packed.
    assert summary["lut_sites"] is None and not (out / "deploy").exists()
    assert ("second simulation" in (out / "report.html").read_text()) == broken
