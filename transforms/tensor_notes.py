"""Notes on tensors, which FINN's transformations keep."""

from __future__ import annotations

import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import get_by_name


def write_note(model: ModelWrapper, tensor: str, key: str, value: str) -> None:
    """Write among a tensor's quantization annotations, where ONNX has room for other keys.

    FINN keeps them up to the matrix-vector unit, also where weights are folded or reshaped.

    Args:
        model: changed in place.
        key: of the note; an earlier one is replaced.
        value: any text.
    """
    annotations = model.graph.quantization_annotation
    found = get_by_name(annotations, tensor, "tensor_name")
    if found is None:
        found = annotations.add(tensor_name=tensor)
    entries = [e for e in found.quant_parameter_tensor_names if e.key != key]
    del found.quant_parameter_tensor_names[:]
    entry = onnx.StringStringEntryProto(key=key, value=value)
    found.quant_parameter_tensor_names.extend([*entries, entry])


def read_note(model: ModelWrapper, tensor: str, key: str) -> str | None:
    """Return what was noted on a tensor, None where nothing was.

    Args:
        model: with the tensor.
        key: of the note.
    """
    found = get_by_name(model.graph.quantization_annotation, tensor, "tensor_name")
    entry = found and get_by_name(found.quant_parameter_tensor_names, key, "key")
    return entry.value if entry else None
