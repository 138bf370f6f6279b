"""SIMD and PE that a layer and its window may have."""

from __future__ import annotations

import math
from collections.abc import Iterator

from msq_finn.lanes.divisors import divisors, folds, smallest_parts
from msq_finn.plan.frontend.network import Conv, Layer
from msq_finn.plan.frontend.windows import front_cycles


def foldings(layer: Layer) -> list[tuple[int, int]]:
    """List (SIMD, PE); of a depthwise layer, some channels or several elements of all.

    Args:
        layer: of a network.

    >>> foldings(Layer("dw", 9, 4, 1, depthwise=True))
    [(1, 1), (1, 2), (1, 4), (3, 4), (9, 4)]
    """
    if layer.recurrence:
        # Words are of inputs or of states, and lanes of whole units.
        simds = divisors(math.gcd(layer.inputs, layer.recurrence.states))
        return [(simd, pe) for pe in row_parts(layer, False) for simd in simds]
    if not layer.depthwise:
        return [(simd, pe) for pe in divisors(layer.mh) for simd in divisors(layer.mw)]
    narrow = [(1, pe) for pe in divisors(layer.mh)]
    return narrow + [(simd, layer.mh) for simd in divisors(layer.mw)[1:]]


def row_parts(layer: Layer, uneven: bool) -> tuple[int, ...]:
    """Numbers of lanes (PE) worth considering, ascending.

    The last fold of a layer may be padded unless its sums leave the accelerator; a depthwise layer
    takes the channels that its window gives.

    Args:
        layer: of a network.
        uneven: whether folds may be padded.
    """
    if layer.recurrence:
        return tuple(layer.unit_rows * units for units in divisors(layer.recurrence.states))
    pads = uneven and layer.steps and not layer.depthwise
    return smallest_parts(layer.mh) if pads else divisors(layer.mh)


def lane_folds(layer: Layer, uneven: bool) -> set[int]:
    """Cycles of the lanes for a vector, that some SIMD and PE have.

    Args:
        layer: of a network.
        uneven: whether folds may be padded.
    """
    if not uneven or layer.depthwise or layer.recurrence:
        return {layer.folds(simd, pe) for simd, pe in foldings(layer)}
    rows = {folds(layer.mh, pe) for pe in row_parts(layer, uneven)}
    columns = {folds(layer.mw, simd) for simd in smallest_parts(layer.mw)}
    return {nf * sf for nf in rows for sf in columns}


def foldings_that_meet(layer: Layer, uneven: bool, cycles: int) -> list[tuple[int, int]]:
    """List (SIMD, PE) that meet a target: all that divide, and others with the least SIMD for a PE.

    Beside the least SIMD of all stands the least that divides.

    Args:
        layer: of a network.
        uneven: whether folds may be padded.
        cycles: target, cycles a frame.

    >>> foldings_that_meet(Layer("fc", 7, 5, 1), True, 8)
    [(7, 1), (1, 5), (7, 5), (4, 2), (7, 2), (2, 3), (7, 3)]
    """
    even = [(simd, pe) for simd, pe in foldings(layer) if layer.cycles(simd, pe) <= cycles]
    if not uneven or layer.depthwise or layer.recurrence:
        return even
    most, least = cycles // layer.vectors, []
    for pe in row_parts(layer, uneven):
        if words := most // folds(layer.mh, pe):
            simd = folds(layer.mw, words)
            least += [(simd, pe), (next(d for d in divisors(layer.mw) if d >= simd), pe)]
    return list(dict.fromkeys([*even, *least]))


def fronts_that_meet(
    layer: Layer, conv: Conv, cycles: int, ours: bool
) -> Iterator[tuple[int, bool]]:
    """Channels a cycle, and whether windows leave whole, that meet a target.

    Args:
        layer: whose window it is.
        conv: the window.
        cycles: target, cycles a frame.
        ours: whether generators of windows that do not leave whole are ours.
    """
    for simd in divisors(conv.channels):
        if front_cycles(conv, simd, False, layer.depthwise, ours) <= cycles:
            yield simd, False
        if simd == conv.channels and front_cycles(conv, simd, True) <= cycles:
            yield simd, True
