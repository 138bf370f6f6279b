"""Simulate a design with AXI streams, its drivers compiled into the simulation."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_finn.errors import MsqError
from msq_finn.sim import verilator
from msq_finn.sim.model import Cycles, Status, Words, stream_port
from msq_finn.sim.words import pack, unpack

__all__ = ["Preparation", "Result", "Words", "pack", "simulate", "unpack"]


@dataclass(frozen=True)
class Result:
    """What a simulation gave.

    Attributes:
        outputs: per output stream the words, [words, bytes].
        cycles: length of the run in clock cycles, from the end of reset.
        output_cycles: per output stream the cycle of every word.
        input_cycles: per input stream the cycle in which the design took each word.
        probes: final value of every probed port.
    """

    outputs: dict[str, Words]
    cycles: int
    output_cycles: dict[str, Cycles]
    input_cycles: dict[str, Cycles]
    probes: dict[str, int]


@dataclass(frozen=True)
class Preparation:
    """What is done with a design between its reset and the first word that counts.

    Attributes:
        written: per AXI-lite port the 32-bit words that are written from address 0 on, and read
            again.
        inputs: per input stream the words sent behind that, [words, bytes]; none, or all streams.
        outputs: per output stream how many words those give, which are dropped.
    """

    written: Mapping[str, NDArray[np.uint32]] = field(default_factory=dict)
    inputs: Mapping[str, Words] = field(default_factory=dict)
    outputs: Mapping[str, int] = field(default_factory=dict)


_NOTHING = Preparation()


def simulate(
    top: str,
    sources: Sequence[str | Path],
    inputs: Mapping[str, Words],
    outputs: Mapping[str, int],
    *,
    before: Preparation = _NOTHING,
    stall_in: float = 0.0,
    stall_out: float = 0.0,
    seed: int = 0,
    probes: Sequence[str] = (),
    include_dirs: Sequence[str | Path] = (),
    defines: Mapping[str, str] | None = None,
    timeout_cycles: int | None = None,
    max_idle_cycles: int = 1_000_000,
    waveform: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Stream words through a design until every output has given what is expected of it.

    The design has a clock ``ap_clk``, optionally one of twice its rate, ``ap_clk2x``, a reset
    ``ap_rst_n``, and AXI streams: ``<name>_tdata``, ``<name>_tvalid``, ``<name>_tready``, in
    either case; AXI-lite ports have their signals in capitals (``<name>_AWADDR``). Other inputs are
    held at 0. It runs in a process of its own.

    Args:
        sources: (System)Verilog files.
        inputs: per input stream the words to send, [words, bytes], the lowest byte first.
        outputs: per output stream how many words to collect.
        before: what is written and sent before.
        stall_in: chance that an input pauses in a cycle, from 0 to below 1.
        stall_out: chance that an output is not ready in a cycle, from 0 to below 1.
        seed: of the pauses, and of the noise in uninitialised state.
        probes: output ports of up to 64 bits to read at the end.
        include_dirs: folders to search for includes.
        defines: macros, name to value.
        timeout_cycles: most cycles to run.
        max_idle_cycles: most cycles in a row without a word on any stream.
        waveform: VCD file to write.
        progress: told of collected words and their total, some times a second.

    Returns:
        words, and the cycle of each.

    Raises:
        MissingToolError: no Verilator, or no C++ compiler.
        MsqError: the design is rejected, has no such port, starves, stops itself or crashes, or
            does not read as it was written.
    """
    for name, stall in (("stall_in", stall_in), ("stall_out", stall_out)):
        if not 0 <= stall < 1:
            raise MsqError(f"{name} is a chance from 0 to below 1, not {stall}")
    library = verilator.build(
        top, sources, include_dirs=include_dirs, defines=defines, trace=waveform is not None
    )
    ports = verilator.ports(library)
    _check_ports(top, ports, inputs, outputs, probes)
    if before.inputs:
        _check_ports(top, ports, before.inputs, before.outputs, ())
    for name in before.written:
        if f"{name}_AWADDR" not in ports:
            raise MsqError(f"{top} has no AXI-lite port {name}; it has {', '.join(ports)}")
    with tempfile.TemporaryDirectory(prefix="msq_finn_sim_") as scratch:
        folder = Path(scratch)
        for name, words in before.written.items():
            np.save(folder / f"{name}.npy", words)
        phases = {"before": (before.inputs, before.outputs)} if before.inputs else {}
        phases |= {"counted": (inputs, outputs)}
        job = {
            "library": str(library),
            "written": list(before.written),
            "phases": {
                name: _phase(folder / name, ports, *streams) for name, streams in phases.items()
            },
            "stall_in": stall_in,
            "stall_out": stall_out,
            "seed": seed,
            "probes": list(probes),
            "timeout": timeout_cycles,
            "max_idle": max_idle_cycles,
            "waveform": str(waveform.absolute()) if waveform is not None else None,
        }
        (folder / "job.json").write_text(json.dumps(job))
        _run_child(top, folder, progress)
        end = json.loads((folder / "result.json").read_text())
        if end["unanswered"]:
            raise MsqError(f"{end['unanswered']} does not answer all accesses", where=top)
        for name, words in before.written.items():
            _check_read(top, name, words, np.load(folder / f"{name}.npy"))
        _check(top, end, *phases[end["phase"]])
        found = folder / end["phase"]
        return Result(
            outputs={name: np.load(found / f"{name}.words.npy") for name in outputs},
            cycles=end["cycles"],
            output_cycles={name: np.load(found / f"{name}.cycles.npy") for name in outputs},
            input_cycles={name: np.load(found / f"{name}.cycles.npy") for name in inputs},
            probes=end["probes"],
        )


Ports = Mapping[str, tuple[int, bool]]


def _phase(
    folder: Path, ports: Ports, inputs: Mapping[str, Words], outputs: Mapping[str, int]
) -> dict[str, Any]:
    """Save the words that are sent, and say what streams there are."""
    folder.mkdir()
    for name, words in inputs.items():
        np.save(folder / f"{name}.words.npy", np.ascontiguousarray(words, dtype=np.uint8))
    shapes = {name: (count, (_width(ports, name) + 7) // 8) for name, count in outputs.items()}
    return {"inputs": list(inputs), "outputs": shapes}


def _width(ports: Ports, stream: str) -> int:
    return ports[stream_port(ports, stream, "data")][0]


def _check_ports(
    top: str,
    ports: Ports,
    inputs: Mapping[str, Words],
    outputs: Mapping[str, int],
    probes: Sequence[str],
) -> None:
    def check(name: str, is_input: bool) -> None:
        if name not in ports or ports[name][1] != is_input:
            kind = "input" if is_input else "output"
            raise MsqError(f"{top} has no {kind} port {name}; it has {', '.join(ports)}")

    check("ap_clk", True)
    check("ap_rst_n", True)
    for side, sends in ((inputs, True), (outputs, False)):
        for name in side:
            check(stream_port(ports, name, "data"), sends)
            check(stream_port(ports, name, "valid"), sends)
            check(stream_port(ports, name, "ready"), not sends)
    for name in probes:
        check(name, False)
        if ports[name][0] > 64:
            raise MsqError(f"{name} has {ports[name][0]} bits; a probe has at most 64", where=top)
    for name, words in inputs.items():
        bits = _width(ports, name)
        spare = -bits % 8
        if words.ndim != 2 or words.shape[1] * 8 != bits + spare:
            raise MsqError(
                f"{name} takes words of {bits} bits, not of shape {words.shape}", where=top
            )
        if spare and (words[:, -1] >> (8 - spare)).any():
            raise MsqError(f"words for {name} are wider than {bits} bits", where=top)


def _run_child(top: str, folder: Path, progress: Callable[[int, int], None] | None) -> None:
    command = [sys.executable, "-m", "msq_finn.sim.child", str(folder)]
    with (
        (folder / "stderr").open("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as child,
    ):
        try:
            assert child.stdout is not None
            for line in child.stdout:
                if progress is not None:
                    done, total = line.split()
                    progress(int(done), int(total))
        except BaseException:
            child.kill()
            raise
        if child.wait():
            errors.seek(0)
            reason = (errors.read().strip().splitlines() or ["no message"])[-1]
            raise MsqError(f"simulation of {top} crashed (exit code {child.returncode}): {reason}")


def _check_read(top: str, port: str, words: NDArray[np.uint32], found: NDArray[np.uint32]) -> None:
    """Hold the words of an AXI-lite port to those that were written."""
    wrong = np.flatnonzero(words != found)
    if len(wrong):
        index = wrong[0]
        raise MsqError(
            f"{port} reads {found[index]:#010x} for {words[index]:#010x} at word {index} of "
            f"{len(words)}",
            where=top,
        )


def _check(
    top: str,
    end: Mapping[str, object],
    inputs: Mapping[str, Words],
    outputs: Mapping[str, int],
) -> None:
    status, cycles = end["status"], end["cycles"]
    if status == Status.DONE:
        return
    log = str(end["log"]).strip()
    if status == Status.FAILED:
        raise MsqError(f"simulation of {top} failed in cycle {cycles}: {' '.join(log.split())}")
    if status == Status.FINISHED:
        raise MsqError(f"{top} called $finish in cycle {cycles}. {' '.join(log.split())}".strip())
    expected = {name: len(words) for name, words in inputs.items()} | dict(outputs)
    done = end["done"]
    assert isinstance(done, dict)
    starved = [
        f"{name} {'took' if name in inputs else 'gave'} {done[name]} of {expected[name]} words"
        for name in expected
        if done[name] < expected[name]
    ]
    why = "no stream moved any more" if status == Status.IDLE else "it ran out of time"
    raise MsqError(f"simulation of {top} stopped in cycle {cycles}, {why}: {', '.join(starved)}")
