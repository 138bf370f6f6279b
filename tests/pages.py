"""What the documentation tells its readers to type."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def text_of(page):
    return (ROOT / page).read_text()


def blocks(text, language=""):
    """The fenced blocks of a language, in order."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in fences if name == language]


def commands(text):
    """Every msq-finn command in the text's blocks and inline code, as words."""
    lines = "\n".join(blocks(text)).replace("\\\n", " ").splitlines()
    inline = re.findall(r"`(msq-finn [^`]+)`", text)
    return [shlex.split(line) for line in (*lines, *inline) if line.startswith("msq-finn ")]


def run(command, folder):
    """Run a command as its reader would, on a machine without Vivado."""
    program, *arguments = command
    environment = {k: v for k, v in os.environ.items() if k != "XILINX_VIVADO"}
    done = subprocess.run(
        [shutil.which(program, path=Path(sys.executable).parent), *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    return done.stdout


def run_python(source, folder):
    """Save a snippet as a file, and run that."""
    (folder / "snippet.py").write_text(source)
    return run(["python", "snippet.py"], folder)
