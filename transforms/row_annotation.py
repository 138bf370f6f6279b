"""Schemes of rows as the training meant them, beside the integers that say what they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import get_by_name

from msq_finn import schemes
from msq_finn.errors import MsqError

IntArray = NDArray[np.int64]

#: Key among a tensor's quantization annotations; the value is the rows' schemes, commas between.
KEY = "msq_row_schemes"


def annotate_rows(model: ModelWrapper, tensor: str, rows: Sequence[str]) -> None:
    """Note the schemes of a layer's rows in an exported model.

    FINN keeps the annotation up to the matrix-vector unit, where :func:`check_annotation` reads it.

    Args:
        model: exported model, changed in place.
        tensor: output of the weights' ``Quant``.
        rows: the scheme of each, such as "sp2_4".
    """
    annotations = model.graph.quantization_annotation
    found = get_by_name(annotations, tensor, "tensor_name")
    if found is None:
        found = annotations.add(tensor_name=tensor)
    entries = [e for e in found.quant_parameter_tensor_names if e.key != KEY]
    del found.quant_parameter_tensor_names[:]
    entry = onnx.StringStringEntryProto(key=KEY, value=",".join(rows))
    found.quant_parameter_tensor_names.extend([*entries, entry])


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
    found = get_by_name(model.graph.quantization_annotation, tensor, "tensor_name")
    entry = found and get_by_name(found.quant_parameter_tensor_names, KEY, "key")
    if not entry:
        return
    annotated = entry.value.split(",")
    if len(annotated) != weights.shape[1]:
        raise MsqError(
            f"{layer}: {len(annotated)} rows are annotated, but it has {weights.shape[1]}"
        )
    for row, (scheme, column) in enumerate(zip(annotated, weights.T, strict=True)):
        if not schemes.get(scheme).holds(column).all():
            raise MsqError(
                f"{layer}: row {row} is annotated {scheme}, which does not hold its weights "
                f"{np.unique(column).tolist()}; export the model again"
            )
