"""The programs ``vivado`` and ``vitis_hls`` of a rehearsal.

FINN finds them in a folder that only the rehearsal's own search path has.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from msq_finn.build.rehearsal.findings import Finding, Log
from msq_finn.build.rehearsal.stand_in import (
    addresses,
    blocks,
    cells,
    hls,
    packaging,
    project,
    properties,
    tool_runs,
)
from msq_finn.build.rehearsal.stand_in.command import HLS, VIVADO
from msq_finn.build.rehearsal.stand_in.session import Session

#: Modules that enter Vivado's commands.
COMMANDS = (addresses, blocks, cells, hls, packaging, project, properties, tool_runs)

#: File that findings of all programs go to.
LOG = "MSQ_FINN_REHEARSAL_LOG"


def main(arguments: Sequence[str]) -> int:
    """Run a script.

    Args:
        arguments: name of the tool, and what it was called with.

    Returns:
        the exit code.
    """
    tool, *rest = arguments
    log = Log(Path(os.environ[LOG]))
    scripts = [Path(word) for word in rest if word.endswith(".tcl")]
    expected = {
        "vivado": ["-mode", "batch", "-source"],
        "vitis_hls": [],
        "vitis-run": ["--mode", "hls", "--tcl"],
    }[tool]
    if len(scripts) != 1 or rest != [*expected, str(scripts[0])]:
        log.add(Finding("command", f"{tool} called with {' '.join(rest)}"))
        return 1
    session = Session(VIVADO if tool == "vivado" else HLS, log)
    try:
        return session.run(scripts[0])
    finally:
        session.project = None  # while slang is there to free it


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
