"""Yosys in a process of its own.

It ends the process on errors, and its Python package has all libraries that are loaded after it
share their symbols, which breaks what torch compiles.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
for command in sys.argv[1:]:
    ys.run_pass(command, design)
"""


def run(*commands: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run commands on one design; ``design -reset`` starts another."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, *commands],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


def read(top: str, sources: list[Path], options: str = "", boxes: tuple[str, ...] = ()) -> str:
    """The command that reads SystemVerilog, ``boxes`` without their contents."""
    empty = " ".join(f"--blackboxed-module {name}" for name in boxes)
    return f"read_slang --top {top} {options} {empty} {' '.join(map(str, sources))}"
