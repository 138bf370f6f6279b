"""Conversion to hardware layers that FINN's lines have in different places, or not all."""

from __future__ import annotations

from typing import Any

from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.base import Transformation

from msq_finn.errors import MissingToolError
from msq_finn.finn_compat import module, version


def _layer(name: str, home: str) -> Any:
    """FINN's transformation of that name: finn-plus has modules of their own for them."""
    package = "finn.transformation.fpgadataflow"
    for place in (f"convert_to_hw.{home}", "convert_to_hw_layers"):
        found = getattr(module(f"{package}.{place}"), name, None)
        if found is not None:
            return found
    raise MissingToolError(f"{version()} has no {name} in {package}")


InferGlobalAccPoolLayer = _layer("InferGlobalAccPoolLayer", "global_acc_pool")


class InferPixelSkips(Transformation):
    """Turn patches of single pixels, some left out, into window generators.

    Upstream main's InferConvInpGen, which goes behind it, makes them DownSamplers, of which there
    is HLS only; other lines make of them what this does.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Replace the nodes; no second pass is needed."""
        for node in model.get_nodes_by_op_type("Im2Col"):
            op, datatype = getCustomOp(node), model.get_tensor_datatype(node.input[0])
            pixels = list(op.get_nodeattr("kernel_size")) == [1, 1]
            stride = list(op.get_nodeattr("stride"))
            padded = any(op.get_nodeattr("pad_amount"))
            if not pixels or max(stride) == 1 or padded or not datatype.is_integer():
                continue
            _, *size, channels = model.get_tensor_shape(node.input[0])
            generator = helper.make_node(
                "ConvolutionInputGenerator",
                list(node.input),
                list(node.output),
                name=f"ConvolutionInputGenerator_{node.name}",
                domain="finn.custom_op.fpgadataflow",
                backend="fpgadataflow",
                ConvKernelDim=[1, 1],
                IFMChannels=channels,
                IFMDim=size,
                OFMDim=list(model.get_tensor_shape(node.output[0])[1:3]),
                SIMD=channels,
                Stride=stride,
                Dilation=list(op.get_nodeattr("dilations")),
                inputDataType=datatype.name,
                outputDataType=datatype.name,
                depthwise=op.get_nodeattr("depthwise"),
                is1D=int(min(size) == 1),
            )
            model.graph.node.insert(list(model.graph.node).index(node), generator)
            model.graph.node.remove(node)
        return model, False
