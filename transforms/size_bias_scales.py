"""Give the scale of a quantized bias the shape that QONNX looks for."""

from __future__ import annotations

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation


class SizeBiasScales(Transformation):
    """Turn scalar scales and zero points of convolutions' biases into vectors of one element.

    Brevitas exports one scale for a whole bias as a scalar. QONNX's ``ExtractBiasFromConv``
    (transformation/extract_conv_bias.py) leaves one of shape (1,) alone and takes any other for one
    a channel. Run it before that transformation, which is the first of FINN's flow.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the shapes; no second pass is needed."""
        for conv in model.graph.node:
            if conv.op_type not in ("Conv", "ConvTranspose") or len(conv.input) < 3:
                continue
            quantizer = model.find_producer(conv.input[2])
            if quantizer is None or quantizer.op_type != "Quant":
                continue
            for index in (1, 2):
                value = model.get_initializer(quantizer.input[index])
                if value is not None and value.ndim == 0:
                    # Of its own: other nodes may share the constant, and want it as it is.
                    name = f"{quantizer.output[0]}_parameter_{index}"
                    model.set_initializer(name, value.reshape(1))
                    quantizer.input[index] = name
        return model, False
