"""Streamline networks whose branches meet in an add or a concatenation."""

from __future__ import annotations

from typing import Any

from finn.transformation.streamline.absorb import (
    AbsorbAddIntoMultiThreshold,
    AbsorbConsecutiveTransposes,
    AbsorbMulIntoMultiThreshold,
    AbsorbTransposeIntoMultiThreshold,
    FactorOutMulSignMagnitude,
)
from finn.transformation.streamline.collapse_repeated import (
    CollapseRepeatedAdd,
    CollapseRepeatedMul,
)
from finn.transformation.streamline.reorder import (
    MakeMaxPoolNHWC,
    MoveAddPastMul,
    MoveLinearPastFork,
    MoveMulPastMaxPool,
    MoveScalarAddPastMatMul,
    MoveScalarLinearPastInvariants,
    MoveScalarMulPastMatMul,
    MoveTransposePastFork,
)
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes

from msq_finn.finn_compat.streamline import (
    AbsorbScalarBiasIntoMultiThreshold,
    MoveAddPastJoinConcat,
    MoveLinearPastEltwiseAdd,
    MoveMulPastJoinConcat,
    MoveScalesPastIm2Col,
    MoveTransposePastJoinAdd,
    MoveTransposePastJoinConcat,
)
from msq_finn.transforms.fork_transposes import merge_transposes, transpose_at_forks
from msq_finn.transforms.move_scales_past_pools import MoveScalesPastPools

_ROUND = (
    # What FINN's Streamline lacks: past forks and joins.
    MoveLinearPastFork,
    MoveTransposePastFork,
    MakeMaxPoolNHWC,
    MoveScalarLinearPastInvariants,
    MoveLinearPastEltwiseAdd,
    MoveTransposePastJoinAdd,
    MoveMulPastJoinConcat,
    MoveAddPastJoinConcat,
    MoveTransposePastJoinConcat,
    AbsorbTransposeIntoMultiThreshold,
    AbsorbConsecutiveTransposes,
    # What moves on of FINN's Streamline behind them, in its order.
    MoveMulPastMaxPool,
    AbsorbScalarBiasIntoMultiThreshold,
    MoveScalesPastIm2Col,
    MoveScalarLinearPastInvariants,
    MoveAddPastMul,
    MoveScalarAddPastMatMul,
    MoveScalarMulPastMatMul,
    MoveAddPastMul,
    CollapseRepeatedAdd,
    CollapseRepeatedMul,
    MoveMulPastMaxPool,
    MoveScalesPastPools,
    AbsorbAddIntoMultiThreshold,
    FactorOutMulSignMagnitude,
    AbsorbMulIntoMultiThreshold,
)

_INFER = (InferShapes, InferDataTypes, InferDataLayouts)


class _Unhurried(ModelWrapper):
    """A model that transformations change in place, its shapes and types inferred once a round.

    QONNX copies all weights for each transformation, and FINN's infer all shapes after each change;
    on ResNet-18 that takes longer than the rest of the flow.
    """

    def transform(self, transformation: Transformation, *_: Any, **__: Any) -> ModelWrapper:
        if isinstance(transformation, InferShapes | InferDataTypes):
            return self
        return super().transform(transformation, make_deepcopy=False, cleanup=False)


class StreamlineJoins(Transformation):
    """Move scales and transposes past forks and joins, into the thresholds behind them.

    FINN's ``step_streamline`` stops at both. A scale passes a residual add, or a concatenation,
    where all branches have the same one, so they need a common quantizer before it. Graphs without
    such joins stay as they are. Run it after ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Repeat a round of FINN's transformations until it changes nothing."""
        if not any(_joins(model, node) for node in model.graph.node):
            return model, False
        model = _settled(model)
        if transpose_at_forks(model):
            # Behind a quantizer on the host no transposition was there to move into the branches.
            model = _settled(model)
            merge_transposes(model)
        for transformation in (GiveUniqueNodeNames, GiveReadableTensorNames):
            model = model.transform(transformation(), make_deepcopy=False)
        return model, False


def _settled(model: ModelWrapper) -> ModelWrapper:
    before: list[str] = []
    # Every round moves something past a node, so there are no more rounds than nodes.
    for _ in range(len(model.graph.node)):
        operations = [node.op_type for node in model.graph.node]
        if operations == before:
            break
        before = operations
        round_model = _Unhurried(model.model)
        for transformation in _ROUND:
            nodes = len(round_model.graph.node)
            round_model = round_model.transform(transformation())
            if len(round_model.graph.node) > nodes:
                # What is new at forks has no shapes, which moves past pools ask for.
                model = ModelWrapper(round_model.model).transform(
                    InferShapes(), make_deepcopy=False
                )
                round_model = _Unhurried(model.model)
        model = ModelWrapper(round_model.model)
        for transformation in _INFER:
            model = model.transform(transformation(), make_deepcopy=False)
    return model


def _joins(model: ModelWrapper, node: NodeProto) -> bool:
    streams = all(model.get_initializer(tensor) is None for tensor in node.input)
    return node.op_type in ("Add", "Concat") and streams
