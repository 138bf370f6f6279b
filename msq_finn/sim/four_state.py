"""Simulation in four states (Icarus Verilog): what is unknown behind a reset is X, and is found.

The bench begins without a reset while data arrives, resets for a few cycles, breaks off in the
middle and resets again, and only then lets all words pass. While a word is not valid its data is X.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msq_finn.errors import MissingToolError, MsqError
from msq_finn.sim.model import Words

#: Cycles for which a broken-off run lasts, by default: one that only fills the pipeline's start,
#: and a longer one.
RESTARTS = (40, 300)

_INPUT = re.compile(r"\binput\s+(?:logic\s+|wire\s+)?(?:\[[^\]]*\]\s*)?(\w+)")

_INSTALL = "install Icarus Verilog, such as Debian's iverilog"


@dataclass(frozen=True)
class FourState:
    """What a simulation gave.

    Attributes:
        outputs: per output stream the words, [words, bytes]; bits that are X count as 0.
        unknown: what was X and should not have been, one line each with stream and cycle; the
            first of them. Where a handshake was X, outputs may lack words.
        cycles: from the last reset's end to the last word.
    """

    outputs: dict[str, Words]
    unknown: list[str]
    cycles: int


def version() -> str:
    """Version of Icarus Verilog, such as ``11.0``.

    Raises:
        MissingToolError: there is none.
    """
    done = _call([_find("iverilog"), "-V"])
    found = re.search(r"version (\S+)", done.stdout)
    if found is None:
        raise MissingToolError(f"iverilog -V gives no version; {_INSTALL}")
    return found[1]


def simulate(
    top: str,
    sources: Sequence[Path],
    inputs: Mapping[str, NDArray[np.uint8]],
    outputs: Mapping[str, int],
    streams: Mapping[str, int],
    *,
    stall_in: float = 0.0,
    stall_out: float = 0.0,
    seed: int = 1,
    reset_cycles: int = 1,
    restarts: Sequence[int] = RESTARTS,
    max_cycles: int = 1_000_000,
    timeout_s: float = 3600.0,
) -> FourState:
    """Stream words through a design, and look for X on all of its streams.

    Args:
        top: name of the top module, with ports as of :func:`msq_finn.sim.axi_streams.simulate`.
        sources: Verilog files that Icarus takes, that of the top last.
        inputs: per input stream the words to send, [words, bytes], the lowest byte first.
        outputs: per output stream how many words to collect.
        streams: the top's streams, those between its instances among them: bits of data.
        stall_in: chance that an input pauses in a cycle, from 0 to below 1.
        stall_out: chance that an output is not ready in a cycle, from 0 to below 1.
        seed: of the pauses.
        reset_cycles: length of a reset.
        restarts: cycles between a reset and the next one, per run that is broken off; the first
            one comes after as many cycles without any.
        max_cycles: from the last reset's end.
        timeout_s: seconds after which to give up.

    Raises:
        MissingToolError: no Icarus Verilog.
        MsqError: it rejects the design, a model refuses a mode, words are missing, or it takes too
            long.
    """
    compiler, runner = _find("iverilog"), _find("vvp")
    with tempfile.TemporaryDirectory(prefix="msq_finn_four_state_") as scratch:
        folder = Path(scratch)
        for name, words in inputs.items():
            lines = (words[:, ::-1].tobytes().hex("\n", words.shape[1])) if len(words) else ""
            (folder / f"{name}.hex").write_text(lines + "\n")
        bench = folder / "bench.sv"
        stalls = (round(1000 * stall_in), round(1000 * stall_out))
        text = _bench(top, sources, inputs, outputs, streams, stalls, seed, restarts)
        bench.write_text(text)
        defines = {"RESET_CYCLES": reset_cycles, "MAX_CYCLES": max_cycles}
        command = [compiler, "-g2012", "-o", "bench.vvp", "-s", "bench"]
        command += [f"-Pbench.{name}={value}" for name, value in defines.items()]
        done = _call([*command, *(str(path.absolute()) for path in sources), bench], folder)
        if done.returncode:
            raise MsqError(f"Icarus Verilog rejects {top}: {_first(done.stdout + done.stderr)}")
        run = _call([runner, "-n", "bench.vvp"], folder, timeout_s)
        unknown = [line[3:] for line in run.stdout.splitlines() if line.startswith("X: ")]
        end = re.search(r"(?:DONE|STARVED) (\d+)", run.stdout)
        if run.returncode or end is None:
            reason = _first(run.stdout + run.stderr)
            raise MsqError(f"four-state simulation of {top} failed: {reason}")
        if end[0].startswith("STARVED") and not unknown:
            raise MsqError(f"four-state simulation of {top}: words are missing in cycle {end[1]}")
        found = {name: _words(folder / f"{name}.out") for name in outputs}
        for name, (_, bad) in found.items():
            unknown += [f"{name}: {bad} words with X"] if bad else []
        return FourState({name: words for name, (words, _) in found.items()}, unknown, int(end[1]))


def _bench(
    top: str,
    sources: Sequence[Path],
    inputs: Mapping[str, NDArray[np.uint8]],
    outputs: Mapping[str, int],
    streams: Mapping[str, int],
    stalls: tuple[int, int],
    seed: int,
    restarts: Sequence[int],
) -> str:
    """The bench's text."""
    pins = [".ap_clk(clk)", ".ap_rst_n(rst_n)"]
    module = re.search(rf"(?s)\bmodule\s+{top}\b.*?\bendmodule", sources[-1].read_text())
    found = set(_INPUT.findall(module[0])) if module is not None else set()
    pins += [".ap_clk2x(clk2x)"] if "ap_clk2x" in found else []
    driven = {f"{name}_T{part}" for name in streams for part in ("DATA", "VALID", "READY")}
    driven |= {"ap_clk", "ap_rst_n", "ap_clk2x"}
    # Configuration that nobody writes.
    pins += [f".{name}(0)" for name in sorted(found - driven)]
    parts = []
    for index, (name, words) in enumerate(inputs.items()):
        pins += [f".{name}_T{p}({name}_{p.lower()})" for p in ("DATA", "VALID", "READY")]
        parts.append(
            f"  msq_source #(.BITS({streams[name]}), .WORDS({len(words)}), .STALL({stalls[0]}),\n"
            f'    .FILE("{name}.hex"), .SEED({seed + index})) source_{name} (\n'
            f"    .clk(clk), .run(run), .data({name}_data), .valid({name}_valid),\n"
            f"    .ready({name}_ready));"
        )
    for index, (name, count) in enumerate(outputs.items()):
        pins += [f".{name}_T{p}({name}_{p.lower()})" for p in ("DATA", "VALID", "READY")]
        parts.append(
            f"  msq_sink #(.BITS({streams[name]}), .WORDS({count}), .STALL({stalls[1]}),\n"
            f'    .FILE("{name}.out"), .SEED({seed + 100 + index})) sink_{name} (\n'
            f"    .clk(clk), .run(run), .last_run(last_run), .data({name}_data),\n"
            f"    .valid({name}_valid), .ready({name}_ready), .done({name}_done));"
        )
    nets = [
        f"  wire [{streams[name] - 1}:0] {name}_data; wire {name}_valid, {name}_ready;"
        for name in (*inputs, *outputs)
    ]
    nets += [f"  wire {name}_done;" for name in outputs]
    for name in streams:
        ends = [f"dut.{name}_T{part}" for part in ("DATA", "VALID", "READY")]
        parts.append(
            f'  msq_monitor #(.BITS({streams[name]}), .NAME("{name}")) monitor_{name} (\n'
            f"    .clk(clk), .watch(watch),\n"
            f"    .data({ends[0]}), .valid({ends[1]}), .ready({ends[2]}));"
        )
    runs = "\n".join(f"    attempt({cycles});" for cycles in restarts)
    first = restarts[0] if restarts else 1
    text = _BENCH.read_text()
    replaced = {
        "NETS": "\n".join(nets),
        "PARTS": "\n".join(parts),
        "PINS": ", ".join(pins),
        "TOP": top,
        "FIRST": str(first),
        "RESTARTS": runs,
        "ALL_DONE": " && ".join(f"{name}_done" for name in outputs),
    }
    for key, value in replaced.items():
        text = text.replace(f"@{key}@", value)
    return text


_BENCH = Path(__file__).with_name("four_state.sv")


def _words(path: Path) -> tuple[Words, int]:
    """Words that a sink has written in binary, and in how many of them there is an X."""
    lines = path.read_text().split()
    bad = sum("x" in line or "z" in line for line in lines)
    if not lines:
        return np.zeros((0, 1), np.uint8), 0
    size = (len(lines[0]) + 7) // 8
    clean = (re.sub("[xz]", "0", line) for line in lines)
    data = b"".join(int(line, 2).to_bytes(size, "little") for line in clean)
    return np.frombuffer(data, np.uint8).reshape(len(lines), size), bad


def _find(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise MissingToolError(f"no {name} for simulation in four states; {_INSTALL}")
    return path


def _call(
    command: Sequence[str | Path], folder: Path | None = None, timeout_s: float = 600.0
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", check=False,
            timeout=timeout_s,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise MsqError(f"{Path(command[0]).name} took more than {timeout_s:g} s") from error


def _first(text: str) -> str:
    """The first line that says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if re.search(r"error|FATAL", line)]
    return (named or lines or ["no message"])[0]
