"""The process that :func:`msq_finn.sim.axi_streams.simulate` runs a design in.

A simulation can crash, and it computes for long without looking up: on its own it can do no harm.
It reads ``job.json`` and the input words from a folder, reports progress on standard output as
lines of two integers, and leaves ``result.json``, output words and cycles in the folder.
"""

from __future__ import annotations

import ctypes
import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from msq_finn.sim import accesses
from msq_finn.sim.model import AxiStream, Model, Status

#: Cycles between two looks at the clock.
_BATCH = 2_000
_PR_SET_PDEATHSIG = 1


def main(folder: Path) -> None:
    """Run the job in a folder, and leave its results there.

    Args:
        folder: with ``job.json``, whose keys :func:`msq_finn.sim.axi_streams.simulate` sets,
            ``<port>.npy`` of 32-bit words per AXI-lite port, and in a folder per phase
            ``<stream>.words.npy`` of shape [words, bytes] per input stream.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    job = json.loads((folder / "job.json").read_text())
    waveform = job["waveform"]
    model = Model(Path(job["library"]), job["seed"], Path(waveform) if waveform else None)
    status, unanswered = _prepare(model, job, folder)
    for phase, streams in job["phases"].items():
        inputs = _inputs(model, job, streams["inputs"], folder / phase)
        outputs = _outputs(model, job, streams["outputs"])
        if status == Status.DONE:
            status = _run(model, inputs, outputs, job["timeout"], job["max_idle"])
        if status != Status.DONE:
            break
    result = {
        "phase": phase,
        "status": status,
        "unanswered": unanswered,
        "cycles": model.cycle,
        "done": {name: stream.done for name, stream in (inputs | outputs).items()},
        "probes": {name: model.ports[name].read() for name in job["probes"]},
        "log": model.log,
    }
    model.close()
    for name, stream in outputs.items():
        np.save(folder / phase / f"{name}.words.npy", stream.words)
    for name, stream in (inputs | outputs).items():
        np.save(folder / phase / f"{name}.cycles.npy", stream.cycles)
    (folder / "result.json").write_text(json.dumps(result))


def _prepare(model: Model, job: Mapping[str, Any], folder: Path) -> tuple[Status, str]:
    """Reset the design and write its memories, into whose files goes what they read.

    Returns:
        ``DONE``, or why it ended before that, and the port that did not answer.
    """
    status = model.reset()
    if status != Status.RUNNING:
        return status, ""
    for number, port in enumerate(job["written"]):
        words = np.load(folder / f"{port}.npy")
        status, found = accesses.load(model, port, words, job["stall_in"], (job["seed"], 2, number))
        if status != Status.DONE:
            return status, port if status == Status.IDLE else ""
        np.save(folder / f"{port}.npy", found)
    return Status.DONE, ""


def _inputs(
    model: Model, job: Mapping[str, Any], names: Sequence[str], folder: Path
) -> dict[str, AxiStream]:
    return {
        name: model.stream(
            name, np.load(folder / f"{name}.words.npy"), job["stall_in"], (job["seed"], 0, index)
        )
        for index, name in enumerate(names)
    }


def _outputs(
    model: Model, job: Mapping[str, Any], shapes: Mapping[str, tuple[int, int]]
) -> dict[str, AxiStream]:
    return {
        name: model.stream(
            name, np.zeros(shape, np.uint8), job["stall_out"], (job["seed"], 1, index)
        )
        for index, (name, shape) in enumerate(shapes.items())
    }


def _run(
    model: Model,
    inputs: Mapping[str, AxiStream],
    outputs: Mapping[str, AxiStream],
    timeout: int | None,
    max_idle: int,
) -> Status:
    total = sum(len(stream.words) for stream in outputs.values())
    reported = 0.0
    status = Status.RUNNING
    while status == Status.RUNNING:
        budget = _BATCH if timeout is None else min(_BATCH, timeout - model.cycle)
        if budget <= 0:
            break
        status = model.run(inputs, outputs, budget, max_idle)
        if time.monotonic() - reported > 0.2 or status == Status.DONE:
            reported = time.monotonic()
            print(sum(stream.done for stream in outputs.values()), total, flush=True)
    return status


if __name__ == "__main__":
    main(Path(sys.argv[1]))
