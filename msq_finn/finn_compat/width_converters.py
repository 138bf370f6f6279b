"""Width converters between streams neither of whose widths divides the other."""

from __future__ import annotations

import copy
import math

from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.finn_compat import is_upstream


class ConvertByCommonWidth(Transformation):
    """Convert by way of words that both widths divide, without waiting for more than one of them.

    Upstream's RTL converters only ever multiply or divide a width; it leaves the others to
    HLS. Run it before SpecializeLayers.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Put two converters in the place of one; no second pass is needed."""
        for node in model.get_nodes_by_op_type("StreamingDataWidthConverter"):
            op = getCustomOp(node)
            widths = (op.get_nodeattr("inWidth"), op.get_nodeattr("outWidth"))
            common = math.lcm(*widths)
            if common in widths:
                continue
            between, shape = f"{node.output[0]}_common", model.get_tensor_shape(node.output[0])
            model.graph.value_info.append(
                helper.make_tensor_value_info(between, TensorProto.FLOAT, shape)
            )
            model.set_tensor_datatype(between, model.get_tensor_datatype(node.input[0]))
            second = copy.deepcopy(node)
            op.set_nodeattr("outWidth", common)
            getCustomOp(second).set_nodeattr("inWidth", common)
            node.output[0] = second.input[0] = between
            model.graph.node.insert(list(model.graph.node).index(node) + 1, second)
        return model, False


def behind_width_converters() -> list[Transformation]:
    """Transformations that width converters of this FINN need once they are inserted."""
    return [ConvertByCommonWidth()] if is_upstream() else []
