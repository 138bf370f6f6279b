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
from types import ModuleType
from typing import Any

from msq_finn.errors import MissingToolError, MsqError
from msq_finn.finn_compat import is_main, missing, upstream_engine
from msq_finn.sim import installation, ports, pyverilator, verilator


def _simulator() -> str:
    try:
        return f"Verilator {installation.version()} (behavioural DSP)"
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
    if is_main():
        installation.find()
        pyverilator.install()
        return True
    if os.environ.get("XILINX_VIVADO") and not force:
        return False
    installation.find()
    try:
        home = upstream_engine()
        if home is not None:
            sys.path.insert(0, str(home))
        sys.modules["xsi"] = ports if home is None else _UpstreamPorts("xsi")
        facade = importlib.import_module("finn.xsi")
        engine = importlib.import_module("finn_xsi.sim_engine").SimEngine
    except ImportError as error:
        raise missing(error) from error
    ours = {
        "SimEngine": engine,
        "reset_rtlsim": reset_rtlsim,
        "close_rtlsim": close_rtlsim,
        "rtlsim_multi_io": rtlsim_multi_io,
        "compile_sim_obj": compile_sim_obj,
        "load_sim_obj": load_sim_obj,
        "locate_glbl": lambda: None,
        "get_simkernel_so": lambda: "verilator",
        "is_available": lambda: True,
        "ensure_available": lambda: True,
    }
    for name, value in ours.items():
        setattr(facade, name, value)
    return True


class _UpstreamPorts(ModuleType):
    """The provider for upstream's engine, which takes None for a port that is not there."""

    Kernel = ports.Kernel

    class Design(ports.Design):
        """An open design."""

        def getPort(self, name: str) -> Any:
            """Look a port up; None if there is none of that name."""
            try:
                return super().getPort(name)
            except RuntimeError:
                return None


def reset_rtlsim(sim: Any) -> None:
    """Reset an open design, as FINN's function of that name.

    Args:
        sim: FINN's ``SimEngine``; it knows the names of clock and reset.
    """
    sim.do_reset()
    sim.run()


def close_rtlsim(sim: Any) -> None:
    """End a simulation, as FINN's function of that name.

    Args:
        sim: FINN's ``SimEngine``.
    """
    sim.tasks, sim.watchdogs = [], []
    sim.top.close()


def compile_sim_obj(
    top_module_name: str,
    source_list: list[str],
    sim_out_dir: Path,
    debug: bool = False,
    behav: bool = False,
    fifosim: bool = False,
) -> tuple[Path, Path]:
    """Compile a design, as FINN's function of that name.

    Args:
        source_list: Verilog sources and headers.
        sim_out_dir: folder for the library.
        debug: whether waveforms can be written.
        behav: whether to define ``FINN_SIMULATION``, which turns FIFOs into gauges.
        fifosim: FINN's distributed FIFO sizing, which is a C++ program around XSI.

    Returns:
        ``sim_out_dir`` and the library's path in it, in the shape that FINN takes apart again.

    Raises:
        MsqError: the design is rejected, or ``fifosim`` is asked for.
    """
    if fifosim:
        raise MsqError("FINN's distributed FIFO sizing needs Vivado; use msq-finn build")
    library = verilator.build(
        top_module_name,
        source_list,
        defines={"FINN_SIMULATION": "1"} if behav else None,
        trace=debug,
    )
    # "xsim.dir" is where FINN splits the path.
    relative = Path("xsim.dir") / top_module_name / f"{library.parent.name}.so"
    verilator.copy_library(library, Path(sim_out_dir) / relative)
    return Path(sim_out_dir), relative


def rtlsim_multi_io(
    sim: Any,
    io_dict: dict[str, dict[str, list[int]]],
    num_out_values: int | dict[str, int],
    sname: str = "_V_V",
    liveness_threshold: int = 10000,
    liveness_estimate: float | None = None,
) -> int:
    """Stream words through an open design, as FINN's function of that name.

    Where nothing but streams is to be driven, the compiled drivers do it, about a hundred times
    faster than FINN's in Python; else FINN's function runs.

    Args:
        sim: FINN's ``SimEngine``.
        io_dict: words as integers, per stream under ``inputs`` and ``outputs``; the latter's are
            written.
        num_out_values: words to collect, per output where there are several.
        sname: what follows the streams' names in the names of ports.
        liveness_threshold: give up after so many cycles without a word.
        liveness_estimate: the estimate behind it.

    Returns:
        clock cycles from the first word's offer, as FINN counts them.

    Raises:
        MsqError: the design starved or failed.
    """
    adapter = importlib.import_module("finn_xsi.adapter")
    if sim.tasks or sim.watchdogs:
        return int(
            adapter.rtlsim_multi_io(
                sim, io_dict, num_out_values, sname, liveness_threshold, liveness_estimate
            )
        )
    cycles = int(sim.top.stream(io_dict, num_out_values, sname, liveness_threshold))
    sim.ticks += cycles
    # FINN's engine counts the cycle in which its tasks retire.
    return cycles + 1


def load_sim_obj(
    sim_out_dir: Path,
    out_so_relative_path: Path,
    tracefile: str | None = None,
    simkernel_so: str | None = None,
) -> Any:
    """Open a compiled design, as FINN's function of that name.

    Args:
        sim_out_dir: as :func:`compile_sim_obj` returned it.
        tracefile: waveforms to write, relative to ``sim_out_dir``; the format is VCD.
        simkernel_so: unused.

    Returns:
        FINN's ``SimEngine``.
    """
    engine = importlib.import_module("finn_xsi.sim_engine").SimEngine
    folder = Path(sim_out_dir).absolute()
    trace = str((folder / tracefile).with_suffix(".vcd")) if tracefile else None
    return engine("verilator", str(folder / out_so_relative_path), None, trace)
