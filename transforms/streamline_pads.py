"""Zeros around maps that are neither a convolution's nor the host's."""

from __future__ import annotations

from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.transforms.place_pads import pads_of
from msq_finn.transforms.settle import inserted_channels_last, settled


class StreamlinePads(Transformation):
    """Turn every Pad of integers into FINN's FMPadding, its channels last.

    Run it behind StreamlineJoins, which moves the scales past them.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change graphs that have such Pads; no second pass is needed."""
        pads = [
            node
            for node in model.get_nodes_by_op_type("Pad")
            if model.get_tensor_datatype(node.input[0]).is_integer()
        ]
        for node in pads:
            inserted_channels_last(model, node, _padding(model, node))
        return (settled(model) if pads else model), False


def _padding(model: ModelWrapper, node: NodeProto) -> NodeProto:
    _, channels, *size = model.get_tensor_shape(node.input[0])
    before, behind = pads_of(model, node)
    return helper.make_node(
        "FMPadding",
        list(node.input[:1]),
        list(node.output),
        domain="finn.custom_op.fpgadataflow",
        backend="fpgadataflow",
        ImgDim=size,
        Padding=before + behind,
        NumChannels=channels,
        SIMD=channels,
        inputDataType=model.get_tensor_datatype(node.input[0]).name,
        name=f"FMPadding_{node.name}",
    )
