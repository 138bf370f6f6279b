"""Streamline networks whose branches meet in an add."""

from __future__ import annotations

from finn.transformation.streamline import Streamline
from finn.transformation.streamline.absorb import (
    AbsorbConsecutiveTransposes,
    AbsorbTransposeIntoMultiThreshold,
)
from finn.transformation.streamline.reorder import (
    MoveLinearPastEltwiseAdd,
    MoveLinearPastFork,
    MoveScalarLinearPastInvariants,
    MoveTransposePastFork,
    MoveTransposePastJoinAdd,
)
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames
from qonnx.transformation.infer_data_layouts import InferDataLayouts

_ROUND = (
    MoveLinearPastFork,
    MoveTransposePastFork,
    MoveScalarLinearPastInvariants,
    MoveLinearPastEltwiseAdd,
    MoveTransposePastJoinAdd,
    AbsorbTransposeIntoMultiThreshold,
    AbsorbConsecutiveTransposes,
    Streamline,
    InferDataLayouts,
    GiveUniqueNodeNames,
    GiveReadableTensorNames,
)


class StreamlineResidual(Transformation):
    """Move scales and transposes past forks and residual adds, into the thresholds behind them.

    FINN's ``step_streamline`` stops at both. A scale passes an add where both branches have the
    same one, so they need a common quantizer before the add. Graphs without such an add stay as
    they are. Run it after ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Repeat a round of FINN's transformations until it changes nothing."""
        if not any(_joins(model, node) for node in model.graph.node):
            return model, False
        before: list[str] = []
        # Every round moves something past a node, so there are no more rounds than nodes.
        for _ in range(len(model.graph.node)):
            operations = [node.op_type for node in model.graph.node]
            if operations == before:
                break
            before = operations
            for transformation in _ROUND:
                model = model.transform(transformation())
        return model, False


def _joins(model: ModelWrapper, node: NodeProto) -> bool:
    streams = all(model.get_initializer(tensor) is None for tensor in node.input)
    return node.op_type == "Add" and streams
