"""The spread of rows, which schemes hold them, and what each scheme would cost them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from msq_finn import schemes
from msq_finn.inspect.graph_weights import FloatArray, Weights
from msq_finn.inspect.result import SCHEMES, InspectedLayer, InspectedRow

#: Trial values of alpha, as multiples of a row's largest magnitude, besides the file's own.
_TRIALS = np.linspace(0.4, 1.4, 41)


def projection_errors(rows: FloatArray, scheme: str, alphas: Sequence[FloatArray]) -> FloatArray:
    """Return each row's least squared error under a scheme, relative to its sum of squares.

    Args:
        rows: weights; shape (rows, columns).
        scheme: name of the scheme.
        alphas: trial values of level 1, each of shape (rows, 1).

    Returns:
        Fractions; shape (rows,). 0 for a row of zeros.

    Examples:
        >>> projection_errors(np.array([[0.5, 0.625, -1.0]]), "sp2_4", [np.array([[1.0]])])
        array([0.])
    """
    target = schemes.get(scheme)
    energy = np.square(rows).sum(axis=1)
    errors = [np.square(rows - target.project(rows, alpha)).sum(axis=1) for alpha in alphas]
    least: FloatArray = np.min(errors, axis=0) / np.where(energy > 0, energy, 1)
    return least


def measure(weights: Weights) -> InspectedLayer:
    """Measure a layer's rows.

    Args:
        weights: of the layer.
    """
    largest = np.abs(weights.floats).max(axis=1, keepdims=True)
    largest = np.where(largest > 0, largest, 1)
    errors: dict[str, FloatArray] = {}
    held: dict[str, NDArray[np.bool_]] = {}
    for name in SCHEMES:
        trials = [largest * trial for trial in _TRIALS]
        trials.append(weights.steps * schemes.get(name).grid_max)
        errors[name] = projection_errors(weights.floats, name, trials)
        held[name] = np.all(schemes.get(name).holds(weights.ints.astype(np.int64)), axis=1)
    variances = weights.floats.var(axis=1)
    rows = [
        InspectedRow(
            schemes=[name for name in SCHEMES if held[name][index]],
            variance=float(variances[index]),
            errors={name: float(errors[name][index]) for name in SCHEMES},
        )
        for index in range(len(variances))
    ]
    return InspectedLayer(
        name=weights.name,
        op=weights.op,
        columns=weights.ints.shape[1],
        smallest=int(weights.ints.min()),
        largest=int(weights.ints.max()),
        rows=rows,
    )
