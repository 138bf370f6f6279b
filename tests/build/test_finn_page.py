"""The page on FINN, followed to the letter."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .networks import exported, mixed_to_the_end

PAGE = (Path(__file__).parents[2] / "docs/how-to/finn.md").read_text()


def block(language):
    """The page's only block of a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found


@pytest.fixture
def folder(tmp_path):
    exported(mixed_to_the_end(), tmp_path / "model.onnx", (1, 2, 4, 4))
    return tmp_path


def run(command, folder):
    environment = {k: v for k, v in os.environ.items() if k != "XILINX_VIVADO"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


def test_the_script(folder):
    (folder / "build.py").write_text(block("python"))
    run([sys.executable, "build.py"], folder)
    assert (folder / "out/report/estimate_layer_cycles.json").exists()


def test_the_command_line(folder):
    (folder / "build.yaml").write_text(block("yaml"))
    (line,) = re.findall(r"^msq-finn finn build .*$", PAGE, re.MULTILINE)
    program, *arguments = line.split()
    run([shutil.which(program, path=Path(sys.executable).parent), *arguments], folder)
    assert (folder / "out/deploy/driver/settings.json").exists()
