"""Differences between RTL and model are seen, whatever the processor does behind, and fail."""

from __future__ import annotations

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
    options = ["--until", "simulate", "--images", "3", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, ["build", str(source), *options])
    assert done.exit_code == broken, done.output
    assert ("1 of 3 images differ between the RTL and the exported model" in done.stderr) == broken
