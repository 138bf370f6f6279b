"""Icarus Verilog, for benches that print what they find."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from msq_finn.errors import MissingToolError


def find(name: str = "iverilog") -> str:
    path = shutil.which(name)
    if path is None:
        raise MissingToolError(f"no {name}; install Icarus Verilog, such as Debian's iverilog")
    return path


def run(
    sources: Sequence[Path], tops: Sequence[str], folder: Path, libraries: Sequence[Path] = ()
) -> str:
    """Compile and run; what both print. The exit status of a ``$fatal`` is in the text."""
    options = [option for top in tops for option in ("-s", top)]
    options += [option for library in libraries for option in ("-y", library)]
    built = subprocess.run(
        [find(), "-g2012", "-o", folder / "a.vvp", *options, *sources],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if built.returncode:
        return built.stdout + built.stderr
    done = subprocess.run(
        [find("vvp"), "-n", folder / "a.vvp"], capture_output=True, text=True, check=False,
        timeout=500,
    )  # fmt: skip
    return f"{done.stdout}{done.stderr}\nstatus {done.returncode}"
