"""SIMD and PE that a layer and its window may have."""

from __future__ import annotations

import math
from collections.abc import Iterator

from msq_finn.lanes.divisors import divisors
from msq_finn.plan.frontend.network import Conv, Layer
from msq_finn.plan.frontend.windows import window_cycles


def foldings(layer: Layer) -> list[tuple[int, int]]:
    """List (SIMD, PE); of a depthwise layer, some channels or several elements of all.

    Args:
        layer: of a network.

    >>> foldings(Layer("dw", 9, 4, 1, depthwise=True))
    [(1, 1), (1, 2), (1, 4), (3, 4), (9, 4)]
    """
    if not layer.depthwise:
        return [(simd, pe) for pe in divisors(layer.mh) for simd in divisors(layer.mw)]
    narrow = [(1, pe) for pe in divisors(layer.mh)]
    return narrow + [(simd, layer.mh) for simd in divisors(layer.mw)[1:]]


def fronts_that_meet(layer: Layer, conv: Conv, cycles: int) -> Iterator[tuple[int, bool]]:
    """Channels a cycle, and whether windows leave whole, that meet a target.

    Args:
        layer: whose window it is.
        conv: the window.
        cycles: target, cycles a frame.
    """
    pads = conv.pad != (0, 0)
    for simd in divisors(conv.channels):
        padded = math.prod(conv.padded) * conv.channels // simd
        if pads and padded > cycles:
            continue
        if window_cycles(conv, simd, False, layer.depthwise) <= cycles:
            yield simd, False
        elif simd == conv.channels and window_cycles(conv, simd, True) <= cycles:
            yield simd, True
