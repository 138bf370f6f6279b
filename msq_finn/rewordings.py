"""FINN's RTL library and Yosys' netlists, where a front end needs other words for a design.

Verilator cannot evaluate some constant functions that xsim can, slang does not take delays. The
sentences in question are replaced in a copy of the installed file, so that every other version of
FINN's file stays FINN's. Of a constant with some undefined bits Verilator makes noise in all its
bits; in netlists, where Yosys writes such, these bits become 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from msq_finn.errors import MsqError


@dataclass(frozen=True)
class Rewording:
    """One replacement in a file of FINN's RTL library.

    Attributes:
        file: name of the file.
        rejected: pattern of what Verilator rejects; without it the file is fine as it is.
        pattern: what to replace in the first place where it matches.
        replacement: by what, as in :func:`re.sub`.
    """

    file: str
    rejected: str
    pattern: str
    replacement: str


_VERILATOR = (
    # A constant function inside a generate block moves in front of the block.
    Rewording(
        "add_multi.sv",
        r"(?s)begin : genTree.*function leaf_load_t init_leaf_loads",
        r"(?s)(\tuwire \[SUM_WIDTH-1:0\]\s+sum0;.*?)"
        r"(\t\ttypedef int unsigned\s+leaf_load_t.*?endfunction : init_leaf_loads\n)",
        r"\2\1",
    ),
    # Constant functions can assign to the members of packed structures only.
    Rewording(
        "fifo.sv",
        r"typedef struct \{(?=[^}]*\}\s*abits_t;)",
        r"typedef struct \{(?=[^}]*\}\s*abits_t;)",
        "typedef struct packed {",
    ),
    # The value that the message announces is missing.
    Rewording(
        "skid.sv",
        r'%0d FEED_STAGES exceeds SRL capacity\."\)',
        r'(%0d FEED_STAGES exceeds SRL capacity\.")\)',
        r"\1, FEED_STAGES)",
    ),
)


#: Beyond those: (pattern, replacement, as in :func:`re.sub`).
_SLANG = (
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


#: Netlists' names, and the constants in them that have undefined bits.
_NETLIST = re.compile(r"netlist_\w+\.v")
_UNDEFINED = re.compile(r"(?<='[bh])[0-9a-f_x]*x[0-9a-f_x]*")


def for_verilator(name: str, text: str) -> str:
    """Bring one source into words Verilator accepts.

    Args:
        name: file name.
        text: its contents.

    Returns:
        the contents to compile; ``text`` itself unless it is one of the known files, or a netlist.

    Raises:
        MsqError: the file holds what Verilator rejects, in a form that is not known here.

    >>> for_verilator("skid.sv", '$error("%m: %0d FEED_STAGES exceeds SRL capacity.");')
    '$error("%m: %0d FEED_STAGES exceeds SRL capacity.", FEED_STAGES);'
    """
    for rule in _VERILATOR:
        if rule.file == name and re.search(rule.rejected, text):
            text, count = re.subn(rule.pattern, rule.replacement, text, count=1)
            if not count:
                raise MsqError(
                    "this FINN's file is none that Verilator accepts or msq_finn can "
                    "reword; use the FINN version that msq_finn asks for",
                    where=name,
                )
    return _UNDEFINED.sub(_defined, text) if _NETLIST.fullmatch(name) else text


def _defined(digits: re.Match[str]) -> str:
    """Undefined digits as 0, unless all are: Verilator makes noise of those as it should."""
    return digits[0].replace("x", "0") if digits[0].strip("x_") else digits[0]


def for_slang(path: Path) -> str | None:
    """Bring one source into words that slang accepts.

    Args:
        path: a source file.

    Returns:
        the contents to compile, or None if the file is fine as it is.

    Raises:
        OSError: it cannot be read.
        MsqError: it is a file of FINN's in a form that is not known here.
    """
    original = path.read_text()
    text = for_verilator(path.name, original)
    for pattern, replacement in _SLANG:
        text = re.sub(pattern, replacement, text)
    return None if text == original else text
