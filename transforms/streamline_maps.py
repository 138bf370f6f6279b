"""Layers that move the pixels of maps: zeros around them, and enlarging."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from onnx.reference import ReferenceEvaluator
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from msq_finn.errors import MsqError
from msq_finn.transforms.place_pads import pads_of
from msq_finn.transforms.settle import inserted_channels_last, settled

#: ONNX's operations, and FINN's layers.
MAPS = {"Pad": "FMPadding", "Resize": "UpsampleNearestNeighbour"}
MAPS["Upsample"] = MAPS["Resize"]


class StreamlineMaps(Transformation):
    """Turn every Pad, Resize and Upsample of integers into FINN's layer, its channels last.

    FINN's own conversions ask for channels last, and know no Resize of newer opsets. Run it behind
    StreamlineJoins, which moves the scales past them.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change graphs that have such nodes, as long as scales pass to the next.

        Raises:
            MsqError: a Resize that is no repetition of pixels.
        """
        while nodes := [n for n in model.graph.node if n.op_type in MAPS and _is_on_map(model, n)]:
            for node in nodes:
                inserted_channels_last(model, node, _layer(model, node))
            model = settled(model)
        return model, False


def _is_on_map(model: ModelWrapper, node: NodeProto) -> bool:
    source = node.input[0]
    integers = model.get_tensor_datatype(source).is_integer()
    return bool(integers) and len(model.get_tensor_shape(source)) == 4


def _layer(model: ModelWrapper, node: NodeProto) -> NodeProto:
    """FINN's layer for a node, without batch: of one image."""
    _, channels, *size = model.get_tensor_shape(node.input[0])
    if node.op_type == "Pad":
        before, behind = pads_of(model, node)
        sizes = {"ImgDim": size, "Padding": before + behind}
    else:
        lines, pixels = size[0] * (factors := _factors(model, node))[0], size[1] * factors[1]
        sizes = {"HI": size[0], "WI": size[1], "HO": lines, "WO": pixels}
    return helper.make_node(
        MAPS[node.op_type],
        list(node.input[:1]),
        list(node.output),
        domain="finn.custom_op.fpgadataflow",
        backend="fpgadataflow",
        NumChannels=channels,
        SIMD=channels if node.op_type == "Pad" else 1,
        inputDataType=model.get_tensor_datatype(node.input[0]).name,
        name=f"{MAPS[node.op_type]}_{node.name}",
        **sizes,
    )


def _factors(model: ModelWrapper, node: NodeProto) -> tuple[int, int]:
    """How often a Resize repeats every line, and every pixel of a line.

    Its modes are many; what it makes of the pixels' numbers says whether it repeats them.
    """
    where = f"{node.name} ({node.op_type})"
    source, result = (model.get_tensor_shape(t) for t in (node.input[0], node.output[0]))
    whole = [after // before for before, after in zip(source, result, strict=True)]
    if source[:2] != result[:2] or [f * s for f, s in zip(whole, source, strict=True)] != result:
        raise MsqError(
            f"{where}: no hardware to make {result} of {source}; enlarge height and width, each "
            "by a whole factor (nn.Upsample(scale_factor=2))"
        )
    numbers = np.arange(np.prod(source[2:]), dtype=np.float32).reshape(1, 1, *source[2:])
    if not np.array_equal(
        _resized(model, node, numbers, whole), numbers.repeat(whole[2], 2).repeat(whole[3], 3)
    ):
        raise MsqError(
            f"{where}: no hardware for its mode, which does more than repeat pixels; take "
            "nn.Upsample(..., mode='nearest')"
        )
    return whole[2], whole[3]


def _resized(
    model: ModelWrapper, node: NodeProto, pixels: NDArray[np.float32], factors: list[int]
) -> NDArray[np.float32]:
    """What a Resize by given factors, instead of its own sizes, makes of one channel."""
    opset = model.get_opset_imports()[""]
    inputs = ["x", "factors"] if len(node.input) == 2 else ["x", "", "factors"]
    again = helper.make_node(node.op_type, inputs, ["y"])
    again.attribute.extend(node.attribute)
    infos = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", pixels.shape), ("factors", [4]), ("y", None))
    ]
    graph = helper.make_graph([again], "resize", infos[:2], infos[2:])
    single = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    given = {"x": pixels, "factors": np.array([1, 1, *factors[2:]], np.float32)}
    result: NDArray[np.float32] = ReferenceEvaluator(single).run(None, given)[0]
    return result
