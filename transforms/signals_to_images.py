"""Turn networks on signals into networks on images one pixel wide, which FINN lowers."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation
from qonnx.transformation.change_3d_tensors_to_4d import Change3DTo4DTensors
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.util.basic import get_by_name

from msq_finn.errors import MsqError
from msq_finn.transforms.fork_outputs import reshaped_result

#: Ops whose QONNX conversion is known, and those that keep whatever shape they get.
_KNOWN = {
    *("Add", "Mul", "Div", "BatchNormalization", "MultiThreshold", "Conv", "Transpose", "MatMul"),
    *("Flatten", "Reshape", "MaxPool", "GlobalAveragePool", "TopK", "ArgMax", "LogSoftmax"),
}


class SignalsToImages(Transformation):
    """Give 1-D convolutions and poolings a second dimension of size 1.

    QONNX's Change3DTo4DTensors does this, but changes the network's input and output too and only
    warns at ops that it does not know. Here both ends stay as they are, and the host reshapes them.
    Graphs without 1-D convolutions stay as they are. Run it before ``step_streamline``.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        """Change the graph at once; no second pass is needed.

        Raises:
            MsqError: an op that has no known 2-D form.
        """
        convolutions = model.get_nodes_by_op_type("Conv")
        if not any(len(model.get_tensor_shape(node.input[1])) == 3 for node in convolutions):
            return model, False
        for node in model.graph.node:
            if node.op_type not in _KNOWN:
                raise MsqError(
                    f"{node.name} ({node.op_type}) has no known form in a network on signals; use "
                    "1-D convolutions, max-pooling, global average pooling, linear layers and "
                    "element-wise operations"
                )
            if node.op_type == "MaxPool" and (old := get_by_name(node.attribute, "dilations")):
                if list(old.ints) != [1]:
                    raise MsqError(
                        "dilated pooling is not supported; use dilation 1", where=node.name
                    )
                node.attribute.remove(old)
        sources, results = (
            {info.name: model.get_tensor_shape(info.name) for info in infos}
            for infos in (model.graph.input, model.graph.output)
        )
        pools = [_stand_in(model, pool) for pool in model.get_nodes_by_op_type("GlobalAveragePool")]
        model = model.transform(Change3DTo4DTensors())
        for node in model.graph.node:
            if node.output[0] in pools:
                node.op_type = "GlobalAveragePool"
                del node.attribute[:]
        for number, (result, shape) in enumerate(results.items()):
            if model.get_tensor_shape(result) != shape:
                reshaped_result(model, result, shape, f"ImageToSignal_{number}")
        for number, (source, shape) in enumerate(sources.items()):
            if len(shape) == 3:
                _reshape_source(model, source, shape, f"SignalToImage_{number}")
        return model.transform(InferShapes()), False


def _reshape_source(model: ModelWrapper, source: str, signal: list[int], name: str) -> None:
    """Let what reads a signal read an image one pixel wide."""
    image = model.make_new_valueinfo_name()
    model.set_tensor_shape(image, [*signal, 1])
    model.set_tensor_datatype(image, model.get_tensor_datatype(source))
    for node in model.find_consumers(source):
        for index, tensor in enumerate(node.input):
            if tensor == source:
                node.input[index] = image
    model.set_tensor_shape(source, signal)
    model.set_initializer(f"{image}_shape", np.array([*signal, 1], dtype=np.int64))
    reshape = helper.make_node("Reshape", [source, f"{image}_shape"], [image], name=name)
    model.graph.node.insert(0, reshape)


def _stand_in(model: ModelWrapper, pool: NodeProto) -> str:
    """Make a global pool, which QONNX's transformation does not know, a max-pool as wide.

    Returns:
        name of its output.
    """
    width = model.get_tensor_shape(pool.input[0])[2:]
    pool.op_type = "MaxPool"
    for name, value in (("kernel_shape", width), ("strides", width), ("pads", [0, 0] * len(width))):
        pool.attribute.append(helper.make_attribute(name, value))
    return str(pool.output[0])
