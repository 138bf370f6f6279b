"""PYNQ's Overlay, buffers and registers, with an accelerator that computes in Python.

Written from PYNQ's documented behaviour, and from the registers of FINN's IODMA (an HLS block: 0x00
control, 0x10 and 0x14 address, 0x1C number of frames). Packing is undone bit by bit here, by FINN's
documented convention: elements in reverse order, the packed word's bytes reversed.
"""

from __future__ import annotations

import sys
import types

import numpy as np

BUFFERS = {}


class Buffer(np.ndarray):
    def flush(self):
        pass

    def invalidate(self):
        pass


def allocate(shape, dtype, cacheable=True, target=None):
    buffer = np.zeros(shape, dtype=dtype).view(Buffer)
    buffer.device_address = 0x1_0000_0000 + 0x10_0000 * (len(BUFFERS) + 1)
    BUFFERS[buffer.device_address] = buffer
    return buffer


class Dma:
    """One DMA's registers; ``on_start`` is called when it is started."""

    def __init__(self, on_start=None):
        self.registers = {0x00: 0x4}
        self.on_start = on_start

    def write(self, offset, value):
        self.registers[offset] = value
        if offset == 0x00 and value & 1:
            self.registers[0x00] = 0
            if self.on_start:
                self.on_start(self)

    def read(self, offset):
        return self.registers[offset]

    @property
    def buffer(self):
        return BUFFERS[self.registers[0x10] | self.registers[0x14] << 32]

    @property
    def frames(self):
        return self.registers[0x1C]

    def finish(self):
        self.registers[0x00] = 0x6


def unpacked(packed, bits, signed, elements):
    """[..., bytes] to [..., elements]."""
    words = packed.reshape(-1, packed.shape[-1])
    values = []
    for word in words:
        whole = int.from_bytes(bytes(word), "little")
        for index in range(elements):
            value = whole >> (bits * index) & (1 << bits) - 1
            values.append(value - (1 << bits) if signed and value >> (bits - 1) else value)
    return np.array(values).reshape(*packed.shape[:-1], elements)


def packed(values, bits, size):
    """[..., elements] to [..., bytes]."""
    rows = []
    for row in values.reshape(-1, values.shape[-1]):
        whole = sum((int(v) & (1 << bits) - 1) << (bits * i) for i, v in enumerate(row))
        rows.append(list(whole.to_bytes(size, "little")))
    return np.array(rows, dtype=np.uint8).reshape(*values.shape[:-1], size)


def install(monkeypatch, compute, hang=False):
    """Put a ``pynq`` in place whose accelerator is ``compute`` from packed bytes to packed bytes.

    ``compute`` takes and gives [frames, ..., bytes]; with ``hang`` the output DMA never ends.
    """

    class Overlay:
        def __init__(self, bitfile_name, download=True, device=None):
            self.device = device
            self.bitfile_name = bitfile_name
            self.ip_dict = {}
            self.odma0 = Dma()
            self.idma0 = Dma(self._run)

        def _run(self, idma):
            assert idma.frames == self.odma0.frames
            if not hang:
                self.odma0.buffer[: idma.frames] = compute(np.array(idma.buffer[: idma.frames]))
                self.odma0.finish()
            idma.finish()

    pynq = types.ModuleType("pynq")
    pynq.Overlay, pynq.allocate = Overlay, allocate
    pynq.Bitstream = None  # of drivers that are imported beside ours
    clocks = types.ModuleType("pynq.ps")
    clocks.Clocks = type("Clocks", (), {"fclk0_mhz": 100.0})
    monkeypatch.setitem(sys.modules, "pynq", pynq)
    monkeypatch.setitem(sys.modules, "pynq.ps", clocks)
    for name in [name for name in sys.modules if name.startswith("finn_plus_driver")]:
        monkeypatch.delitem(sys.modules, name)
