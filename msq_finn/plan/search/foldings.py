"""SIMD and PE that a layer may have."""

from __future__ import annotations

from msq_finn.plan.frontend.network import Layer
from msq_finn.plan.search.splits import divisors


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
