"""Notes on tensors, which FINN's transformations keep."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.layer_notes import note, noted


def write_note(model: ModelWrapper, tensor: str, key: str, value: str) -> None:
    """Write among a tensor's quantization annotations, where ONNX has room for other keys.

    FINN keeps them up to the matrix-vector unit, also where weights are folded or reshaped.

    Args:
        model: changed in place.
        key: of the note; an earlier one is replaced.
        value: any text.
    """
    note(model.graph, tensor, key, value)


def read_note(model: ModelWrapper, tensor: str, key: str) -> str | None:
    """Return what was noted on a tensor, None where nothing was."""
    return noted(model.graph, tensor, key) or None
