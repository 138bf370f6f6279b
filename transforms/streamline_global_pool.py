"""Streamline networks that end in global average pooling."""

from __future__ import annotations

from finn.transformation.streamline.absorb import AbsorbConsecutiveTransposes
from finn.transformation.streamline.collapse_repeated import CollapseRepeatedMul
from finn.transformation.streamline.reorder import (
    MoveScalarLinearPastInvariants,
    MoveScalarMulPastMatMul,
)
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes

from msq_finn.finn_compat.convert import InferGlobalAccPoolLayer

_SEQUENCE = (
    InferDataTypes,
    InferGlobalAccPoolLayer,
    InferDataLayouts,
    AbsorbConsecutiveTransposes,
    # Past the transpose and the flattening, one each.
    MoveScalarLinearPastInvariants,
    MoveScalarLinearPastInvariants,
    MoveScalarMulPastMatMul,
    CollapseRepeatedMul,
    InferDataTypes,
    GiveUniqueNodeNames,
    GiveReadableTensorNames,
)


class StreamlineGlobalPool(Transformation):
    """Split a global average into a sum in hardware and a factor behind the classifier.

    FINN's ``step_convert_to_hw`` splits it too, but only after the matrix product behind it has
    been found to read floats. Run it after ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change graphs with a GlobalAveragePool; no second pass is needed."""
        if model.get_nodes_by_op_type("GlobalAveragePool"):
            for transformation in _SEQUENCE:
                model = model.transform(transformation(), make_deepcopy=False)
        return model, False
