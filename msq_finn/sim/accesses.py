"""Words that are written over AXI-lite into an open simulation, and read again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from msq_finn.sim.model import AxiStream, Model, Status, Words

#: Bytes of a word, one after the other in the address space.
_WORD_BYTES = 4

#: Most cycles in a row in which a port may do nothing.
_MAX_IDLE = 10_000


def load(
    model: Model, port: str, words: NDArray[np.uint32], stall: float, seed: Sequence[int]
) -> tuple[Status, NDArray[np.uint32]]:
    """Write words from address 0 on, then read as many.

    An access ends before the next one begins, as those of a processor do: FINN's AXI-lite port
    loses answers that wait while further ones come.

    Args:
        model: out of reset.
        port: its signals are ``<port>_AWADDR`` and so on.
        words: of shape (words,), one or more.
        stall: chance that our side pauses in a cycle.
        seed: of the pauses.

    Returns:
        ``DONE``, or why it ended before that, and the words that were read, (words,).

    Raises:
        KeyError: the design has no such port.
    """
    count = len(words)
    model.ports[f"{port}_WSTRB"].write((1 << _WORD_BYTES) - 1)
    addresses = _bytes(model, f"{port}_AWADDR", _WORD_BYTES * np.arange(count, dtype=np.uint64))
    data = _bytes(model, f"{port}_WDATA", words.astype(np.uint64))

    def channel(name: str, payload: str, content: Words, number: int) -> AxiStream:
        signal = f"{port}_{name}"
        names = f"{signal}VALID", f"{signal}READY", f"{signal}{payload}"
        return model.channel(names, content, stall, (*seed, number))

    written = {"AW": channel("AW", "ADDR", addresses, 0), "W": channel("W", "DATA", data, 1)}
    answers = {"B": channel("B", "RESP", np.zeros((count, 1), np.uint8), 2)}
    found = np.zeros((count, _WORD_BYTES), np.uint8)
    status = _run(model, written, answers)
    if status == Status.DONE:
        asked = {"AR": channel("AR", "ADDR", addresses, 3)}
        status = _run(model, asked, {"R": channel("R", "DATA", found, 4)})
    return status, found.view("<u4").reshape(-1)


def _run(model: Model, inputs: dict[str, AxiStream], outputs: dict[str, AxiStream]) -> Status:
    status = Status.DONE
    for count in range(1, 1 + max(len(stream.words) for stream in inputs.values())):
        for stream in (*inputs.values(), *outputs.values()):
            stream.row.count = count
        status = Status.RUNNING
        while status == Status.RUNNING:
            status = model.run(inputs, outputs, 10 * _MAX_IDLE, _MAX_IDLE)
        if status != Status.DONE:
            break
    return status


def _bytes(model: Model, port: str, values: NDArray[np.uint64]) -> Words:
    """Values as words of a port, [values, bytes]."""
    width = (model.ports[port].bits + 7) // 8
    return np.ascontiguousarray(values.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width])
