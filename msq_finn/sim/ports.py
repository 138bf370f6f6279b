"""Kernel, design and ports as FINN's ``xsi`` extension module has them, on Verilator.

Names and meaning are those of ``finn_xsi/xsi.pyi``; what no FINN calls is left out. Values are
two-state and always current, so ``read`` has nothing to fetch and ``write_back`` only notes that an
input changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from msq_finn.errors import MsqError
from msq_finn.sim import model
from msq_finn.sim.model import AxiStream, Model, Status, Words, stream_port

#: Cycles between two chances to interrupt a run.
_BATCH = 10_000


class Kernel:
    """Simulator kernel; Verilator has none to load.

    Args:
        name: kept, and else unused.
    """

    def __init__(self, name: str) -> None:
        self.name = name


class Design:
    """An open design.

    Args:
        kernel: unused.
        design_lib: absolute path of a library from :func:`msq_finn.sim.verilator.build`. Not a
            relative one: the system's loader gives a library that is open already to everybody
            who asks for the same path.
        log_file: unused.
        wdb_file: waveform file (VCD) to write.

    Raises:
        MsqError: waveforms are asked of a library that was built without them.
    """

    def __init__(
        self,
        kernel: Kernel,
        design_lib: str,
        log_file: str | None = None,
        wdb_file: str | None = None,
    ) -> None:
        self._model: Model | None = Model(
            Path(design_lib), trace=Path(wdb_file) if wdb_file else None
        )
        self._ports = {name: Port(self, port) for name, port in self._model.ports.items()}
        self.changed = True

    def close(self) -> None:
        """End the simulation."""
        if self._model is not None:
            self._ports = {}
            self._model.close()
            self._model = None

    def is_open(self) -> bool:
        """Whether the simulation has not been closed."""
        return self._model is not None

    def trace_all(self) -> None:
        """Every signal is in the waveforms already."""

    def run(self, cycles: int) -> None:
        """Let changed inputs take effect, then let time pass.

        Args:
            cycles: simulator time steps; only their order matters.

        Raises:
            RuntimeError: the simulation is closed.
            MsqError: the design failed or called ``$finish``.
        """
        if self._model is None:
            raise RuntimeError("the simulation is closed")
        if not self.changed:
            return
        self.changed = False
        self._check(self._model.evaluate(cycles))

    def _check(self, status: Status) -> None:
        if self._model is not None and status in (Status.FAILED, Status.FINISHED):
            reason = " ".join(self._model.log.split()) or "the design called $finish"
            raise MsqError(f"the simulation failed: {reason}")

    def stream(
        self,
        io_dict: Mapping[str, dict[str, list[int]]],
        num_out_values: int | Mapping[str, int],
        suffix: str,
        max_idle: int,
    ) -> int:
        """Pass words through AXI streams with the compiled drivers.

        FINN's ``xsi`` has no such method; what stands for FINN's ``rtlsim_multi_io`` calls it.

        Args:
            io_dict: words as unsigned integers, per stream under ``inputs`` and ``outputs``; the
                latter's are written.
            num_out_values: words to receive, per output where there are several.
            suffix: what follows the streams' names in the names of ports.
            max_idle: give up after so many cycles without a word.

        Returns:
            clock cycles.

        Raises:
            RuntimeError: the simulation is closed.
            MsqError: the design starved or failed.
        """
        if self._model is None:
            raise RuntimeError("the simulation is closed")
        self.run(1)
        outputs = io_dict["outputs"]
        counts = (
            num_out_values
            if isinstance(num_out_values, Mapping)
            else dict.fromkeys(outputs, num_out_values)
        )
        sent = {
            name + suffix: self._stream(name + suffix, list(words))
            for name, words in io_dict["inputs"].items()
        }
        received = {
            name + suffix: self._stream(name + suffix, [0] * int(counts[name])) for name in outputs
        }
        begin = self._model.cycle
        status = Status.RUNNING
        while status == Status.RUNNING:
            status = self._model.run(sent, received, _BATCH, max_idle)
        if status == Status.IDLE:
            done = {name: stream.done for name, stream in {**sent, **received}.items()}
            raise MsqError(f"the simulation starved after {max_idle} idle cycles; words: {done}")
        self._check(status)
        for name in outputs:
            outputs[name] = _integers(received[name + suffix].words)
        return self._model.cycle - begin

    def _stream(self, name: str, words: Sequence[int]) -> AxiStream:
        assert self._model is not None
        bits = self._model.ports[stream_port(self._model.ports, name, "data")].bits
        size = (bits + 7) // 8
        data = b"".join(word.to_bytes(size, "little") for word in words)
        table = np.frombuffer(bytearray(data), np.uint8).reshape(len(words), size)
        return self._model.stream(name, table, 0.0, (0,))

    def ports(self) -> Iterator[Port]:
        """All ports of the top module."""
        return iter(self._ports.values())

    def getPort(self, name: str) -> Port:
        """Look a port up.

        Args:
            name: as in the source.

        Raises:
            RuntimeError: there is none of that name; FINN expects this type.
        """
        if name not in self._ports:
            raise RuntimeError(f"no port {name}")
        return self._ports[name]


def _integers(words: Words) -> list[int]:
    return [int.from_bytes(word, "little") for word in words]


class Port:
    """A top-level port of an open design.

    Args:
        design: that it belongs to.
        port: of the model.
    """

    def __init__(self, design: Design, port: model.Port) -> None:
        self._design = design
        self._port = port

    def name(self) -> str:
        """Name in the source."""
        return self._port.name

    def width(self) -> int:
        """Width in bits."""
        return self._port.bits

    def isInput(self) -> bool:
        """Whether the design reads it."""
        return self._port.is_input

    def read(self) -> Port:
        """The value is always current."""
        return self

    def write_back(self) -> None:
        """Let the next run see the value."""
        self._design.changed = True

    def as_bool(self) -> bool:
        """Whether any bit is 1."""
        return self._port.read() != 0

    def as_unsigned(self) -> int:
        """The value."""
        return self._port.read()

    def as_hexstr(self) -> str:
        """The value as hexadecimal digits, the highest first."""
        return f"{self._port.read():0{(self._port.bits + 3) // 4}x}"

    def clear(self) -> Port:
        """Set to 0."""
        return self.set(0)

    def set(self, value: int) -> Port:
        """Set to a number.

        Args:
            value: of which the port's width of low bits is taken.
        """
        self._port.write(value)
        return self

    def set_binstr(self, value: str) -> Port:
        """Set from binary digits.

        Args:
            value: the highest first.
        """
        return self.set(int(value, 2))

    def set_hexstr(self, value: str) -> Port:
        """Set from hexadecimal digits.

        Args:
            value: the highest first.
        """
        return self.set(int(value, 16))
