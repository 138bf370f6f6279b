"""From Verilog to a shared library: Verilator, then a C++ compiler.

The C++ that Verilator writes is compiled together with harness.cpp, which runs the clock, drives
the streams and gives ports by name (:mod:`msq_finn.sim.model` calls it).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from msq_finn import cache
from msq_finn.errors import MissingToolError, MsqError
from msq_finn.sim.installation import Tool

#: The library's driver.
HARNESS = Path(__file__).with_name("harness.cpp")

#: Uninitialised state and explicit X become noise from a seed that the run chooses.
_VERILATOR_FLAGS = (
    "--cc", "--prefix", "Vdesign", "--no-timing", "--assert",
    "--x-assign", "unique", "--x-initial", "unique",
    # A layer whose weights are in the LUTs has them all in one parameter.
    "--max-num-width", "16777216",
    "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Werror-MODDUP",
)  # fmt: skip

#: Libraries stay apart in one process: no symbol of one may stand in for another's.
_CXX_FLAGS = (
    "-std=gnu++17", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique", "-w",
    "-DVL_PRINTF=msq_printf", "-DVL_USER_FINISH", "-DVL_USER_STOP", "-DVL_USER_FATAL",
)  # fmt: skip

#: What the C++ of a simulation's cycles is compiled with; what runs once never is optimised.
OPTIMIZATION = "-O1"

#: Compiler processes at a time, C++ text for each in bytes, and up to which one is enough.
_JOBS = 2
_CHUNK = 1_500_000
_SMALL = 400_000


def compile_library(
    folder: Path,
    tool: Tool,
    files: Iterable[Path],
    reworded: Mapping[Path, str],
    flags: Sequence[str],
    *,
    trace: bool,
) -> None:
    """Compile a design, and leave ``design.so`` and ``ports.json`` in a folder.

    Args:
        folder: an empty one.
        tool: Verilator.
        files: the design's sources, packages first.
        reworded: contents for those of them that Verilator does not take as they are.
        flags: for Verilator, the top module's name among them.
        trace: whether a simulation can write waveforms.

    Raises:
        MissingToolError: no C++ compiler.
        MsqError: Verilator or the compiler rejects the design.
    """
    runtime = _runtime(tool)
    objects = folder / "obj"
    objects.mkdir()
    names = []
    for index, file in enumerate(files):
        if file in reworded:
            copy = objects / f"{index}_{file.name}"
            copy.write_text(reworded[file])
            names.append(str(copy))
        else:
            names.append(str(file.absolute()))
    options = [*_VERILATOR_FLAGS, *(["--trace-vcd"] if trace else []), *flags]
    command: list[str | Path] = [tool.binary, "-Mdir", objects, *options, *names]
    _run("Verilator rejects the design", command, VERILATOR_ROOT=str(tool.root))
    table = _ports((objects / "Vdesign.h").read_text())
    (folder / "ports.json").write_text(json.dumps({name: row[1:] for name, row in table.items()}))
    macros = [f'MSQ_PORT("{name}", {row[0]}, {row[1]}, {row[2]})' for name, row in table.items()]
    (objects / "ports.inc").write_text("\n".join(macros) + "\n")
    own = [*_CXX_FLAGS, f"-DVM_TRACE={int(trace)}"]
    compiler = [*_compiler(tool, _headers(tool)), *own, "-I", str(objects)]
    units = list(_units(objects))

    def compile_unit(index: int) -> Path:
        text, level = units[index]
        source = objects / f"unit{index}.cc"
        source.write_text(text)
        target = source.with_suffix(".o")
        _run(
            "the simulation does not compile",
            [*compiler, level, "-include", "verilated.h", "-c", source, "-o", target],
        )
        return target

    with ThreadPoolExecutor(_JOBS) as pool:
        linked = list(pool.map(compile_unit, range(len(units))))
    library = folder / "design.so"
    _run(
        "the simulation does not link",
        [*compiler, "-shared", "-o", library, *linked, runtime, "-pthread"],
    )
    shutil.rmtree(objects)


def _units(objects: Path) -> Iterator[tuple[str, str]]:
    """Gather the driver and Verilator's many C++ files into few, and say how to optimise each.

    A compiler process takes as long to begin as it does for a small design.
    """
    files = [HARNESS, *sorted(objects.glob("Vdesign*.cpp"), key=_runs_once)]
    small = sum(file.stat().st_size for file in files) < _SMALL
    for once, group in groupby(files, lambda file: _runs_once(file) and not small):
        level = "-O0" if once else OPTIMIZATION
        unit, size = "", 0
        for file in group:
            unit += f'#include "{file}"\n'
            size += file.stat().st_size
            if size > _CHUNK:
                yield unit, level
                unit, size = "", 0
        if unit:
            yield unit, level


def _runs_once(file: Path) -> bool:
    return file.stem.endswith("__Slow")


def _ports(header: str) -> dict[str, tuple[str, int, int]]:
    """Member, width and direction of the top's ports, from the class that Verilator wrote."""
    table = {}
    for kind, member, high, low in re.findall(
        r"^\s*VL_(IN|OUT)(?:8|16|64|W)?\(&(\w+),(\d+),(\d+)", header, re.MULTILINE
    ):
        name = re.sub(r"__0([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), member)
        table[name] = (member, int(high) - int(low) + 1, int(kind == "IN"))
    return table


def _runtime(tool: Tool) -> Path:
    """Verilator's C++ library, compiled once."""

    def make(folder: Path) -> None:
        declaration = folder / "printf.h"
        declaration.write_text("int msq_printf(const char*, ...);\n")
        compiler = [*_compiler(tool), *_CXX_FLAGS]
        parts = []
        for name in ("verilated", "verilated_threads", "verilated_vcd_c"):
            parts.append(folder / f"{name}.o")
            _run(
                "Verilator's library does not compile",
                [*compiler, "-O2", "-DVM_TRACE=1", "-include", declaration, "-c",
                 tool.root / "include" / f"{name}.cpp", "-o", parts[-1]],
            )  # fmt: skip
        _run("no archive", ["ar", "rcs", folder / "verilated.a", *parts])

    key = cache.key(tool.version, str(tool.root), *_CXX_FLAGS)
    return cache.entry("runtime", key, make) / "verilated.a"


def _headers(tool: Tool) -> Path:
    """Verilator's header, precompiled for runs without waveforms.

    GCC takes the one of the same flags; where there is none, it takes the header as it is.
    """

    def make(folder: Path) -> None:
        compiled = folder / "verilated.h.gch"
        compiled.mkdir()
        # The one that is precompiled is also looked for itself.
        header = shutil.copy(tool.root / "include" / "verilated.h", folder)
        for level in ("-O0", "-O1"):
            flags = [*_CXX_FLAGS, "-DVM_TRACE=0", level, "-x", "c++-header"]
            _run(
                "Verilator's header does not compile",
                [*_compiler(tool), *flags, header, "-o", compiled / level[1:]],
            )

    compiler = os.environ.get("CXX", "g++")
    return cache.entry(
        "headers", cache.key(tool.version, str(tool.root), compiler, *_CXX_FLAGS), make
    )


def _compiler(tool: Tool, *first: Path) -> list[str]:
    """The compiler, with folders of headers.

    Args:
        tool: Verilator.
        first: folders before Verilator's.
    """
    include = tool.root / "include"
    folders = [*first, include, include / "vltstd"]
    return [os.environ.get("CXX", "g++"), *(part for f in folders for part in ("-I", str(f)))]


def _run(what: str, command: Sequence[str | Path], **variables: str) -> None:
    environment = os.environ | variables
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", check=False
        )
    except FileNotFoundError as error:
        raise MissingToolError(
            f"{command[0]} is missing; install a C++17 compiler, such as Debian's g++"
        ) from error
    if done.returncode:
        output = done.stdout + done.stderr
        lines = [line for line in output.splitlines() if re.search("error", line, re.IGNORECASE)]
        raise MsqError(f"{(lines or [f'exit code {done.returncode}'])[0].strip()}", where=what)
