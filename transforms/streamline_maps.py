"""Layers on the pixels of maps: zeros around them, enlarging, and averages of parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from onnx.reference import ReferenceEvaluator
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.infer_datatypes import InferDataTypes

from msq_finn.errors import MsqError
from msq_finn.finn_compat import is_upstream
from msq_finn.transforms.channels_last import inserted_channels_last
from msq_finn.transforms.fork_transposes import merge_transposes
from msq_finn.transforms.place_pads import pads_of
from msq_finn.transforms.settle import settled

_HARDWARE = "finn.custom_op.fpgadataflow"


class StreamlineMaps(Transformation):
    """Turn every AveragePool, Pad, Resize and Upsample of integers into layers, channels last.

    FINN's own conversions ask for channels last, know no Resize of newer opsets, and take averages
    of whole maps only. An average becomes a sum and a factor behind it. Run it behind
    StreamlineJoins, which moves the scales past them.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change graphs that have such nodes, as long as scales pass to the next.

        Raises:
            MsqError: a Resize that is no repetition of pixels, or an average without a form.
        """
        # One by one: what an average makes has its type once its factor is behind the next.
        while node := next((n for n in model.graph.node if _is_on_map(model, n)), None):
            inserted_channels_last(model, node, _LAYERS[node.op_type](model, node))
            model = settled(model.transform(InferDataTypes()))
            merge_transposes(model)  # which settling has moved past forks again
        return model, False


def _is_on_map(model: ModelWrapper, node: NodeProto) -> bool:
    if node.op_type not in _LAYERS:
        return False
    source = node.input[0]
    integers = model.get_tensor_datatype(source).is_integer()
    return bool(integers) and len(model.get_tensor_shape(source)) == 4


def _padding(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    _, channels, *size = model.get_tensor_shape(node.input[0])
    before, behind = pads_of(model, node)
    # QONNX takes what a Pad gives for a scalar once a scale has moved past it.
    padded = [n + a + b for n, a, b in zip(size, before, behind, strict=True)]
    model.set_tensor_shape(node.output[0], [1, channels, *padded])
    return [
        helper.make_node(
            "FMPadding",
            list(node.input[:1]),
            list(node.output),
            domain=_HARDWARE,
            backend="fpgadataflow",
            ImgDim=size,
            Padding=before + behind,
            NumChannels=channels,
            SIMD=channels,
            inputDataType=model.get_tensor_datatype(node.input[0]).name,
            name=f"FMPadding_{node.name}",
        )
    ]


def _upsampling(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    _, channels, *size = model.get_tensor_shape(node.input[0])
    lines, pixels = _factors(model, node)
    return [
        helper.make_node(
            "UpsampleNearestNeighbour",
            list(node.input[:1]),
            list(node.output),
            domain=_HARDWARE,
            backend="fpgadataflow",
            HI=size[0],
            WI=size[1],
            HO=size[0] * lines,
            WO=size[1] * pixels,
            NumChannels=channels,
            SIMD=1,
            inputDataType=model.get_tensor_datatype(node.input[0]).name,
            name=f"UpsampleNearestNeighbour_{node.name}",
        )
    ]


def _average(model: ModelWrapper, node: NodeProto) -> list[NodeProto]:
    """Windows of every channel, their sums, and the factor that makes averages of sums."""
    shape, result = (model.get_tensor_shape(t) for t in (node.input[0], node.output[0]))
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    kernel, pads = list(given["kernel_shape"]), list(given.get("pads", [0] * 4))
    strides = list(given.get("strides", [1, 1]))
    window = [(n - 1) * s + k for n, s, k in zip(result[2:], strides, kernel, strict=True)]
    padded = [n + a + b for n, a, b in zip(shape[2:], pads[:2], pads[2:], strict=True)]
    where = f"{node.name} (AveragePool)"
    partial = any(pads) and not given.get("count_include_pad", 0)
    if partial or any(w > p for w, p in zip(window, padded, strict=True)):
        raise MsqError(
            "no hardware for averages of fewer pixels at the edge; leave count_include_pad as it "
            "is, and ceil_mode out",
            where=where,
        )
    if any(k < s for k, s in zip(kernel, strides, strict=True)):
        raise MsqError(
            f"no hardware for strides {strides} beyond the window {kernel}; take strides of its "
            "size",
            where=where,
        )
    channels, source = shape[1], model.get_tensor_datatype(node.input[0])
    count = kernel[0] * kernel[1]
    ends = [int(source.min()) * count, int(source.max()) * count]
    sums = DataType.get_smallest_possible(ends[0] if ends[0] else ends[1])
    if not sums.allowed(ends[1]):
        sums = DataType[f"INT{sums.bitwidth() + 1}"]
    windows, summed, factor = (model.make_new_valueinfo_name() for _ in range(3))
    model.set_tensor_shape(windows, [1, *result[2:], channels * count])
    model.set_tensor_datatype(windows, source)
    model.set_tensor_shape(summed, [1, *result[2:], channels])
    model.set_tensor_datatype(summed, sums)
    model.set_initializer(factor, np.array(1 / count, np.float32))
    return [
        helper.make_node(
            "Im2Col",
            list(node.input[:1]),
            [windows],
            domain="qonnx.custom_op.general",
            stride=strides,
            kernel_size=kernel,
            pad_amount=pads,
            depthwise=1,
            input_shape=f"(1,{shape[2]},{shape[3]},{channels})",
            name=f"Im2Col_{node.name}",
        ),
        helper.make_node(
            "Pool",
            [windows],
            [summed],
            domain=_HARDWARE,
            backend="fpgadataflow",
            InputDataType=source.name,
            OutputDataType=sums.name,
            Channels=channels,
            PE=channels,
            KernelSize=kernel,
            Function="AccPool",
            OutImgDims=result[2:],
            AccumBits=sums.bitwidth(),
            name=f"Pool_{node.name}",
        ),
        helper.make_node("Mul", [summed, factor], list(node.output)),
    ]


#: The layers in the place of each operation; upstream's of upsampling has other attributes.
_LAYERS = {"AveragePool": _average, "Pad": _padding}
if not is_upstream():
    _LAYERS |= {"Resize": _upsampling, "Upsample": _upsampling}


def _factors(model: ModelWrapper, node: NodeProto) -> tuple[int, int]:
    """How often a Resize repeats every line, and every pixel of a line.

    Its modes are many; what it makes of the pixels' numbers says whether it repeats them.
    """
    where = f"{node.name} ({node.op_type})"
    source, result = (model.get_tensor_shape(t) for t in (node.input[0], node.output[0]))
    whole = [after // before for before, after in zip(source, result, strict=True)]
    if source[:2] != result[:2] or [f * s for f, s in zip(whole, source, strict=True)] != result:
        raise MsqError(
            f"no hardware to make {result} of {source}; enlarge height and width, each by a whole "
            "factor (nn.Upsample(scale_factor=2))",
            where=where,
        )
    numbers = np.arange(np.prod(source[2:]), dtype=np.float32).reshape(1, 1, *source[2:])
    if not np.array_equal(
        _resized(model, node, numbers, whole), numbers.repeat(whole[2], 2).repeat(whole[3], 3)
    ):
        raise MsqError(
            "no hardware for its mode, which does more than repeat pixels; take "
            "nn.Upsample(..., mode='nearest')",
            where=where,
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
