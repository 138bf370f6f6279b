"""How many words a window generator keeps: so many that its streams do not wait for each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

#: Words that a memory has at least, and in steps of which it grows, per style of it.
_UNITS = {"block": 512, "ultra": 4096}
_LUT_UNIT = 64

#: Words that are in the ring longer: one goes in when its place has been free for a cycle, and may
#: be read a cycle later.
_DELAY = 2


@dataclass(frozen=True)
class MapWindows:
    """Windows over a map; numbers of rows, then of pixels of a row.

    Attributes:
        dim: of the map.
        kernel: of a window.
        stride: between windows.
        pads: zeros above, to the left, below, and to the right, as FINN's FMPadding has them.
        dilation: between neighbours of a window.
    """

    dim: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)

    @property
    def out(self) -> tuple[int, int]:
        """Windows over each other, and beside each other.

        >>> MapWindows((8, 7), (3, 3), (2, 1), (1, 0, 1, 1)).out
        (4, 6)
        """
        return self._along(0), self._along(1)

    def _along(self, axis: int) -> int:
        span = (self.kernel[axis] - 1) * self.dilation[axis] + 1
        size = self.dim[axis] + self.pads[axis] + self.pads[axis + 2]
        return (size - span) // self.stride[axis] + 1

    @property
    def size(self) -> int:
        """Pixels of a window."""
        return self.kernel[0] * self.kernel[1]

    def cycles(self, folds: int) -> int:
        """Cycles of a frame: a word goes in and a word comes out in every one that has it.

        Args:
            folds: words of a pixel.

        >>> MapWindows((8, 8), (3, 3), pads=(1, 1, 1, 1)).cycles(2)
        1152
        >>> MapWindows((8, 8), (1, 1), (2, 2)).cycles(2)
        128
        """
        rows, pixels = self.out
        return folds * max(rows * pixels * self.size, self.dim[0] * self.dim[1])

    @property
    def pixels(self) -> int:
        """Pixels to keep so that neither stream waits for the other while both flow evenly.

        In the time of a window as many pixels come as there are for each. A window has to be there
        when it begins, but for its last pixel, which comes by the time that it is read; and what
        comes until it ends must not lie where its first pixel does: how far the pixels that there
        are may be from the ones that there must be is the same for every frame, and the largest of
        it is what the ring holds.

        >>> MapWindows((32, 32), (3, 3), (1, 1), (1, 1, 1, 1)).pixels
        67
        >>> MapWindows((8, 8), (2, 2), (2, 2)).pixels
        19
        """
        return _pixels(self)

    @property
    def moves(self) -> tuple[int, int, int]:
        """Pixels from a window to the next of a row, to the next row's first, and to the frame's.

        >>> MapWindows((32, 32), (3, 3), (1, 1), (1, 1, 1, 1)).moves
        (1, 1, 1)
        >>> MapWindows((8, 8), (3, 3), (2, 2)).moves
        (2, 12, 28)
        """
        (height, width), (down, across) = self.dim, self.stride
        last_row, last = ((n - 1) * s for n, s in zip(self.out, self.stride, strict=True))
        return across, down * width - last, (height - last_row) * width - last

    def parameters(self) -> dict[str, int]:
        """Parameters of stream_window.sv that say where windows lie."""
        pairs = {
            ("Rows", "Pixels"): self.dim,
            ("KernelRows", "KernelPixels"): self.kernel,
            ("StrideRows", "StridePixels"): self.stride,
            ("DilationRows", "DilationPixels"): self.dilation,
            ("PadTop", "PadLeft", "PadBottom", "PadRight"): self.pads,
        }
        return {n: v for pair in pairs.items() for n, v in zip(*pair, strict=True)}

    def words(self, folds: int, style: str) -> int:
        """Words of the ring; a power of two where its memory has as many anyway.

        Args:
            folds: words of a pixel.

        >>> window = MapWindows((32, 32), (3, 3), (1, 1), (1, 1, 1, 1))
        >>> window.words(1, "distributed"), window.words(2, "distributed"), window.words(9, "block")
        (128, 136, 1024)
        """
        needed = folds * self.pixels + _DELAY
        power, unit = 1 << (needed - 1).bit_length(), _UNITS.get(style, _LUT_UNIT)
        return power if power <= unit * -(-needed // unit) else needed


@cache
def _pixels(windows: MapWindows) -> int:
    (height, width), (rows, pixels) = windows.dim, windows.out
    above = np.arange(rows) * windows.stride[0] - windows.pads[0]
    beside = np.arange(pixels) * windows.stride[1] - windows.pads[1]
    down, across = ((k - 1) * d for k, d in zip(windows.kernel, windows.dilation, strict=True))
    # Of every window, counted from a frame's first pixel on: where it begins, and what is behind
    # its last pixel, the zeros behind the map left out.
    first = (above[:, None] * width + beside).ravel()
    last_row, last = np.minimum(above + down, height - 1), np.minimum(beside + across, width - 1)
    behind = (last_row[:, None] * width + last + 1).ravel()
    # Pixels of a window up to its last one that is no zero.
    over, before = (last_row - above) // windows.dilation[0], (last - beside) // windows.dilation[1]
    read = (over[:, None] * windows.kernel[1] + before + 1).ravel()
    each = height * width / len(first)
    time = np.arange(len(first)) * each
    coming = np.minimum(each * read / windows.size, 1)
    return math.ceil(float((time + each - first).max() + (behind - coming - time).max()))
