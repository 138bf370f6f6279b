"""PYNQ's Overlay, buffers, registers and clocks, with an accelerator of any kind behind them.

Written from PYNQ's documented behaviour, and from the registers of FINN's IODMA (an HLS block:
0x00 control, of which reading clears "done", 0x10 and 0x14 address, 0x1C number of frames).
Processor and DMAs see different memory, until a buffer is flushed or invalidated. It runs wherever
the board's code does, so it needs Python 3.8 and NumPy 1.17 only.
"""

import socket
import struct
import sys
import types

import numpy as np


class Buffer(np.ndarray):
    """What ``allocate`` returns: the processor's view; ``memory`` is the DMAs'."""

    def flush(self):
        self.memory[:] = self

    def invalidate(self):
        self[:] = self.memory


class Dma:
    def __init__(self, board, name):
        self.board, self.name = board, name
        self.registers = {0x00: 0x4}

    def write(self, offset, value):
        assert type(value) is int and 0 <= value < 1 << 32
        self.board.writes.append((self.name, offset, value))
        self.registers[offset] = value
        if offset == 0x00 and value & 1:
            self.registers[0x00] = 0
            self.board.started()

    def read(self, offset):
        value = self.registers[offset]
        if offset == 0x00:
            self.registers[0x00] &= ~0x2
        return value

    def finish(self):
        self.registers[0x00] = 0x6

    @property
    def running(self):
        return self.registers[0x00] == 0

    @property
    def frames(self):
        return self.registers[0x1C]

    @property
    def memory(self):
        return self.board.buffers[self.registers[0x10] | self.registers[0x14] << 32].memory


class Mmio:
    """A kernel's words; ``stuck`` is one that never changes."""

    def __init__(self, words, stuck=None):
        self.array = np.zeros(words, dtype=np.uint32)
        self.stuck = stuck

    def write(self, offset, data):
        if type(data) is bytes:
            for index, word in enumerate(np.frombuffer(data, dtype="<u4")):
                self.write(offset + 4 * index, int(word))
        elif offset != self.stuck:
            assert type(data) is int and offset % 4 == 0
            self.array[offset // 4] = data

    write_mm = write


class Board:
    """The FPGA's side.

    compute -- from packed bytes [frames, ..., bytes] of every input to those of every output, or
        None for an accelerator that answers nothing
    silent -- names of DMAs that never finish
    memories -- words of the kernels that can be written
    """

    def __init__(self, compute, inputs=("idma0",), outputs=("odma0",), silent=(), memories=None):
        self.compute, self.silent = compute, silent
        self.inputs = [Dma(self, name) for name in inputs]
        self.outputs = [Dma(self, name) for name in outputs]
        self.memories = memories or {}
        self.buffers, self.writes, self.runs = {}, [], []

    def allocate(self, shape, dtype="u4", target=None, cacheable=None):
        assert cacheable is True
        buffer = np.zeros(shape, dtype=dtype).view(Buffer)
        buffer.memory = np.full(shape, 0xA5, dtype=dtype)
        buffer.device_address = 0x100000000 + 0x100000 * (len(self.buffers) + 1)
        self.buffers[buffer.device_address] = buffer
        return buffer

    def started(self):
        """Run as soon as every DMA does."""
        dmas = self.inputs + self.outputs
        if not all(dma.running for dma in dmas):
            return
        frames = {dma.frames for dma in dmas}
        assert len(frames) == 1
        (frames,) = frames
        given = [np.array(dma.memory[:frames]) for dma in self.inputs]
        self.runs.append(given)
        if self.compute:
            for dma, result in zip(self.outputs, self.compute(given)):
                dma.memory[:frames] = result
        for dma in dmas:
            if dma.name not in self.silent and (self.compute or dma in self.inputs):
                dma.finish()

    def modules(self):
        """The modules to be imported in pynq's place."""
        board = self

        class Overlay:
            def __init__(self, bitfile_name, download=True, device=None):
                self.bitfile_name, self.device, self.is_loaded = bitfile_name, device, download
                self.ip_dict = {name: {} for name in board.memories}
                for dma in board.inputs + board.outputs:
                    if download:
                        dma.registers = {0x00: 0x4}
                    setattr(self, dma.name, dma)
                for name, mmio in board.memories.items():
                    setattr(self, name, types.SimpleNamespace(mmio=mmio))

        pynq, clocks = types.ModuleType("pynq"), types.ModuleType("pynq.ps")
        pynq.Overlay, pynq.allocate, pynq.ps = Overlay, self.allocate, clocks
        clocks.Clocks = type("Clocks", (), {"fclk0_mhz": 50.0})
        return {"pynq": pynq, "pynq.ps": clocks}

    def install(self):
        sys.modules.update(self.modules())


def over_socket(path):
    """An accelerator that another process computes."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)

    def compute(given):
        for array in given:
            send(connection, array)
        return [receive(connection)]

    return compute


def send(connection, array):
    """Send an array of bytes: number of axes, their lengths, contents."""
    head = struct.pack(f"<{1 + array.ndim}I", array.ndim, *array.shape)
    connection.sendall(head + array.astype(np.uint8).tobytes())


def receive(connection):
    """Receive what :func:`send` sent; None at the end."""
    head = _exactly(connection, 4)
    if not head:
        return None
    (axes,) = struct.unpack("<I", head)
    shape = struct.unpack(f"<{axes}I", _exactly(connection, 4 * axes))
    count = 1
    for length in shape:
        count *= length
    return np.frombuffer(_exactly(connection, count), dtype=np.uint8).reshape(shape)


def _exactly(connection, count):
    parts = []
    while count:
        part = connection.recv(min(count, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def unpacked(words, bits, signed, elements):
    """[..., bytes] to [..., elements], bit by bit."""
    values = []
    for word in words.reshape(-1, words.shape[-1]):
        whole = int.from_bytes(bytes(word), "little")
        for index in range(elements):
            value = whole >> (bits * index) & (1 << bits) - 1
            values.append(value - (1 << bits) if signed and value >> (bits - 1) else value)
    return np.array(values, dtype=np.int64).reshape((*words.shape[:-1], elements))


def packed(values, bits, size):
    """[..., elements] to [..., bytes], bit by bit."""
    rows = []
    for row in values.reshape(-1, values.shape[-1]):
        whole = sum((int(v) & (1 << bits) - 1) << (bits * i) for i, v in enumerate(row))
        rows.append(list(whole.to_bytes(size, "little")))
    return np.array(rows, dtype=np.uint8).reshape((*values.shape[:-1], size))
