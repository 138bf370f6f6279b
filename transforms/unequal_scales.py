"""Name the sums and concatenations whose operands have no scale in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from msq_finn.errors import MsqError
from msq_finn.finn_compat import ADDS
from msq_finn.layer_notes import MODULE, module_name
from msq_finn.transforms.quantizer_notes import quantizer_of
from msq_finn.transforms.tensor_notes import read_note

#: Operations that leave values as they are.
_MOVES = ("Transpose", "Reshape", "Shuffle", "Flatten")


def unequal_scales(model: ModelWrapper, nodes: Iterable[Any]) -> MsqError | None:
    """Make the error for joins whose operands have different scales; None if there are none.

    Integers are added and laid side by side as they are: what they stand for has to be one scale.

    Args:
        model: graph of hardware nodes, with what is left between them.
        nodes: those that have no hardware.
    """
    joins, said = [], []
    for node in nodes:
        if not node.op_type.startswith((*ADDS, "Add", "Concat")):
            continue
        streams = [t for t in node.input if model.get_initializer(t) is None]
        ends = [_followed(model, tensor) for tensor in streams]
        if any(not np.array_equal(scale, ends[0][1]) for _, scale in ends):
            joins.append(f"{node.name} ({node.op_type})")
            said.append(", ".join(f"{name} ({_scale(scale)})" for name, scale in ends))
    if not joins:
        return None
    return MsqError(
        f"branches of different scales meet: {'; '.join(said)}; hardware has no factors to make "
        "them one, so end these branches with one quantizer for all: the same QuantIdentity (or "
        "QuantReLU) module applied to each",
        where=", ".join(joins),
    )


def _scale(scale: Any) -> str:
    values = np.unique(scale)
    return f"{values[0]:.4g}" if len(values) == 1 else f"{values[0]:.4g} to {values[-1]:.4g}"


def _followed(model: ModelWrapper, tensor: str) -> tuple[str, Any]:
    """What a stream comes from, for people, and the factor that it has got since."""
    scale: Any = np.ones(1)
    while (node := model.find_producer(tensor)) is not None:
        constant = model.get_initializer(node.input[1]) if len(node.input) > 1 else None
        if "Mul" in node.op_type and constant is not None:
            scale = scale * constant.ravel()
        elif not node.op_type.startswith(_MOVES) and (
            constant is None or "Add" not in node.op_type
        ):
            return _called(model, node), scale
        tensor = node.input[0]
    return tensor, scale


def _called(model: ModelWrapper, node: Any) -> str:
    """The module that a stream is of: a quantizer's, a layer's, or whose there is before a fork."""
    while node is not None:
        if len(node.input) > 1:
            if note := quantizer_of(model, node.input[1]):
                parts = [part for part in note.output.split("/") if part]
                scope = parts[: parts.index("act_quant")] if "act_quant" in parts else []
                return module_name("/".join(scope)) or node.name
            if name := read_note(model, node.input[1], MODULE):
                return f"{name}, which no quantizer follows"
        if not node.op_type.startswith("DuplicateStreams"):
            return str(node.name)
        node = model.find_producer(node.input[0])
    return "the input"
