"""Verilator in the place of Vivado's XSI, behind the names of ``finn.xsi``.

FINN drives every RTL simulation through the ``xsi`` extension module, a thin layer of kernel,
design and ports. :mod:`msq_finn.sim.ports` is that layer on Verilator; FINN's own engine, stream
drivers and AXI-lite masters run on top of it unchanged.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

from msq_finn.errors import MissingToolError
from msq_finn.sim import ports, verilator


def _simulator() -> str:
    try:
        return f"Verilator {verilator.version()} (behavioural DSP)"
    except MissingToolError:
        return "Verilator (not installed)"


#: The name for reports: DSP primitives are simulated by their behavioural models.
SIMULATOR = _simulator()


def install(force: bool = False) -> bool:
    """Let FINN simulate with Verilator.

    Args:
        force: also where Vivado is installed (``XILINX_VIVADO`` is set).

    Returns:
        whether Verilator is FINN's simulator now.

    Raises:
        MissingToolError: FINN or Verilator is not installed.
    """
    if os.environ.get("XILINX_VIVADO") and not force:
        return False
    verilator.find()
    sys.modules["xsi"] = ports
    try:
        facade = importlib.import_module("finn.xsi")
        adapter = importlib.import_module("finn_xsi.adapter")
    except ImportError as error:
        raise MissingToolError(f'no FINN ({error}); pip install "msq-finn[finn]"') from error
    for name in ("SimEngine", "reset_rtlsim", "close_rtlsim", "rtlsim_multi_io"):
        setattr(facade, name, getattr(adapter, name))
    bound: dict[str, Any] = {
        "compile_sim_obj": compile_sim_obj,
        "load_sim_obj": load_sim_obj,
        "locate_glbl": lambda: None,
        "get_simkernel_so": lambda: "verilator",
        "is_available": lambda: True,
        "ensure_available": lambda: True,
    }
    for name, value in bound.items():
        setattr(facade, name, value)
    return True


def compile_sim_obj(
    top_module_name: str,
    source_list: list[str],
    sim_out_dir: Path,
    debug: bool = False,
    behav: bool = False,
    fifosim: bool = False,
) -> tuple[Path, Path]:
    """Compile a design, as FINN's function of that name."""
    raise NotImplementedError


def load_sim_obj(
    sim_out_dir: Path,
    out_so_relative_path: Path,
    tracefile: str | None = None,
    simkernel_so: str | None = None,
) -> Any:
    """Open a compiled design, as FINN's function of that name."""
    raise NotImplementedError
