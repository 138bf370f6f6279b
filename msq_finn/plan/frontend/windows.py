"""Sliding windows: how fast they are, and what runs ahead of whom around them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from msq_finn.plan.frontend.network import Conv, Layer

#: Words of a FIFO behind windows: a bit of up to 17 words takes half a LUT in FINN's fifo.sv, of up
#: to 33 a whole one. What is ahead waits as pixels then, of which a window has many. Generators
#: that skip pixels and do not give whole windows read some of the next row's only between rows:
#: their lanes would starve.
WINDOW_WORDS = 17


def window_cycles(conv: Conv, simd: int, parallel: bool, depthwise: bool = False) -> int:
    """Cycles of FINN's window generator for a frame (convolutioninputgenerator_rtl.py).

    Args:
        conv: the window.
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


def row_cycles(conv: Conv, simd: int, parallel: bool, depthwise: bool = False) -> int:
    """Cycles in which a row of windows leaves, once its pixels are there.

    Args:
        conv: the window.
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
        conv: the window.
        row_words: words that the lanes take for a row of windows.
        window: cycles in which the windows of a row leave, as of :func:`row_cycles`.
        lanes: cycles a frame of the lanes.

    >>> backlog(Conv(16, (32, 32), pad=(1, 1)), 32, 34, 4096)
    24
    """
    return max(0, math.ceil(row_words * (1 - window * conv.out[0] / lanes)))


def waiting_pixels(branch: Iterable[Conv], size: int) -> int:
    """Bound the pixels of a shortcut that wait while a branch's windows fill.

    A window leaves when its last pixel is there. Meanwhile the other stream goes on at the rate of
    the frame: it is ahead by the share of a frame that each window of the branch takes to fill.

    Args:
        branch: its windows.
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


def pool_window(layer: Layer) -> Conv:
    """The window of the max pool behind a layer.

    Args:
        layer: in front of the pool.
    """
    dim = layer.conv.out if layer.conv else (1, 1)
    kernel = (layer.pool if dim[0] > 1 else 1, layer.pool if dim[1] > 1 else 1)
    return Conv(layer.mh, dim, kernel, kernel)
