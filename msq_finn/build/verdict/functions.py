"""Functions of one value in exact arithmetic, as far as there is any for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from msq_finn.build.verdict.bounded import Bounded

Given = Mapping[str, Any]


def leaky(value: Bounded, slope: Fraction) -> Bounded:
    """A function that is linear on either side of 0.

    Args:
        value: with how far it may be off; the slopes carry that over.
        slope: below 0; above it is 1.
    """
    if value.value >= 0:
        return Bounded(value.value, value.error * max(Fraction(1), abs(slope)))
    steepest = max(Fraction(1), abs(slope)) if value.value + value.error > 0 else abs(slope)
    return Bounded(value.value * slope, value.error * steepest).rounded()


def clipped(value: Bounded, low: Fraction | None, high: Fraction | None) -> Bounded:
    """A value no less and no more than its ends.

    Args:
        value: to clip.
        low: least that may come of it; None for no end.
        high: most, likewise.
    """
    found = value.value if low is None else max(value.value, low)
    return Bounded(found if high is None else min(found, high), value.error)


def _leaky_relu(value: Bounded, given: Given) -> Bounded:
    return leaky(value, _float32(given.get("alpha", 0.01)))


def _rectified(value: Bounded, given: Given) -> Bounded:
    return Bounded(max(value.value, Fraction(0)), value.error)


def _negative(value: Bounded, given: Given) -> Bounded:
    return -value


def _magnitude(value: Bounded, given: Given) -> Bounded:
    return Bounded(abs(value.value), value.error)


def _hard_sigmoid(value: Bounded, given: Given) -> Bounded:
    alpha, beta = _float32(given.get("alpha", 0.2)), _float32(given.get("beta", 0.5))
    line = (value * Bounded(alpha) + Bounded(beta)).rounded(2)
    return Bounded(min(max(line.value, Fraction(0)), Fraction(1)), line.error)


def _float32(attribute: float) -> Fraction:
    """An attribute as the file has it."""
    return Fraction(float(np.float32(attribute)))


def _smooth(
    function: Callable[[float, Given], float], slope: float
) -> Callable[[Bounded, Given], Bounded]:
    """A function that float64 knows, nowhere steeper than ``slope``."""

    def exact(value: Bounded, given: Given) -> Bounded:
        found = Fraction(function(float(value.value), given))
        # Float32's own functions are polynomials, a few last places off.
        return Bounded(found, value.error * Fraction(slope) + (abs(found) + 1) / 2**21)

    return exact


def _elu(value: float, given: Given) -> float:
    return value if value >= 0 else float(given.get("alpha", 1.0)) * math.expm1(value)


def _sigmoid(value: float, given: Given) -> float:
    small = math.exp(-abs(value))
    return (1 if value >= 0 else small) / (1 + small)


def _softplus(value: float, given: Given) -> float:
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))


#: By ONNX's names; each takes a value and the node's attributes.
FUNCTIONS: dict[str, Callable[[Bounded, Given], Bounded]] = {
    "Abs": _magnitude,
    "Elu": _smooth(_elu, 2.0),
    "Erf": _smooth(lambda value, given: math.erf(value), 1.13),
    "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": _leaky_relu,
    "Neg": _negative,
    "Relu": _rectified,
    "Sigmoid": _smooth(_sigmoid, 0.25),
    "Softplus": _smooth(_softplus, 1.0),
    "Tanh": _smooth(lambda value, given: math.tanh(value), 1.0),
}
