"""How many words a window generator keeps: the fewest that never make its streams wait."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

#: Words that a memory has at least, and in steps of which it grows, per style of it.
_UNITS = {"block": 512, "ultra": 4096}
_LUT_UNIT = 64


@dataclass(frozen=True)
class Windows:
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

        >>> Windows((8, 7), (3, 3), (2, 1), (1, 0, 1, 1)).out
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

        >>> Windows((8, 8), (3, 3), pads=(1, 1, 1, 1)).cycles(2)
        1152
        >>> Windows((8, 8), (1, 1), (2, 2)).cycles(2)
        128
        """
        rows, pixels = self.out
        return folds * max(rows * pixels * self.size, self.dim[0] * self.dim[1])

    def pixels(self, depthwise: bool) -> int:
        """Pixels to keep so that neither stream ever waits for the other, if both are there.

        A window lets go of the pixels before its own when it begins; those that come into their
        place are there a cycle each later. Window u of a frame begins in cycle size · u where the
        output is the slower stream, so that every pixel of a later one comes early enough if the
        ring holds what the window before u begins with, up to the pixel that comes in that cycle.
        Where the input is the slower one, it is the same the other way round: no window ends so
        late that a pixel has no place.

        Args:
            depthwise: whether a window is gone through once per word of a pixel: the last pixel's
                first word counts as needed from its beginning on.

        >>> Windows((32, 32), (3, 3), (1, 1), (1, 1, 1, 1)).pixels(False)
        67
        >>> Windows((8, 8), (2, 2), (2, 2)).pixels(False)
        16
        >>> Windows((8, 8), (1, 1), (2, 2)).pixels(False)
        1
        """
        return _pixels(self, depthwise)

    def words(self, folds: int, depthwise: bool, style: str) -> int:
        """Words of the ring; a power of two where its memory has as many anyway.

        A word goes in at the earliest in the cycle behind the one in which its place is free.

        Args:
            folds: words of a pixel.
            depthwise: whether a window is gone through once per word of a pixel.
            style: of the memory.

        >>> window = Windows((32, 32), (3, 3), (1, 1), (1, 1, 1, 1))
        >>> window.words(1, False, "distributed"), window.words(9, False, "block")
        (128, 1024)
        >>> window.words(2, False, "distributed")
        135
        """
        needed = folds * self.pixels(depthwise) + 1
        power, unit = 1 << (needed - 1).bit_length(), _UNITS.get(style, _LUT_UNIT)
        return power if power <= unit * -(-needed // unit) else needed


def _inside(first: IntArray, offsets: IntArray, size: int) -> BoolArray:
    """Which of the places ``first + offsets`` are of a map, shape (first, offsets)."""
    place = first[:, None] + offsets
    return (place >= 0) & (place < size)


@cache
def _pixels(windows: Windows, depthwise: bool) -> int:
    (height, width), (rows, pixels) = windows.dim, windows.out
    top, left, _, _ = windows.pads
    above, beside = (
        np.arange(rows) * windows.stride[0] - top,
        np.arange(pixels) * windows.stride[1] - left,
    )
    down, across = (np.arange(k) * d for k, d in zip(windows.kernel, windows.dilation, strict=True))
    exists = (
        _inside(above, down, height)[:, None, :, None] & _inside(beside, across, width)[:, None]
    )
    behind = down[:, None] * width + across  # of a window's first pixel
    sent = np.arange(windows.size).reshape(windows.kernel)
    late = np.where(exists, behind + 1 if depthwise else behind - sent, -np.inf).max((2, 3))
    held = np.where(exists, behind + 1, 0).max()

    # Two frames, of which the second has whatever is before it.
    first = (above[:, None] * width + beside).ravel()
    first = np.concatenate([first, first + height * width])
    begin = np.arange(len(first)) * windows.size
    late = first + np.tile(late.ravel(), 2) - begin
    early = begin + windows.size - first
    frame = rows * pixels
    if frame * windows.size >= height * width:
        before = np.maximum.accumulate(early)[frame - 1 : -1]
        return int(max(held, (before + late[frame:]).max()))
    before = np.maximum.accumulate(late)[frame:]
    return int(max(held, (before + early[frame:]).max()))
