"""Networks that people take to FINN, whole, as ``benchmarks/networks.py`` runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "networks.py"


NAMES = ("tfc", "cybersecurity_mlp", "cnv", "resnet8", "vgg10", "mobilenet_v1")
MAPS = ("yolo", "unet", "ds_cnn", "autoencoder")
RECURRENT = ("lstm", "gru")
BREVITAS = ("brevitas_tfc", "brevitas_cnv")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMES, *MAPS, *RECURRENT, *BREVITAS])
def test_bit_for_bit_under_stalls_and_as_fast_as_predicted(name):
    command = (sys.executable, SCRIPT, "--network", name, "--images", "3", "--json")
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    (row,) = json.loads(done.stdout)
    assert (row["network"], row["images"], row["mismatches"]) == (name, 3, 0)
    assert row["cycles_per_image"] == pytest.approx(row["predicted_cycles_per_image"], rel=0.05)
    assert done.returncode == 0, done.stderr
