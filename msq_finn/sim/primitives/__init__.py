"""Simulation models of the primitives that netlists of Xilinx devices are made of.

Yosys has models of most; of block RAM and DSP slices it has none, or none that refuses what it does
not model: those are ours, in the files beside this one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from msq_finn.errors import MissingToolError, MsqError

_OURS = Path(__file__).parent

_MODULE = re.compile(r"^module\s+(\w+).*?^endmodule", re.MULTILINE | re.DOTALL)
_INSTANCE = re.compile(r"^  ([A-Z][A-Z0-9_]*) (?:#\(|\S+\s+\()", re.MULTILINE)


def models(netlists: Iterable[str]) -> str:
    """Return Verilog models of all primitives in some netlists.

    Args:
        netlists: as Yosys writes them.

    Raises:
        MissingToolError: Yosys is not installed.
        MsqError: there is no model of a primitive.
    """
    wanted = sorted(set().union(*map(used, netlists)))
    known = _known()
    missing = sorted(set(wanted) - set(known))
    if missing:
        raise MsqError(f"there is no simulation model of {', '.join(missing)}")
    needed: dict[str, None] = {}
    waiting = wanted
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = None
            waiting += sorted(set(re.findall(r"\bmsq_\w+", known[name])) & set(known))
    return "\n\n".join(known[name] for name in needed) + "\n"


def used(netlist: str) -> set[str]:
    r"""Return the names of the primitives in a netlist.

    Args:
        netlist: as Yosys writes it.

    >>> used("module m(a);\n  CARRY4 \\u[0] (\n    .CI(1'h0)\n  );\nendmodule\n")
    {'CARRY4'}
    """
    return set(_INSTANCE.findall(netlist))


@functools.cache
def _known() -> dict[str, str]:
    """Text of every model, by the module's name; ours go before Yosys'."""
    spec = find_spec("pyosys")
    if spec is None or spec.origin is None:
        raise MissingToolError("no Yosys for gate-level simulation; pip install pyosys")
    cells = Path(spec.origin).parent / "share" / "xilinx" / "cells_sim.v"
    files = [cells, *sorted(_OURS.glob("*.v"))]
    return {m[1]: m[0] for file in files for m in _MODULE.finditer(file.read_text())}
