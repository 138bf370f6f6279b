"""Verilator, for what it says of a module's sources."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from msq_finn.sim import installation


def lint(top: str, parameters: Mapping[str, int | str], given: Sequence[str | Path]) -> str:
    """All warnings of a module with some parameters; sources and options are given."""
    tool = installation.find()
    run = subprocess.run(
        [tool.binary, "--lint-only", "-Wall", "--quiet", "--top-module", top]
        + [f"-G{name}={value}" for name, value in parameters.items()]
        + [*given],
        env=os.environ | {"VERILATOR_ROOT": str(tool.root)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return run.stdout + run.stderr
