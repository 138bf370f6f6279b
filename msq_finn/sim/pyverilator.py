"""The place of PyVerilator in upstream FINN's main line, which simulates its nodes with it.

FINN imports ``PyVerilator`` and four functions of ``pyverilator.util.axi_utils``. They stand here
on the simulations of :mod:`msq_finn.sim.verilator`, under the same names.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from msq_finn.errors import MsqError
from msq_finn.sim import verilator
from msq_finn.sim.ports import Design, Kernel


def install() -> None:
    """Let ``import pyverilator`` find this module; calling it again changes nothing."""
    package, util, axi_utils = (
        ModuleType(name)
        for name in ("pyverilator", "pyverilator.util", "pyverilator.util.axi_utils")
    )
    package.__dict__.update(PyVerilator=PyVerilator, util=util)
    util.__dict__.update(axi_utils=axi_utils)
    functions = (reset_rtlsim, toggle_clk, rtlsim_multi_io, _read_signal)
    axi_utils.__dict__.update({function.__name__: function for function in functions})
    for module in (package, util, axi_utils):
        sys.modules.setdefault(module.__name__, module)


class Signals:
    """A design's ports as attributes and items.

    Args:
        design: they belong to.
        settle: whether an input takes effect at once.
    """

    _design: Design
    _settle: bool

    def __init__(self, design: Design, settle: bool) -> None:
        self.__dict__.update(_design=design, _settle=settle)

    def __getitem__(self, name: str) -> int:
        return int(self._design.getPort(name).as_unsigned())

    def __setitem__(self, name: str, value: int) -> None:
        self._design.getPort(name).set(int(value)).write_back()
        if self._settle:
            self._design.run(1)

    __getattr__ = __getitem__
    __setattr__ = __setitem__


class PyVerilator:
    """An open design.

    Args:
        library: from :meth:`build`.
        auto_eval: whether an input takes effect at once.
    """

    def __init__(self, library: str, auto_eval: bool = True) -> None:
        self.design = Design(Kernel("verilator"), str(Path(library).absolute()))
        self.io = Signals(self.design, auto_eval)
        self.lib = SimpleNamespace(_name=str(library))

    @classmethod
    def build(
        cls,
        top_verilog_file: str | Sequence[str],
        verilog_path: Sequence[str] = (),
        build_dir: str = "obj_dir",
        top_module_name: str | None = None,
        auto_eval: bool = True,
        **_: Any,
    ) -> PyVerilator:
        """Compile a design and open it; arguments as PyVerilator's, of which some do not matter.

        Args:
            top_verilog_file: file, or files, the last of them with the top module.
            verilog_path: folders in which these files are, and modules beneath them.
            build_dir: folder for the library.
            top_module_name: if it is not that of the last file.
            auto_eval: as for the class.
            _: ignored, such as the depth of waveforms and Verilator's own options.

        Raises:
            MsqError: a file is missing, or Verilator rejects the design.
        """
        files = [top_verilog_file] if isinstance(top_verilog_file, str) else list(top_verilog_file)
        folders = [Path(folder) for folder in verilog_path]
        sources = _with_modules([_found(file, folders) for file in files], folders)
        top = top_module_name or Path(files[-1]).stem
        library = verilator.build(top, sources, include_dirs=folders)
        target = Path(build_dir) / f"{library.parent.name}.so"
        verilator.copy_library(library, target)
        return cls(str(target), auto_eval)

    def eval(self) -> None:
        """Let inputs take effect."""
        self.design.run(1)

    def start_vcd_trace(self, file: str) -> None:
        """Refuse.

        Args:
            file: for waveforms.

        Raises:
            MsqError: always.
        """
        raise MsqError(
            "nodes of upstream FINN's main line are simulated without waveforms; unset "
            "rtlsim_trace, and set verify_save_rtlsim_waveforms for those of the whole network"
        )


def _found(name: str, folders: Iterable[Path]) -> Path:
    for path in (Path(name), *(folder / name for folder in folders)):
        if path.is_file():
            return path
    raise MsqError(f"no such file, nor in {', '.join(map(str, folders))}", where=name)


def _with_modules(files: Sequence[Path], folders: Sequence[Path]) -> list[Path]:
    """Files with those in the folders that are named after modules and packages they use."""
    known = {path.stem: path for folder in reversed(folders) for path in folder.glob("*.*v")}
    found = {file.stem: file for file in files}
    waiting = list(files)
    while waiting:
        words = set(re.findall(r"\w+", waiting.pop().read_text()))
        new = {word: known[word] for word in sorted(words & known.keys() - found.keys())}
        found |= new
        waiting += new.values()
    return list(found.values())


def _read_signal(sim: PyVerilator, name: str) -> int:
    return sim.io[name]


def toggle_clk(sim: PyVerilator, clk_name: str = "ap_clk") -> None:
    """Let a clock cycle pass, which ends with the clock low.

    Args:
        sim: an open design.
    """
    for level in (1, 0):
        sim.io[clk_name] = level
        sim.eval()


def reset_rtlsim(
    sim: PyVerilator, rst_name: str = "ap_rst_n", active_low: bool = True, clk_name: str = "ap_clk"
) -> None:
    """Reset a design for two cycles.

    Args:
        sim: an open design.
        active_low: whether 0 resets it.
        clk_name: its clock.
    """
    sim.io[clk_name] = 0
    for level in (not active_low, active_low):
        sim.io[rst_name] = level
        for _ in range(2):
            toggle_clk(sim, clk_name)


def rtlsim_multi_io(
    sim: PyVerilator,
    io_dict: Mapping[str, dict[str, list[int]]],
    num_out_values: int | Mapping[str, int],
    trace_file: str = "",
    sname: str = "_V_V_",
    liveness_threshold: int = 10_000,
    hook_preclk: Any = None,
    hook_postclk: Any = None,
) -> int:
    """Pass words through a design's streams.

    Args:
        sim: an open design.
        io_dict: words as integers, per stream under ``inputs`` and ``outputs``; the latter's are
            written.
        num_out_values: words to collect, per output where there are several.
        trace_file: for waveforms, which are refused.
        sname: what follows the streams' names in the names of ports.
        liveness_threshold: give up after so many cycles without a word.
        hook_preclk: called in every cycle, which is refused.

    Returns:
        clock cycles.

    Raises:
        MsqError: the design starved or failed, or something is refused.
    """
    if trace_file:
        sim.start_vcd_trace(trace_file)
    if hook_preclk is not None or hook_postclk is not None:
        raise MsqError(
            "FINN's characteristic FIFO sizing watches every cycle, which this simulation does "
            "not; use step_msq_size_fifos"
        )
    suffix = sname.removesuffix("_")
    return sim.design.stream(io_dict, num_out_values, suffix, liveness_threshold)
