"""An open simulation: a compiled design in this process."""

from __future__ import annotations

import ctypes
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_finn.errors import MsqError

Words = NDArray[np.uint8]
Cycles = NDArray[np.int64]


class Status(IntEnum):
    """Why a run returned (as harness.cpp has it).

    ``RUNNING``: its budget is used up. ``DONE``: all words have passed. ``IDLE``: no stream moved
    for too long. ``FINISHED``: the design called ``$finish``. ``FAILED``: an assertion, ``$fatal``
    or ``$stop``; the log says which.
    """

    RUNNING = 0
    DONE = 1
    IDLE = 2
    FINISHED = 3
    FAILED = 4


class _Port(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("bits", ctypes.c_uint32),
        ("is_input", ctypes.c_uint32),
    )


class _Stream(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("valid", "ready", "data", "words", "cycles")),
        ("count", ctypes.c_int64),
        ("done", ctypes.c_int64),
        ("random", ctypes.c_uint64),
        *((name, ctypes.c_uint32) for name in ("stall", "bits", "moves")),
    )


@dataclass(frozen=True)
class Port:
    """A top-level port.

    Attributes:
        name: as in the source.
        bits: width.
        is_input: direction.
        address: where the simulation keeps its value.
        data: the value's bytes, the lowest first; bits above the width stay 0.
    """

    name: str
    bits: int
    is_input: bool
    address: int
    data: Any

    def read(self) -> int:
        """The value as an unsigned integer."""
        return int.from_bytes(self.data, "little")

    def write(self, value: int) -> None:
        """Set an input; the design sees it at the next evaluation.

        Args:
            value: of which the port's width of low bits is taken.
        """
        self.data[:] = (value & ((1 << self.bits) - 1)).to_bytes(len(self.data), "little")


class Model:
    """A design, opened for simulation.

    Args:
        library: from :func:`msq_finn.sim.verilator.build`.
        seed: of the noise that uninitialised state starts with.
        trace: waveform file (VCD) to write; the library must have been built for it.

    Raises:
        MsqError: it was not.

    Attributes:
        ports: by name.
    """

    def __init__(self, library: Path, seed: int = 0, trace: Path | None = None) -> None:
        self._library = ctypes.CDLL(str(library.absolute()))
        self._library.msq_open.restype = ctypes.c_void_p
        self._library.msq_log.restype = ctypes.c_char_p
        self._library.msq_cycle.restype = ctypes.c_int64
        if trace is not None and not self._library.msq_traces():
            raise MsqError(f"{library} was compiled without waveforms; compile it with tracing")
        name = str(trace).encode() if trace is not None else None
        # Verilator takes a seed of 0 for "any".
        self._sim = ctypes.c_void_p(self._library.msq_open(1 + seed % (2**31 - 1), name))
        table = (_Port * self._library.msq_ports(self._sim, None))()
        self._library.msq_ports(self._sim, table)
        self.ports = {row.name.decode(): _port(row) for row in table}

    def close(self) -> None:
        """End the simulation and complete its waveforms."""
        if self._sim:
            self._library.msq_close(self._sim)
            self._sim = ctypes.c_void_p()
            self.ports = {}

    @property
    def log(self) -> str:
        """What the design printed; its last line says why a run failed."""
        return str(self._library.msq_log().decode(errors="replace"))

    @property
    def cycle(self) -> int:
        """Clock cycles run since reset."""
        return int(self._library.msq_cycle(self._sim))

    def evaluate(self, time_step: int) -> Status:
        """Let the ports' values take effect, then let time pass.

        Args:
            time_step: of waveforms, in units of the simulator's time.
        """
        return Status(self._library.msq_eval(self._sim, ctypes.c_uint64(time_step)))

    def reset(self) -> Status:
        """Hold ``ap_rst_n`` low for 16 cycles."""
        return Status(self._library.msq_reset(self._sim))

    def stream(self, name: str, words: Words, stall: float, seed: Sequence[int]) -> AxiStream:
        """Attach words to an AXI stream of the design.

        Args:
            name: of the stream; its ports are ``<name>_tdata`` and so on, in either case.
            words: to send, or room for those to receive, [words, bytes].
            stall: chance that our side pauses in a cycle, from 0 to below 1.
            seed: of the pauses.

        Returns:
            the stream, for ``run``; it writes to ``words`` where the design is the sender.

        Raises:
            KeyError: the design has no such stream.
        """
        valid, ready, data = (
            stream_port(self.ports, name, part) for part in ("valid", "ready", "data")
        )
        return self.channel((valid, ready, data), words, stall, seed)

    def channel(
        self, names: tuple[str, str, str], words: Words, stall: float, seed: Sequence[int]
    ) -> AxiStream:
        """Attach words to three ports with the handshake of an AXI stream.

        Args:
            names: of the ports that say that the sender, and the receiver, are ready, and of the
                data's.
            words: as of `stream`.
            stall: as of `stream`.
            seed: as of `stream`.

        Returns:
            the stream, for ``run``.

        Raises:
            KeyError: the design has no such port.
        """
        valid, ready, data = (self.ports[name] for name in names)
        cycles = np.full(len(words), -1, dtype=np.int64)
        row = _Stream(
            valid=valid.address,
            ready=ready.address,
            data=data.address,
            words=words.ctypes.data,
            cycles=cycles.ctypes.data,
            count=len(words),
            random=int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]) | 1,
            stall=int(stall * 2**32),
            bits=data.bits,
        )
        return AxiStream(words, cycles, row)

    def run(
        self,
        inputs: Mapping[str, AxiStream],
        outputs: Mapping[str, AxiStream],
        budget: int,
        max_idle: int,
    ) -> Status:
        """Go on for some cycles, or until all words have passed.

        Args:
            inputs: streams that we send on.
            outputs: streams that we receive on.
            budget: most cycles to run in this call.
            max_idle: give up after so many cycles in a row in which no stream moved.

        Returns:
            why it ended.
        """
        sides = [_table(side) for side in (inputs, outputs)]
        status = self._library.msq_run(
            self._sim,
            sides[0],
            len(inputs),
            sides[1],
            len(outputs),
            ctypes.c_int64(budget),
            ctypes.c_int64(max_idle),
        )
        for side, table in zip((inputs, outputs), sides, strict=True):
            for stream, row in zip(side.values(), table, strict=True):
                stream.row = row
        return Status(status)


def stream_port(ports: Container[str], stream: str, part: str) -> str:
    """Name of a stream's port.

    Args:
        part: ``data``, ``valid`` or ``ready``.

    >>> stream_port(["in0_V_TDATA"], "in0_V", "data")
    'in0_V_TDATA'
    """
    lower, upper = f"{stream}_t{part}", f"{stream}_T{part.upper()}"
    return upper if upper in ports else lower


@dataclass
class AxiStream:
    """An AXI stream with words attached.

    Attributes:
        words: sent or received, [words, bytes], the lowest byte first.
        cycles: of each word's handshake, since reset; -1 while it has not passed.
        row: the driver's own state.
    """

    words: Words
    cycles: Cycles
    row: Any

    @property
    def done(self) -> int:
        """Words that have passed."""
        return int(self.row.done)


def _table(streams: Mapping[str, AxiStream]) -> Any:
    return (_Stream * len(streams))(*(stream.row for stream in streams.values()))


def _port(row: _Port) -> Port:
    data = (ctypes.c_ubyte * ((row.bits + 7) // 8)).from_address(row.data)
    view = memoryview(data).cast("B")
    return Port(row.name.decode(), row.bits, bool(row.is_input), row.data, view)
