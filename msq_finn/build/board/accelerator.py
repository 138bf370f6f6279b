"""FINN's accelerator behind its DMAs: buffers, registers, runs, and an end to waiting.

The methods have the names and the meaning of those of FINN's own driver, whose registers these are
(an HLS block each: control, address of the buffer, number of frames).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .formats import Formats
from .kernel_words import STALE_WORDS, write_memories
from .packing import size
from .sequences import SequenceLength

#: Offsets of a DMA's registers.
_CONTROL, _ADDRESS_LOW, _ADDRESS_HIGH, _FRAMES = 0x00, 0x10, 0x14, 0x1C

#: Bits of its control register; reading clears ``_DONE``.
_START, _DONE, _IDLE = 0x1, 0x2, 0x4


class Accelerator(Formats):
    """What FINN's ``FINNDMAOverlay`` does on a Zynq, with NumPy and pynq only.

    Attributes:
        overlay: pynq's ``Overlay``, with everything else that the bitfile holds.
        timeout_s: longest time to wait for a run, in seconds.
        fclk_mhz: clock of the accelerator.
        ibuf_packed_device: the input DMAs' buffers, [batch_size, ..., bytes] each.
        obuf_packed_device: the output DMAs' buffers, likewise.
        lengths: registers of the recurrent layers; None where sequences have one length.

    Args:
        overlay: pynq's, with the bitfile loaded.
        shapes: ``io_shape_dict`` of FINN's ``settings.json``.
        allocate: pynq's function of that name.
        batch_size: frames per run.
        timeout_s: longest time to wait for a run, in seconds.
        fclk_mhz: clock of the accelerator.
        sequence_length: of the package's settings, ``kernels`` and ``longest``.

    Raises:
        ValueError: see `Formats`.
        RuntimeError: see `SequenceLength`.
    """

    def __init__(
        self,
        overlay: Any,
        shapes: dict[str, Any],
        allocate: Callable[..., Any],
        *,
        batch_size: int = 1,
        timeout_s: float = 10.0,
        fclk_mhz: float = 100.0,
        sequence_length: dict[str, Any] | None = None,
    ) -> None:
        self.overlay = overlay
        self.timeout_s = timeout_s
        self.fclk_mhz = fclk_mhz
        self.lengths = SequenceLength(overlay, **sequence_length) if sequence_length else None
        self._allocate = allocate
        self._running = False
        self.idma = [getattr(overlay, name) for name in shapes["idma_names"]]
        self.odma = [getattr(overlay, name) for name in shapes["odma_names"]]
        self.ibuf_packed_device: list[Any] = []
        self.obuf_packed_device: list[Any] = []
        super().__init__(shapes, batch_size)

    @property
    def num_inputs(self) -> int:
        """How many inputs the accelerator has."""
        return len(self.idma)

    @property
    def num_outputs(self) -> int:
        """How many outputs the accelerator has."""
        return len(self.odma)

    @property
    def batch_size(self) -> int:
        """Frames per run; setting it allocates the buffers anew."""
        return self._batch_size

    @batch_size.setter
    def batch_size(self, value: int) -> None:
        if int(value) != value or value < 1:
            raise ValueError(f"batch_size is a whole number from 1 on, not {value}")
        self._batch_size = int(value)
        # pynq frees a buffer with the last reference to it; first, so that both need not fit.
        self.ibuf_packed_device = []
        self.obuf_packed_device = []
        self.ibuf_packed_device = [
            self._allocate(shape=self.ishape_packed(i), dtype=np.uint8, cacheable=True)
            for i in range(self.num_inputs)
        ]
        self.obuf_packed_device = [
            self._allocate(shape=self.oshape_packed(o), dtype=np.uint8, cacheable=True)
            for o in range(self.num_outputs)
        ]

    @property
    def sequence_length(self) -> int:
        """Steps of a sequence, in frames that are padded to the longest; setting it writes them.

        Raises:
            RuntimeError: the accelerator was not built for it, or a run is under way.
        """
        return self._lengths().read()

    @sequence_length.setter
    def sequence_length(self, steps: int) -> None:
        lengths = self._lengths()
        if self._running:
            raise RuntimeError("a run is under way; wait_until_finished comes first")
        lengths.write(steps)

    def _lengths(self) -> SequenceLength:
        if self.lengths is None:
            raise RuntimeError(
                "the accelerator has sequences of one length; build it with --runtime-length"
            )
        return self.lengths

    def copy_input_data_to_device(self, data: Any, ind: int = 0) -> None:
        """Copy packed bytes to an input's buffer, and out of the processor's cache.

        Args:
            data: of the shape ``ishape_packed(ind)``.
        """
        self.ibuf_packed_device[ind][:] = data
        self.ibuf_packed_device[ind].flush()

    def copy_output_data_from_device(self, data: Any, ind: int = 0) -> None:
        """Copy an output's buffer, past what the processor's cache may hold of it.

        Args:
            data: gets the bytes, of the shape ``oshape_packed(ind)``.
        """
        self.obuf_packed_device[ind].invalidate()
        data[:] = self.obuf_packed_device[ind]

    def execute_on_buffers(self, asynch: bool = False, batch_size: int | None = None) -> None:
        """Run the accelerator on what lies in the input buffers.

        Args:
            asynch: return at once; :meth:`wait_until_finished` waits.
            batch_size: run on so many frames only.

        Raises:
            ValueError: the buffers are for fewer frames.
            RuntimeError: an output DMA is still busy with an earlier run.
            TimeoutError: the accelerator does not finish in time.
        """
        frames = self.batch_size if batch_size is None else batch_size
        if not 1 <= frames <= self.batch_size:
            raise ValueError(f"{frames} frames, but batch_size is {self.batch_size}")
        for name, dma in zip(self._shapes["odma_names"], self.odma):
            # This also clears what an earlier run, waited for by no one, has left.
            if not dma.read(_CONTROL) & _IDLE:
                raise RuntimeError(f"{name} is busy with an earlier run; load the overlay again")
        self._running = True
        # Outputs first, so that the first word finds them ready.
        for dma, buffer in zip(self.odma, self.obuf_packed_device):
            _start(dma, buffer, frames)
        for dma, buffer in zip(self.idma, self.ibuf_packed_device):
            _start(dma, buffer, frames)
        self._frames = frames
        if not asynch:
            self.wait_until_finished()

    def wait_until_finished(self) -> None:
        """Wait for the output DMAs, but not for ever.

        Raises:
            TimeoutError: one does not finish in time; the message says which, and what the input
                DMAs did.
        """
        end = time.monotonic() + self.timeout_s
        for name, dma in zip(self._shapes["odma_names"], self.odma):
            while not dma.read(_CONTROL) & _DONE:
                if time.monotonic() > end:
                    inputs = " and ".join(
                        f"{name} {'has' if dma.read(_CONTROL) & _IDLE else 'has not'}"
                        for name, dma in zip(self._shapes["idma_names"], self.idma)
                    )
                    raise TimeoutError(
                        f"output DMA {name} did not finish {self._frames} images in "
                        f"{self.timeout_s} s ({inputs} read its input to the end); load the "
                        "overlay again"
                    )
        self._running = False

    def execute(self, inputs: Any) -> Any:
        """Run the accelerator, from its inputs' integers to its outputs'.

        Args:
            inputs: an array of the shape ``ishape_normal()``, or a list with one for each input.

        Returns:
            an array of the shape ``oshape_normal()``, or a list with one for each of several
            outputs.

        Raises:
            ValueError: there are more or fewer arrays than inputs, one has another shape, or holds
                what is none of the input's type.
            RuntimeError: an output DMA is still busy with an earlier run.
            TimeoutError: the accelerator does not finish in time.
        """
        arrays = inputs if isinstance(inputs, list) else [inputs]
        if len(arrays) != self.num_inputs:
            raise ValueError(f"{len(arrays)} arrays, but the accelerator has {self.num_inputs}")
        packed = [self.pack_input(self.fold_input(a, i), i) for i, a in enumerate(arrays)]
        for ind, data in enumerate(packed):
            self.copy_input_data_to_device(data, ind)
        self.execute_on_buffers()
        outputs = []
        for ind in range(self.num_outputs):
            data = np.empty(self.oshape_packed(ind), dtype=np.uint8)
            self.copy_output_data_from_device(data, ind)
            outputs.append(self.unfold_output(self.unpack_output(data, ind), ind))
        return outputs[0] if len(outputs) == 1 else outputs

    def throughput_test(self) -> dict[str, float]:
        """Run once on what lies in the buffers, and measure.

        Returns:
            figures with the names that FINN's driver gives them; copies and packing are those of
            the first input and output.

        Raises:
            TimeoutError: the accelerator does not finish in time.
        """
        seconds = _seconds(self.execute_on_buffers)
        read = sum(size(self.ishape_packed(i)) for i in range(self.num_inputs))
        written = sum(size(self.oshape_packed(o)) for o in range(self.num_outputs))
        figures = {
            "runtime[ms]": seconds * 1e3,
            "throughput[images/s]": self.batch_size / seconds,
            "DRAM_in_bandwidth[MB/s]": read * 1e-6 / seconds,
            "DRAM_out_bandwidth[MB/s]": written * 1e-6 / seconds,
            "fclk[mhz]": self.fclk_mhz,
            "batch_size": self.batch_size,
        }
        # The least value of the type times any step is a value of the type.
        normal = np.full(self.ishape_normal(), self.idt().low * self.idt().step, dtype=np.float32)
        folded = self.fold_input(normal)
        packed = self.pack_input(folded)
        result = np.empty(self.oshape_packed(), dtype=np.uint8)
        unpacked = self.unpack_output(result)
        for name, action in (
            ("fold_input", lambda: self.fold_input(normal)),
            ("pack_input", lambda: self.pack_input(folded)),
            ("copy_input_data_to_device", lambda: self.copy_input_data_to_device(packed)),
            ("copy_output_data_from_device", lambda: self.copy_output_data_from_device(result)),
            ("unpack_output", lambda: self.unpack_output(result)),
            ("unfold_output", lambda: self.unfold_output(unpacked)),
        ):
            figures[f"{name}[ms]"] = _seconds(action) * 1e3
        return figures

    def load_runtime_weights(self, folder: Path) -> int:
        """Write the memories that can be written at run time, and read them again.

        Args:
            folder: with a file ``<kernel>_<number>_<node>.dat`` of 32-bit words for each.

        Returns:
            how many there are.

        Raises:
            RuntimeError: the overlay lacks a kernel, or a word reads as another.
            TimeoutError: the run behind that does not finish in time.
        """
        count = write_memories(self.overlay, folder)
        # Words that were sent ahead before are used up by runs that nobody reads, of which each may
        # take one.
        for _ in range(STALE_WORDS if count else 0):
            self.execute_on_buffers()
        return count


def _start(dma: Any, buffer: Any, frames: int) -> None:
    address = int(buffer.device_address)
    dma.write(_ADDRESS_LOW, address & 0xFFFFFFFF)
    dma.write(_ADDRESS_HIGH, address >> 32 & 0xFFFFFFFF)
    dma.write(_FRAMES, frames)
    dma.write(_CONTROL, _START)


def _seconds(action: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    action()
    return max(time.perf_counter() - begun, 1e-9)
