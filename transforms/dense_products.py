"""Keep the notes on fully connected layers with biases."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.gemm_to_matmul import GemmToMatMul
from qonnx.transformation.infer_shapes import InferShapes

from msq_finn.layer_notes import annotate


class DenseProducts(Transformation):
    """Split Gemm into product and sum, as FINN's first step does, and note weights behind it, too.

    The step puts a transposition behind the weights' quantizer, whose output then has no notes.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Split all, if each has the bias that QONNX's transformation asks for."""
        dense = model.get_nodes_by_op_type("Gemm")
        if dense and all(len(node.input) == 3 for node in dense):
            model = model.transform(InferShapes()).transform(GemmToMatMul())
            annotate(model.model)
        return model, False
