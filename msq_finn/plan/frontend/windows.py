"""Sliding windows: how fast they are, and what runs ahead of whom around them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from msq_finn.lanes.divisors import divisors
from msq_finn.plan.frontend.network import Conv, Fold

#: Words of a FIFO behind windows: a bit of up to 17 words takes half a LUT in FINN's fifo.sv, of up
#: to 33 a whole one. What is ahead waits as pixels then, of which a window has many. Generators
#: that skip pixels and do not give whole windows read some of the next row's only between rows:
#: their lanes would starve.
WINDOW_WORDS = 17


def window_cycles(conv: Conv, simd: int, parallel: bool, depthwise: bool = False) -> int:
    """Cycles of FINN's window generator for a frame (convolutioninputgenerator_rtl.py).

    Args:
        simd: channels a cycle.
        parallel: whether windows leave whole.
        depthwise: whether windows leave channel by channel.
    """
    (height, width), (rows, cols) = conv.padded, conv.out
    folds = conv.channels // simd
    kernel_h, kernel_w = conv.kernel
    if parallel or conv.kernel == (1, 1):
        return height * width * folds + 2
    if height == 1 or width == 1:
        kernel, stride = max(kernel_h, kernel_w), max(conv.stride)
        leaving = max(rows, cols) * kernel * folds
        if not depthwise:
            return leaving + 2
        entering = (max(height, width) + (kernel - 1) * (stride - 1)) * folds
        return max(leaving + (folds - 1) * kernel, entering) + 2
    start = ((kernel_h - 1) * width + kernel_w) * folds
    if depthwise:
        start += (conv.stride[0] - 1) * width * folds
    return start + rows * row_cycles(conv, simd, parallel, depthwise)


def front_cycles(
    conv: Conv, simd: int, parallel: bool, depthwise: bool = False, ours: bool = True
) -> int:
    """Cycles for a frame of a window generator, and of the padding where that is another node.

    Args:
        simd: channels a cycle.
        parallel: whether windows leave whole, which is FINN's alone.
        depthwise: whether windows leave channel by channel.
        ours: whether the generator is ours otherwise.

    >>> conv = Conv(16, (8, 8), pad=(1, 1))
    >>> [front_cycles(conv, 16, False, ours=ours) for ours in (True, False)]
    [576, 599]
    """
    if ours and not parallel:
        return conv.windows.cycles(conv.channels // simd)
    spent = window_cycles(conv, simd, parallel, depthwise)
    padded = math.prod(conv.padded) * conv.channels // simd if conv.pad != (0, 0) else 0
    return max(spent, padded)


def row_cycles(conv: Conv, simd: int, parallel: bool, depthwise: bool = False) -> int:
    """Cycles in which a row of windows leaves, once its pixels are there.

    Args:
        simd: channels a cycle.
        parallel: whether windows leave whole.
        depthwise: whether windows leave channel by channel.
    """
    folds, cols = conv.channels // simd, conv.out[1]
    reading = conv.stride[1] * conv.padded[1] * folds
    if parallel or conv.kernel == (1, 1):
        return reading
    waits = cols * (conv.stride[1] - 1) * (folds - 1) if depthwise else 0
    return max(cols * math.prod(conv.kernel) * folds, reading) + waits


def backlog(conv: Conv, row_words: int, window: int, lanes: int) -> int:
    """Words that windows are ahead of slower lanes at the end of a row of windows.

    Args:
        row_words: words that the lanes take for a row of windows.
        window: cycles in which the windows of a row leave, as of :func:`row_cycles`.
        lanes: cycles a frame of the lanes.

    >>> backlog(Conv(16, (32, 32), pad=(1, 1)), 32, 34, 4096)
    24
    """
    return max(0, math.ceil(row_words * (1 - window * conv.out[0] / lanes)))


def words_before_lanes(words: int, cycles: float) -> int:
    """Words to keep between our generator and lanes, which take a vector without a pause.

    Lanes of several folds of rows read a vector once, a word a cycle, and then pause. What the
    generator does not give in so many cycles must be there when they begin.

    Args:
        words: that the lanes take for a vector.
        cycles: in which the generator gives these.

    >>> words_before_lanes(29, 72), words_before_lanes(9, 9)
    (20, 2)
    """
    return 2 + max(0, math.ceil(words * (1 - words / cycles)))


def waiting_pixels(branch: Iterable[Conv], size: int) -> int:
    """Bound the pixels of a shortcut that wait while a branch's windows fill.

    A window leaves when its last pixel is there. Meanwhile the other stream goes on at the rate of
    the frame: it is ahead by the share of a frame that each window of the branch takes to fill.

    Args:
        size: pixels of the shortcut's frame.

    >>> waiting_pixels([Conv(16, (32, 32), pad=(1, 1))] * 2, 32 * 32)
    126
    """
    share = sum(
        ((conv.kernel[0] - 1) * conv.padded[1] + conv.kernel[1]) / math.prod(conv.padded)
        for conv in branch
        if conv.kernel != (1, 1)
    )
    return math.ceil(share * size)


def pool_folds(window: Conv) -> tuple[Fold, ...]:
    """Parallelisms of a pool with our generator of its windows, which is the slower of the two."""
    return tuple(
        Fold(front_cycles(window, pe, parallel=False, depthwise=True), pe)
        for pe in divisors(window.channels)
    )
