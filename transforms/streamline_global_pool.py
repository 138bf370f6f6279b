"""Streamline networks with global average pools."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.general import GiveReadableTensorNames, GiveUniqueNodeNames
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes

from msq_finn.finn_compat.convert import InferGlobalAccPoolLayer
from msq_finn.transforms.fork_transposes import merge_transposes
from msq_finn.transforms.settle import settled
from msq_finn.transforms.swap_behind import swap_behind


class StreamlineGlobalPool(Transformation):
    """Split every global average into a sum in hardware and a factor that moves on.

    The factor goes into the thresholds behind, or past the classifier. FINN's
    ``step_convert_to_hw`` splits averages too, but only after the matrix product behind it has
    been found to read floats. Run it after ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change graphs with a GlobalAveragePool; no second pass is needed."""
        if not model.get_nodes_by_op_type("GlobalAveragePool"):
            return model, False
        for transformation in (
            MoveLinearPastGlobalPools,
            InferDataTypes,
            InferGlobalAccPoolLayer,
            InferDataLayouts,
        ):
            model = model.transform(transformation(), make_deepcopy=False)
        model = settled(model)
        merge_transposes(model)  # which settling has moved past forks again
        for transformation in (GiveUniqueNodeNames, GiveReadableTensorNames):
            model = model.transform(transformation(), make_deepcopy=False)
        return model, False


class MoveLinearPastGlobalPools(Transformation):
    """Swap a Mul or Add of constants, also of one a channel, with the average behind it.

    The mean of a * x + b is a times the mean of x, and b. FINN's MoveScalarLinearPastInvariants
    does it for scalars.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Swap one pair, if there is one, and ask for another pass then."""
        for pool in model.get_nodes_by_op_type("GlobalAveragePool"):
            node = model.find_producer(pool.input[0])
            if node is None or not _is_linear_of_channels(model, node) or model.is_fork_node(node):
                continue
            swap_behind(model, node, pool, DataType["FLOAT32"])
            return model, True
        return model, False


def _is_linear_of_channels(model: ModelWrapper, node: NodeProto) -> bool:
    if node.op_type not in ("Mul", "Add"):
        return False
    constant, shape = model.get_initializer(node.input[1]), model.get_tensor_shape(node.input[0])
    if constant is None:
        return False
    if np.size(constant) == 1:
        return True
    rank = len(shape)
    padded = (*[1] * (rank - constant.ndim), *constant.shape)
    return padded == (1, shape[1], *[1] * (rank - 2))
