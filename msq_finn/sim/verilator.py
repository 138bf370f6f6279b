"""Build simulation libraries with Verilator."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msq_finn import cache
from msq_finn.errors import MsqError
from msq_finn.rewordings import for_verilator
from msq_finn.sim import compilation
from msq_finn.sim.installation import find

_HEADERS = (".vh", ".svh")
_VERILOG = (".v", ".sv")


def build(
    top: str,
    sources: Sequence[str | Path],
    *,
    include_dirs: Sequence[str | Path] = (),
    defines: Mapping[str, str] | None = None,
    trace: bool = False,
) -> Path:
    """Compile a design to a shared library that :class:`msq_finn.sim.model.Model` opens.

    The library is cached by the contents of the sources, of the files they include and of what
    compiles them here, by options and Verilator's version. Memory files (``$readmemh``) are read
    when a simulation starts: they may change without a new build.

    Args:
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
    options = (top, *macros, compilation.OPTIMIZATION, "trace" if trace else "")
    included = _included(texts.values(), [*folders, *dict.fromkeys(f.parent for f in files)])
    changed = {file: for_verilator(file.name, text) for file, text in texts.items()}
    reworded = {file: text for file, text in changed.items() if text != texts[file]}
    ours = [path.read_text() for path in (Path(compilation.__file__), compilation.HARNESS)]
    key = cache.key(find().version, options, changed.values(), included, ours)

    def make(folder: Path) -> None:
        flags = ["--top-module", top, *macros, *(f"-I{f}" for f in folders)]
        compilation.compile_library(folder, find(), texts, reworded, flags, trace=trace)

    return cache.entry("sim", key, make) / "design.so"


def copy_library(library: Path, target: Path) -> None:
    """Copy a library to a build, which is to outlive the cache.

    Args:
        library: from `build`.
        target: a name unique to the contents: the system's loader tells libraries apart by path,
            and one in use must not be overwritten. An earlier copy stays.
    """
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_suffix(f".{os.getpid()}")
    shutil.copy(library, staging)
    staging.rename(target)


def ports(library: Path) -> dict[str, tuple[int, bool]]:
    """Read the ports of a library's top module.

    Args:
        library: from `build`.

    Returns:
        by name the width in bits, and whether it is an input.
    """
    table = json.loads(library.with_name("ports.json").read_text())
    return {name: (bits, bool(is_input)) for name, (bits, is_input) in table.items()}


def _read(files: Iterable[Path]) -> dict[Path, str]:
    texts: dict[Path, str] = {}
    for file in files:
        if file.suffix not in _VERILOG:
            raise MsqError("Verilator reads Verilog and SystemVerilog only", where=file)
        try:
            text = file.read_text()
        except OSError as error:
            raise MsqError(f"cannot be read ({error.strerror})", where=file) from error
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
