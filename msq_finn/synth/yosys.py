"""Synthesis with Yosys (pyosys): SystemVerilog in, netlist and resources out, cached by content."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from msq_finn import cache
from msq_finn.errors import MissingToolError, MsqError
from msq_finn.rewordings import for_slang
from msq_finn.synth.resources import Resources
from msq_finn.synth.run_key import data_files, own_sources, run_key

__all__ = ["NetlistSource", "Resources", "Synthesis", "family_of", "run", "synthesize", "version"]

#: Seconds after which a synthesis run is given up.
TIMEOUT_S = 600.0

#: Steps that the front end gives a constant function; its own limit is a tenth.
_CONSTANT_STEPS = 10_000_000

_STUBS = Path(__file__).with_name("xilinx_stubs.v")
_BLACK_BOXES = re.findall(r"(?m)^module (\w+)", _STUBS.read_text())


def version() -> str:
    """Version of the Yosys in use, such as ``0.70``.

    Raises:
        MissingToolError: pyosys is not installed.
    """
    try:
        return metadata.version("pyosys")
    except metadata.PackageNotFoundError as error:
        raise MissingToolError("no Yosys for synthesis; pip install pyosys") from error


def family_of(part: str) -> str:
    """Yosys' name of the family of an FPGA part.

    Args:
        part: such as "xc7z020clg400-1", or a family's name itself.

    Raises:
        MsqError: Yosys does not map to the part.

    >>> family_of("xc7z020clg400-1"), family_of("xczu3eg-sbva484-1-e")
    ('xc7', 'xcup')
    """
    name = part.lower()
    if name.startswith("xc7"):
        return "xc7"
    if name.startswith(("xcup", "xczu", "xck26", "xcu", "xcvu", "xcku")):
        return "xcup"
    raise MsqError(f"part {part}: Yosys maps to 7-series and UltraScale+ parts only")


@dataclass(frozen=True)
class NetlistSource:
    """A synthesised netlist of primitives.

    Attributes:
        module: name of its module, which no other netlist has.
        text: Verilog, with undefined bits (x) where the source leaves them open.
    """

    module: str
    text: str

    @property
    def ports(self) -> frozenset[str]:
        """Names of the module's ports."""
        header = self.text.split(f"module {self.module}(", 1)[1].split(");", 1)[0]
        return frozenset(name.strip().lstrip("\\") for name in header.split(","))


@dataclass(frozen=True)
class Synthesis:
    """A finished synthesis run.

    Attributes:
        folder: its cache entry.
        module: name of the netlist's module.
    """

    folder: Path
    module: str

    @property
    def resources(self) -> Resources:
        """What the netlist takes."""
        counted = json.loads((self.folder / "resources.json").read_text())
        return Resources(**counted, yosys=version())

    @property
    def netlist(self) -> NetlistSource:
        """The netlist that was counted."""
        packed = (self.folder / "netlist.v.gz").read_bytes()
        return NetlistSource(self.module, gzip.decompress(packed).decode())


def synthesize(top: str, sources: Sequence[Path | str], **options: Any) -> Resources:
    """Synthesise a design, and count what it takes.

    Args:
        sources: SystemVerilog or Verilog files.
        options: as of :func:`run`.

    Raises:
        MissingToolError: see `run`.
        MsqError: likewise.
    """
    return run(top, sources, **options).resources


def run(
    top: str,
    sources: Sequence[Path | str],
    *,
    part: str = "xc7z020clg400-1",
    parameters: Mapping[str, int] | None = None,
    include_dirs: Sequence[Path | str] = (),
    defines: Mapping[str, str] | None = None,
    unused_ports: Sequence[str] = (),
    timeout_s: float = TIMEOUT_S,
) -> Synthesis:
    """Synthesise a design, flat and out of context.

    DSP slices and memories are inferred as Yosys does by default; ``ram_style`` is honoured. Memory
    contents (``$readmemh``) are found by absolute path or by name in the folders of the sources.
    Results are cached by the contents of everything that is read.

    Args:
        sources: SystemVerilog or Verilog files.
        part: FPGA part or family ("xc7", "xcup").
        parameters: of the top module, from -2^31 up.
        include_dirs: where headers are looked up.
        defines: macros.
        unused_ports: patterns of ports of the top: inputs are tied to zero, outputs left open; the
            netlist does not have them.
        timeout_s: seconds after which to give up.

    Raises:
        MissingToolError: pyosys is not installed.
        MsqError: a file is missing, the design does not synthesise, or it takes too long.
    """
    tool = version()
    files = [_existing(Path(source), top) for source in sources]
    folders = list(dict.fromkeys([*(f.parent for f in files), *(Path(d) for d in include_dirs)]))
    reworded = [for_slang(file) for file in files]
    texts = [new or file.read_text() for file, new in zip(files, reworded, strict=True)]
    options = [
        f"--top {top}",
        *(f"-G {name}={_literal(value)}" for name, value in sorted((parameters or {}).items())),
        *(f"-D {name}={value}" for name, value in sorted((defines or {}).items())),
    ]
    family = family_of(part)
    key = run_key(top, texts, folders)
    settings = json.dumps([tool, family, options, list(unused_ports)]).replace(top, "@top@")
    digest = hashlib.sha256(f"{own_sources()} {settings} {key}".encode()).hexdigest()
    module = f"netlist_{digest[:16]}"

    def make(folder: Path) -> None:
        paths = [
            _written(folder / str(index) / file.name, new) if new else file
            for index, (file, new) in enumerate(zip(files, reworded, strict=True))
        ]
        for path in data_files(texts, folders):
            (folder / path.name).symlink_to(path.absolute())
        slang = [
            "--ignore-assertions",
            "--allow-use-before-declare",
            # Trees of several hundred rows are laid out by constant functions.
            f"--max-constexpr-steps {_CONSTANT_STEPS}",
            *options,
            *(f"--blackboxed-module {name}" for name in _BLACK_BOXES),
            *(f'-I "{d.absolute()}"' for d in folders),
            *(f'"{path.absolute()}"' for path in (_STUBS, *paths)),
        ]
        job = {
            "top": top,
            "family": family,
            "slang": slang,
            "unused_ports": list(unused_ports),
            "module": module,
        }
        (folder / "job.json").write_text(json.dumps(job))
        _run(top, folder, timeout_s)

    return Synthesis(cache.entry("synth", digest, make), module)


def _existing(path: Path, top: str) -> Path:
    if not path.is_file():
        raise MsqError(f"synthesis of {top}: source {path} does not exist")
    return path


def _literal(value: int) -> str:
    """A parameter's value; plain SystemVerilog numbers have 32 bits."""
    return str(value) if -(2**31) <= value < 2**31 else rf"{value.bit_length()}\'h{value:x}"


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir()
    path.write_text(text)
    return path


def _run(top: str, folder: Path, timeout_s: float) -> None:
    """Run the worker in a folder that holds its job."""
    command = [sys.executable, "-m", "msq_finn.synth.worker", "job.json"]
    environment = os.environ | {"TMPDIR": str(folder)}
    log = folder / "yosys.log"
    with log.open("w") as out, (folder / "errors.log").open("w+") as err:
        # A session of its own, so that the programs Yosys starts end with it.
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=err, start_new_session=True
        )
        try:
            status = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise MsqError(
                f"synthesis of {top} took more than {timeout_s:g} s; fold the node more, or allow "
                "more time"
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        err.seek(0)
        if status:
            raise MsqError(f"synthesis of {top} failed: {_first_error(err.read(), status)}")
    log.unlink()


def _first_error(text: str, status: int) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\b(ERROR|Error|error)\b", line)]
    fallback = lines[-1] if lines else f"Yosys ended with status {status}"
    return errors[0] if errors else fallback
