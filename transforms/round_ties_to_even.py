"""Set thresholds exactly where QONNX's quantizers round up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

FloatArray = NDArray[np.float32]

#: How many 32-bit floats a threshold may lie off; it is rounded once, and so is the quotient.
_NEIGHBOURS = 4


class RoundTiesToEven(Transformation):
    """Move the thresholds that FINN makes of a quantizer to the least number that it rounds up.

    FINN's ConvertQONNXtoFINN puts them halfway between two levels, so that a value halfway is
    rounded up; QONNX divides by the scale and rounds halves to even. With scales that are powers of
    two such values are common. Run it before streamlining, while the scale is behind the node.

    The numbers are 32-bit floats, the thresholds become 64-bit ones: streamlining then takes biases
    and scales out of them without losing the last place, which tells a half from what is above it.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the thresholds; no second pass is needed."""
        for node in model.get_nodes_by_op_type("MultiThreshold"):
            thresholds = model.get_initializer(node.input[1])
            if getCustomOp(node).get_nodeattr("out_scale") == 1.0:  # else it is no Quant's
                moved = _moved(thresholds.astype(np.float32), _scale(model, node))
                model.set_initializer(node.input[1], moved.astype(np.float64))
        return model, False


def _scale(model: ModelWrapper, node: Any) -> FloatArray:
    """Step of the quantizer that a node was, [channels or 1, 1]."""
    behind = model.find_consumer(node.output[0])
    if behind is not None and behind.op_type == "Add":
        behind = model.find_consumer(behind.output[0])
    factor = None
    if behind is not None and behind.op_type == "Mul":
        factor = model.get_initializer(behind.input[1])
    return np.float32(1 if factor is None else factor).reshape(-1, 1)


def _moved(thresholds: FloatArray, scale: FloatArray) -> FloatArray:
    """The least of each threshold's neighbours that is rounded to the level above."""
    lower = np.rint(thresholds / scale - 0.5)
    if (np.abs(thresholds - (lower + 0.5) * scale) > 1e-3 * scale).any():
        return thresholds  # not halfway between levels: of no Quant, or a scale that went elsewhere
    candidate = thresholds
    for _ in range(_NEIGHBOURS):
        candidate = np.nextafter(candidate, np.float32(-np.inf))
    for _ in range(2 * _NEIGHBOURS):
        short = np.rint(candidate / scale) <= lower
        candidate = np.where(short, np.nextafter(candidate, np.float32(np.inf)), candidate)
    return candidate
