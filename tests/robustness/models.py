"""A small valid QONNX model, made without torch, and ways to spoil it."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
QONNX = "qonnx.custom_op.general"

#: FINN wants every attribute of a convolution, as torch writes them.
CONV = {
    "kernel_shape": [3, 3],
    "pads": [1, 1, 1, 1],
    "strides": [1, 1],
    "dilations": [1, 1],
    "group": 1,
}


def valid():
    """Two row-mixed layers of 4-bit weights, as Brevitas would export them; it can be built."""
    rng = np.random.default_rng(7)
    sp2 = [-8, -6, -5, -4, -2, -1, 0, 1, 2, 4, 5, 6, 8]
    conv = np.stack([rng.choice(sp2 if row % 2 else range(-7, 8), (1, 3, 3)) for row in range(4)])
    fc = rng.integers(-7, 8, (64, 3))
    tensors = {
        "one": 1.0,
        "zero": 0.0,
        "bits4": 4.0,
        "bits5": 5.0,
        "pixel": 1 / 16,
        "step": 0.25,
        "conv_w": conv / 8,
        "conv_s": np.full((4, 1, 1, 1), 1 / 8),
        "fc_w": fc / 8,
        "fc_s": 1 / 8,
        "bn_gain": rng.uniform(0.5, 1.5, 4),
        "bn_bias": rng.uniform(-0.5, 0.5, 4),
        "bn_mean": rng.uniform(-0.5, 0.5, 4),
        "bn_var": rng.uniform(0.5, 1.5, 4),
    }
    nodes = [
        quant("x", "pixel", "bits4", "x_q", signed=0),
        quant("conv_w", "conv_s", "bits5", "conv_q", narrow=1),
        helper.make_node("Conv", ["x_q", "conv_q"], ["c"], name="conv", **CONV),
        helper.make_node(
            "BatchNormalization", ["c", "bn_gain", "bn_bias", "bn_mean", "bn_var"], ["b"], name="bn"
        ),
        helper.make_node("Relu", ["b"], ["r"], name="relu"),
        quant("r", "step", "bits4", "r_q", signed=0),
        helper.make_node("Flatten", ["r_q"], ["f"], name="flatten"),
        quant("fc_w", "fc_s", "bits4", "fc_q", narrow=1),
        helper.make_node("MatMul", ["f", "fc_q"], ["y"], name="fc"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", FLOAT, [1, 1, 4, 4])],
        [helper.make_tensor_value_info("y", FLOAT, [1, 3])],
        [numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in tensors.items()],
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 2)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=7)


def quant(values, scale, bits, output, signed=1, narrow=0):
    return helper.make_node(
        "Quant",
        [values, scale, "zero", bits],
        [output],
        name=f"quant_{output}",
        domain=QONNX,
        signed=signed,
        narrow=narrow,
        rounding_mode="ROUND",
    )


def node(model, name):
    return next(n for n in model.graph.node if n.name == name)


def tensor(model, name):
    return next(t for t in model.graph.initializer if t.name == name)


def set_tensor(model, name, values):
    values = np.asarray(values, np.float32)
    tensor(model, name).CopyFrom(numpy_helper.from_array(values, name))


def array(model, name):
    return numpy_helper.to_array(tensor(model, name)).copy()


def set_attribute(model, name, **attributes):
    target = node(model, name)
    for key, value in attributes.items():
        for old in [a for a in target.attribute if a.name == key]:
            target.attribute.remove(old)
        target.attribute.append(helper.make_attribute(key, value))


def put(model, name, index, value):
    values = array(model, name)
    values[index] = value
    set_tensor(model, name, values)


def drop_tensor(model, name):
    model.graph.initializer.remove(tensor(model, name))


def set_shape(model, dims, end="input"):
    info = getattr(model.graph, end)[0]
    info.CopyFrom(helper.make_tensor_value_info(info.name, FLOAT, dims))


def set_end(model, node_name, end, tensor_name, index=0):
    getattr(node(model, node_name), end)[index] = tensor_name


def set_field(model, tensor_name, **fields):
    for key, value in fields.items():
        setattr(tensor(model, tensor_name), key, value)


def add_node(model, op_type, inputs, output, position=None, domain="", **attributes):
    new = helper.make_node(op_type, inputs, [output], name=f"new_{op_type}", domain=domain)
    new.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
    nodes = list(model.graph.node)
    nodes.insert(len(nodes) if position is None else position, new)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return new


def between(model, op_type, tensor_name, **attributes):
    """Put a node with one input into the graph, behind that tensor."""
    users = [n for n in model.graph.node if tensor_name in n.input]
    new = f"{tensor_name}_new"
    position = list(model.graph.node).index(users[0])
    for user in users:
        user.input[list(user.input).index(tensor_name)] = new
    return add_node(model, op_type, [tensor_name], new, position, **attributes)


def as_bytes(model):
    return model.SerializeToString() if isinstance(model, onnx.ModelProto) else model
