"""A small design of our own, scripted as FINN scripts its: a DMA, two modules, a Zynq around.

Its files lie in the folder ``design``, where ``@/`` stands for the folder that they are copied to.
"""

from __future__ import annotations

import os
from contextlib import chdir
from pathlib import Path
from unittest.mock import patch

from msq_finn.build.rehearsal.findings import Log
from msq_finn.build.rehearsal.stand_in import tool
from msq_finn.build.rehearsal.stand_in.session import ROOTS

DESIGN = Path(__file__).with_name("design")


def rehearsed(folder, changes=()):
    """Write the design with some changes, run its scripts, and return the complaints.

    Args:
        folder: an empty one.
        changes: name of a file, what to replace in it, by what.
    """
    files = {file.name: file.read_text() for file in sorted(DESIGN.iterdir())}
    for name, old, new in changes:
        assert old is None or old in files[name], (name, old)
        files[name] = new if old is None else files[name].replace(old, new)
    for name, text in files.items():
        (folder / name).write_text(text.replace("@/", f"{folder}/"))
    environment = {tool.LOG: str(folder / "log"), ROOTS: str(folder)}
    with chdir(folder), patch.dict(os.environ, environment):
        for arguments in (
            ["vitis_hls", "hls.tcl"],
            ["vivado", "-mode", "batch", "-source", "stitch.tcl"],
            ["vivado", "-mode", "batch", "-source", "shell.tcl"],
        ):
            if tool.main(arguments):  # a real one would have stopped too
                break
    return Log(folder / "log").read()[0]
