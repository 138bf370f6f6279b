"""The design points that the cost model is fitted to."""

from __future__ import annotations

from msq_finn.plan.cost.lane_sweep import of_lanes
from msq_finn.plan.cost.point_kinds import (
    Add,
    Dwc,
    Fifo,
    LookupTable,
    Memstream,
    PaddedWindow,
    Padding,
    Point,
    Pool,
    Repack,
    SerialThresholds,
    Thresholds,
    WeightRom,
    Window,
)


def fitted() -> list[Point]:
    """Points that the cost model is fitted to."""
    return [
        *_streams(),
        *_memories(),
        *_thresholds(),
        *_windows(),
        *of_lanes(),
    ]


#: Bits of an element, elements of input and output words, and of a vector.
_NARROWING = (
    (4, 8, 4, 8),
    (4, 16, 4, 16),
    (4, 32, 4, 32),
    (14, 8, 1, 8),
    (4, 48, 1, 48),
    (4, 7, 3, 64),
    (4, 27, 16, 144),
    (4, 16, 6, 62),
    (4, 13, 8, 61),
    (14, 5, 4, 6),
)
_WIDENING = (
    (4, 1, 4, 4),
    (4, 4, 16, 64),
    (4, 4, 16, 62),
    (4, 2, 64, 128),
    (4, 6, 18, 72),
    (4, 6, 18, 18),
    (4, 3, 7, 63),
    (4, 8, 12, 96),
    (4, 9, 16, 144),
    (4, 13, 64, 256),
)


def _streams() -> list[Point]:
    return [
        *(Dwc(a, b) for a, b in ((16, 4), (64, 16), (112, 14), (28, 14), (60, 20), (128, 16))),
        *(
            Dwc(a, b)
            for a, b in (
                (4, 16),
                (16, 64),
                (8, 72),
                (20, 60),
                (36, 48),
                (48, 36),
                (90, 60),
                (24, 36),
            )
        ),
        *(Repack(*sizes) for sizes in _NARROWING + _WIDENING),
        *(Fifo(width, depth) for width, depth in ((4, 32), (16, 16), (32, 32), (64, 32))),
        *(Fifo(width, depth) for width, depth in ((16, 64), (16, 128), (32, 256))),
        Fifo(16, 1024, "block"),
        Fifo(72, 512, "block"),
        *(Pool(elements) for elements in (1, 8)),
        *(Add(elements) for elements in (1, 8)),
        *(
            LookupTable(e, i, o)
            for e, i, o in ((1, 8, 8), (4, 8, 4), (8, 6, 4), (2, 7, 6), (4, 4, 4))
        ),
        *(Padding(c, s, d) for c, s, d in ((16, 4, 16), (64, 1, 32), (16, 16, 8), (32, 8, 56))),
    ]


def _memories() -> list[Point]:
    few, many = ((64, 1), (64, 4)), ((64, 16), (64, 32), (128, 36), (64, 64), (64, 128), (32, 256))
    block = ((64, 64), (128, 512), (80, 1024), (8, 4096), (144, 288))
    return [
        *(Memstream(width, depth, "distributed") for width, depth in few + many),
        *(Memstream(width, depth, "block") for width, depth in (*block, (40, 512), (36, 2048))),
        # Of one word that nobody writes nothing is left, and of four next to nothing.
        *(WeightRom(width, depth, "distributed") for width, depth in many),
        *(WeightRom(width, depth, "block") for width, depth in (*block, (24, 100), (36, 900))),
    ]


#: Channels, those compared a cycle, bits of a value, thresholds of a channel.
_IN_LUTS = (
    (16, 1, 16, 15),
    (16, 1, 12, 15),
    (12, 1, 14, 15),
    (8, 1, 14, 15),
    (32, 4, 14, 15),
    (4, 1, 5, 15),
    (16, 4, 12, 15),
    (24, 8, 16, 15),
    (8, 4, 10, 15),
    (8, 8, 13, 15),
    (16, 16, 12, 15),
    (64, 16, 16, 15),
    (32, 2, 14, 3),
    (32, 1, 12, 1),
    (6, 2, 12, 255),
    (20, 4, 12, 7),
    (64, 2, 12, 15),
    (64, 1, 16, 15),
)
_IN_BLOCK_RAM = (
    (64, 1, 16, 15),
    (24, 1, 12, 15),
    (128, 1, 14, 15),
    (32, 4, 14, 15),
    (96, 8, 16, 15),
    (256, 2, 18, 15),
    (16, 2, 12, 255),
    (64, 8, 12, 7),
    (48, 16, 14, 15),
)


def _thresholds() -> list[Point]:
    points = (
        *((8, 8, 12), (16, 4, 10), (32, 4, 12), (32, 2, 14), (64, 2, 12), (64, 1, 16)),
        *(
            (24, 4, 16),
            (8, 4, 10),
            (64, 8, 14),
            (128, 4, 14),
            (12, 12, 9),
            (16, 1, 5),
            (128, 2, 12),
        ),
    )
    return [
        *(Thresholds(channels, pe, in_bits) for channels, pe, in_bits in points),
        Thresholds(128, 1, 14),
        Thresholds(256, 1, 14),
        Thresholds(64, 2, 12, bram_from=128),
        Thresholds(16, 2, 12, steps=255),
        Thresholds(16, 4, 10, steps=255),
        *(SerialThresholds(*sizes) for sizes in _IN_LUTS),
        *(SerialThresholds(*sizes, style="block") for sizes in _IN_BLOCK_RAM),
    ]


def _windows() -> list[Point]:
    return [
        *(Window(c, s, d) for c, s, d in ((16, 4, 16), (64, 4, 16), (16, 16, 34), (3, 3, 34))),
        *(Window(c, s, d, stride=2) for c, s, d in ((32, 8, 34), (16, 2, 10))),
        Window(64, 8, 30, kernel=2, stride=2),
        Window(32, 4, 16, kernel=1, stride=2),
        Window(64, 16, 32, style="block"),
        *(Window(c, c, d, parallel=True) for c, d in ((3, 34), (16, 18), (8, 34))),
        Window(4, 4, 18, act_bits=8),
        Window(64, 4, 28, kernel=2, stride=2, depthwise=True),
        Window(64, 8, 18, depthwise=True),
        *(_padded(*sizes, style=style) for sizes in _PADDED for style in ("distributed", "block")),
        *(PaddedWindow(64, 2, 256, 1, 3, 1, pad_rows=1, style=s) for s in ("distributed", "block")),
    ]


def _padded(
    width: int, folds: int, dim: int, kernel: int, stride: int, pad: int, style: str
) -> PaddedWindow:
    """Windows over a square; those of no zeros leave channel by channel, as before pools."""
    sizes = (dim, dim, kernel, kernel, stride, stride, pad, pad)
    return PaddedWindow(width, folds, *sizes, depthwise=not pad, style=style)


#: Bits of a word, words of a pixel, pixels in each direction, of a window, from one to the next,
#: and zeros on each side.
_PADDED = (
    (64, 1, 32, 3, 1, 1),
    (16, 4, 16, 3, 1, 1),
    (32, 8, 8, 3, 1, 1),
    (256, 1, 8, 3, 1, 1),
    (16, 4, 32, 3, 2, 1),
    (16, 16, 28, 3, 1, 1),
    (64, 1, 28, 2, 2, 0),
    (32, 4, 16, 2, 2, 0),
    (16, 4, 32, 1, 2, 0),
    (32, 2, 112, 3, 2, 1),
)
