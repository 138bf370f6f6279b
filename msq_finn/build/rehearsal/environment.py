"""The environment in which FINN finds stand-ins for Vivado and Vitis HLS."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msq_finn
from msq_finn.build.rehearsal.findings import Log
from msq_finn.build.rehearsal.stand_in.session import ROOTS
from msq_finn.build.rehearsal.stand_in.tool import LOG

#: Release that the stand-ins pass for; FINN reads it from the folder's name.
_RELEASE = "2024.2"

_TOOLS = ("vivado", "vitis_hls", "vitis-run")


@contextmanager
def stand_ins(folder: Path, roots: Sequence[Path]) -> Iterator[Log]:
    """Let FINN find stand-ins for Vivado and Vitis HLS, in this process and those it starts.

    Args:
        folder: for the programs and what they find.
        roots: folders under which files may lie that scripts name, beside installed packages.

    Yields:
        the log of what is found.
    """
    programs = folder / "Vivado" / _RELEASE
    programs.mkdir(parents=True)
    for tool in _TOOLS:
        program = programs / tool
        words = (sys.executable, "-m", "msq_finn.build.rehearsal.stand_in.tool", tool)
        program.write_text(f'#!/bin/sh\nexec {" ".join(map(shlex.quote, words))} "$@"\n')
        program.chmod(0o755)
    log = folder / "findings.jsonl"
    path = os.pathsep.join((str(programs), os.environ.get("PATH", os.defpath)))
    known = [*roots, Path(msq_finn.__file__).parent, *_finn_folders()]
    changed = {
        "PATH": path,
        "XILINX_VIVADO": str(programs),
        "FINN_TOOL_DIR_OVERRIDE": None,
        LOG: str(log),
        ROOTS: os.pathsep.join(str(root.resolve()) for root in known),
    }
    before = {name: os.environ.get(name) for name in changed}
    try:
        _set(changed)
        yield Log(log)
    finally:
        _set(before)
        shutil.rmtree(folder / "Vivado")


def _set(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _finn_folders() -> list[Path]:
    """Folders of FINN's package and of its library."""
    spec = importlib.util.find_spec("finn")
    folders = [Path(place) for place in spec.submodule_search_locations or ()] if spec else []
    library = os.environ.get("FINN_RTLLIB")
    return [*folders, *([Path(library)] if library else [])]
