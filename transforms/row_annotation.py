"""Schemes of rows as the training meant them, beside the integers that say what they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.layer_notes import ROWS
from msq_finn.transforms.tensor_notes import read_note

IntArray = NDArray[np.int64]


def check_annotation(model: ModelWrapper, tensor: str, weights: IntArray, layer: str) -> None:
    """Compare a layer's annotation, if there is one, with its integers.

    Args:
        model: with the layer's weights.
        tensor: name of the weights.
        weights: their integers, shape (MW, MH).
        layer: name for the error message.

    Raises:
        MsqError: other rows than annotated, a scheme that nobody knows, or a row that its annotated
            scheme does not hold.
    """
    if not (note := read_note(model, tensor, ROWS)):
        return
    annotated = note.split(",")
    if len(annotated) != weights.shape[1]:
        raise MsqError(
            f"{len(annotated)} rows are annotated, but it has {weights.shape[1]}", where=layer
        )
    for row, (scheme, column) in enumerate(zip(annotated, weights.T, strict=True)):
        if not schemes.get(scheme).holds(column).all():
            raise MsqError(
                f"row {row} is annotated {scheme}, which does not hold its weights "
                f"{np.unique(column).tolist()}; export the model again",
                where=layer,
            )
