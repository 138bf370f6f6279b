"""Tell thresholds which axis the channels are, where QONNX takes another one or knows none."""

from __future__ import annotations

import qonnx.core.data_layout as DataLayout
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

_ELEMENTWISE = ("Add", "Div", "Mul", "MultiThreshold", "Relu", "Sub")


class MarkChannelsLast(Transformation):
    """Mark four dimensions as channels-last where linear layers say so.

    QONNX takes them for those of an image, channels second, and FINN's streamlining then gives
    thresholds the scales of the last axis along the second. Run it before ``step_streamline``,
    while each quantizer has one row of thresholds, for which the axis does not matter yet.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Set layouts of tensors and thresholds; no second pass is needed."""
        last: set[str] = set()
        for node in model.graph.node:
            if node.op_type == "MatMul" and model.get_initializer(node.input[1]) is not None:
                last |= {node.output[0], *_from_input(model, node.input[0])}
        for node in model.graph.node:
            if node.op_type in _ELEMENTWISE and last.intersection(node.input):
                last.add(node.output[0])
        for tensor in sorted(last):
            if len(model.get_tensor_shape(tensor)) != 4:
                continue
            model.set_tensor_layout(tensor, DataLayout.NHWC)
            node = model.find_producer(tensor)
            if node is not None and node.op_type == "MultiThreshold":
                thresholds = model.get_initializer(node.input[1])
                if len(thresholds) == 1:
                    getCustomOp(node).set_nodeattr("data_layout", "NHWC")
        return model, False


def _from_input(model: ModelWrapper, tensor: str) -> list[str]:
    """Tensors from the network's input to this one; none where more than arithmetic is between."""
    found = [tensor]
    while (node := model.find_producer(found[-1])) is not None:
        if node.op_type not in _ELEMENTWISE:
            return []
        found.append(node.input[0])
    return found


class MarkChannelsSecond(Transformation):
    """Mark four dimensions behind a reshape as an image's, for thresholds of channels.

    QONNX gives what a reshape makes the layout of what it reads, of fewer dimensions, and FINN's
    conversion then takes the last axis for the channels. Run it on a streamlined graph, before
    ``step_convert_to_hw``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Set layouts of tensors and thresholds; no second pass is needed."""
        for node in model.get_nodes_by_op_type("MultiThreshold"):
            layout = model.get_tensor_layout(node.input[0]) or []
            if len(model.get_tensor_shape(node.input[0])) == 4 and len(layout) != 4:
                for tensor in (node.input[0], node.output[0]):
                    model.set_tensor_layout(tensor, DataLayout.NCHW)
                getCustomOp(node).set_nodeattr("data_layout", "NCHW")
        return model, False
