"""What upstream's conversion from QONNX does not take, put in words that it does."""

from __future__ import annotations

from finn.transformation.streamline.reorder import MoveLinearPastFork
from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.finn_compat import is_main, is_upstream


class RectifyUnsignedQuants(Transformation):
    """Put a Relu before every unsigned quantizer of a stream that has none.

    It changes no value, as such a quantizer gives 0 for what is below. Upstream's
    ConvertQONNXtoFINN takes unsigned quantizers behind a Relu only.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Insert the nodes; no second pass is needed."""
        for node in model.get_nodes_by_op_type("Quant"):
            source = node.input[0]
            before = model.find_producer(source)
            constant = model.get_initializer(source) is not None
            rectified = before is not None and before.op_type == "Relu"
            if constant or rectified or getCustomOp(node).get_nodeattr("signed"):
                continue
            result = f"{node.output[0]}_rectified"
            relu = helper.make_node("Relu", [source], [result], name=f"{node.name}_relu")
            model.set_tensor_shape(result, model.get_tensor_shape(source))
            model.graph.node.insert(list(model.graph.node).index(node), relu)
            node.input[0] = result
        return model, False


class LayOutThresholds(Transformation):
    """Give what a MultiThreshold puts out the layout of what it reads, where QONNX knows none.

    Upstream's InferThresholdingLayer transposes input and output each by its own layout.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Annotate the tensors; no second pass is needed."""
        for node in model.get_nodes_by_op_type("MultiThreshold"):
            layout = model.get_tensor_layout(node.input[0])
            if layout and not model.get_tensor_layout(node.output[0]):
                model.set_tensor_layout(node.output[0], layout)
        return model, False


def before_first_step() -> list[Transformation]:
    """Transformations of an exported graph that this FINN needs before its first step."""
    return [RectifyUnsignedQuants()] if is_upstream() else []


def before_streamline() -> list[Transformation]:
    """Transformations of a tidied graph that this FINN needs before its streamlining.

    Main's moves a scale that feeds two nodes past one of them, and the other then reads what is
    behind that.
    """
    return [MoveLinearPastFork()] if is_main() else []


def before_conversion() -> list[Transformation]:
    """Transformations of a streamlined graph that this FINN needs to make hardware layers of it."""
    return [LayOutThresholds()] if is_upstream() else []
