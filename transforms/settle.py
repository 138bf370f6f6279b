"""Repeat FINN's streamlining, with what it lacks, until nothing moves any more."""

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
    MoveAddPastMul,
    MoveLinearPastFork,
    MoveMulPastMaxPool,
    MoveScalarAddPastMatMul,
    MoveScalarLinearPastInvariants,
    MoveScalarMulPastMatMul,
    MoveTransposePastFork,
)
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.remove import RemoveIdentityOps
from qonnx.util.basic import get_by_name

from msq_finn.finn_compat.streamline import (
    AbsorbScalarBiasIntoMultiThreshold,
    MoveAddPastJoinConcat,
    MoveLinearPastEltwiseAdd,
    MoveMulPastJoinConcat,
    MoveScalesPastIm2Col,
    MoveTransposePastJoinAdd,
    MoveTransposePastJoinConcat,
)
from msq_finn.transforms.move_flatten_past_thresholds import MoveFlattenPastThresholds
from msq_finn.transforms.move_past_splits import MovePastSplits
from msq_finn.transforms.move_past_tables import MoveTransposePastTables
from msq_finn.transforms.move_scales_past_maps import MoveScalesPastMaps
from msq_finn.transforms.move_scales_past_pools import MoveScalesPastPools
from msq_finn.transforms.pools_channels_last import PoolsChannelsLast

_ROUND = (
    # What FINN's Streamline lacks: past forks and joins.
    MoveLinearPastFork,
    MoveTransposePastFork,
    MovePastSplits,
    PoolsChannelsLast,
    MoveScalarLinearPastInvariants,
    MoveLinearPastEltwiseAdd,
    MoveTransposePastJoinAdd,
    MoveMulPastJoinConcat,
    MoveAddPastJoinConcat,
    MoveTransposePastJoinConcat,
    MoveFlattenPastThresholds,
    MoveTransposePastTables,
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
    MoveScalesPastMaps,
    AbsorbAddIntoMultiThreshold,
    FactorOutMulSignMagnitude,
    AbsorbMulIntoMultiThreshold,
    RemoveIdentityOps,
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


def settled(model: ModelWrapper) -> ModelWrapper:
    """Move scales and transposes past forks, joins and pools as far as they go.

    Args:
        model: streamlined graph.

    Returns:
        the graph when a further round would change nothing.
    """
    before: list[str] = []
    # Every round moves something past a node, so there are no more rounds than nodes.
    for _ in range(len(model.graph.node)):
        operations = [node.op_type for node in model.graph.node]
        if operations == before:
            break
        before = operations
        round_model = _Unhurried(model.model)
        for transformation in _ROUND:
            round_model = round_model.transform(transformation())
            if _lacks_shapes(round_model):
                _shape_copies(round_model)
                # Moves ask for shapes, and would take a tensor without one for a scalar.
                model = ModelWrapper(round_model.model).transform(
                    InferShapes(), make_deepcopy=False
                )
                round_model = _Unhurried(model.model)
        model = ModelWrapper(round_model.model)
        for transformation in _INFER:
            model = model.transform(transformation(), make_deepcopy=False)
    return model


def _shape_copies(model: ModelWrapper) -> None:
    """Give the copies that FINN moves past forks their shapes.

    QONNX's inference asks custom ops behind them first, which ask for the shapes of their inputs.
    """
    for node in model.graph.node:
        if node.op_type not in ("Mul", "Transpose") or model.get_tensor_shape(node.output[0]):
            continue
        shape = model.get_tensor_shape(node.input[0])
        if not shape:
            continue
        if node.op_type == "Transpose":
            shape = [shape[axis] for axis in get_by_name(node.attribute, "perm").ints]
        model.set_tensor_shape(node.output[0], shape)


def _lacks_shapes(model: ModelWrapper) -> bool:
    infos = (*model.graph.value_info, *model.graph.output)
    known = {info.name for info in infos if info.type.tensor_type.HasField("shape")}
    return any(tensor not in known for node in model.graph.node for tensor in node.output)
