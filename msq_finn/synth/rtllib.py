"""FINN's RTL library, where Yosys' slang front end needs other words for the same hardware."""

from __future__ import annotations

import re
from pathlib import Path

from msq_finn.sim import rtllib as verilator

#: (pattern, replacement, as in :func:`re.sub`).
_REWORDINGS = (
    # A watchdog for simulation, with delays in an initial block.
    (r"(?s)\tif\(1\) begin : blkRecoveryWatch.*?end : blkRecoveryWatch\n", ""),
    # A slice that is reversed in the last stage, where nothing selects it.
    (
        r"p\.ptr\[M-1:SN\+1\] < 2\*\*stage - SCOPE_REDUCE",
        "(p.ptr[M-1:0] >> (SN+1)) < 2**stage - SCOPE_REDUCE",
    ),
    # A directive inside a module; it is only about undeclared nets.
    (r"(?m)(?<=\);\n)`default_nettype none$", ""),
    (r"(?m)^`default_nettype wire\n(?=endmodule)", ""),
)


def reword(path: Path) -> str | None:
    """Bring one source into words that slang accepts.

    Args:
        path: a source file.

    Returns:
        the contents to compile, or None if the file is fine as it is.

    Raises:
        MsqError: it is a file of FINN's in a form that is not known here.
    """
    original = path.read_text()
    text = verilator.reword(path.name, original)
    for pattern, replacement in _REWORDINGS:
        text = re.sub(pattern, replacement, text)
    return None if text == original else text
