"""Wrong graphs, the same in every run: (name, model, text that the error must have).

An empty text stands for models of which only the manner of refusal is known.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from . import models as m


def _edited(edit):
    model = m.valid()
    edit(model)
    return model


def wrong_graphs():
    """Graphs that parse and must be refused before FINN sees them."""
    for name, text, edit in _GRAPHS:
        yield name, _edited(edit), text
    for bad in (np.nan, np.inf, -np.inf):
        for tensor in ("conv_w", "fc_w", "conv_s", "bn_gain", "bn_mean", "step", "bits4"):
            index = (0,) * m.array(m.valid(), tensor).ndim
            edited = _edited(lambda g, t=tensor, i=index, b=bad: m.put(g, t, i, b))
            yield f"{bad} in {tensor}", edited, f"tensor '{tensor}' has {bad}"
    for name in ("conv_w", "conv_s", "fc_w", "fc_s", "bn_var", "pixel", "bits5", "zero"):
        yield f"no {name}", _edited(lambda g, n=name: m.drop_tensor(g, n)), name
    for dims in ([1, 1, 4], [1, 1, 5, 5], [1, 16], [1, 1, 1, 4, 4], [1, 1, 2, 2]):
        yield f"shape {dims}", _edited(lambda g, d=dims: m.set_shape(g, d)), "shapes do not fit"
    for dims in ([], [1], ["n", 1, 4, 4], [None, 1, 4, 4], [1, 1, None, 4], [1, 1, 0, 4], [-1, 1]):
        edited = _edited(lambda g, d=dims: m.set_shape(g, d))
        yield f"shape {dims}", edited, "export with a fixed shape (1, ...)"
    for dims in ([2, 1, 4, 4], [2**40, 1, 4, 4]):
        edited = _edited(lambda g, d=dims: m.set_shape(g, d))
        yield f"batch {dims[0]}", edited, "export with batch 1"
    for kind in ("INT8", "DOUBLE", "STRING", "UNDEFINED", "BFLOAT16"):
        edited = _edited(
            lambda g, k=kind: g.graph.input[0].type.tensor_type.__setattr__(
                "elem_type", TensorProto.DataType.Value(k)
            )
        )
        yield f"input of {kind}", edited, ""
    for scale in (0, -1):
        yield f"scale {scale}", _edited(lambda g, s=scale: m.set_tensor(g, "step", s)), "scale"
    for bits in (0, -4, 3.5, 33, 1e9):
        edited = _edited(lambda g, b=bits: m.set_tensor(g, "bits5", b))
        yield f"bit width {bits}", edited, f"bit width {np.float32(bits)}; 1 to 32"
    for domain in ("os", "antigravity", "evil.ops", "ai.onnx.ml", "com.microsoft", "../x", "é"):
        yield f"domain {domain}", _edited(lambda g, d=domain: _foreign(g, d)), ""


def _foreign(model, domain):
    model.opset_import.append(helper.make_opsetid(domain, 1))
    m.between(model, "Custom", "r", domain=domain)


def _cycle(model):
    m.between(model, "Relu", "r")
    m.node(model, "relu").input[0] = "r_new"


def _external(model):
    tensor = m.tensor(model, "conv_w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../etc/passwd"


def _loop(model):
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["again"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("again", TensorProto.BOOL, [])],
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "forever"))
    m.add_node(model, "Loop", ["", "forever"], "", body=body).ClearField("output")


def _bomb(model):
    size = np.array([2**20, 2**20], np.int64)
    model.graph.initializer.append(numpy_helper.from_array(size, "size"))
    m.add_node(model, "ConstantOfShape", ["size"], "big")


def _set_dims(model, name, dims):
    tensor = m.tensor(model, name)
    del tensor.dims[:]
    tensor.dims.extend(dims)


def _add_input(model):
    model.graph.input.append(helper.make_tensor_value_info("z", m.FLOAT, [1, 4]))


_GRAPHS = [
    ("no input", "the model has no input", lambda g: _constant_input(g)),
    ("unread input", "nothing reads input 'z'", _add_input),
    ("no output", "the model has no output", lambda g: g.graph.ClearField("output")),
    ("no nodes", "no ONNX model in it", lambda g: g.graph.ClearField("node")),
    ("no graph", "no ONNX model in it", lambda g: g.ClearField("graph")),
    ("no opset", "not valid ONNX", lambda g: g.ClearField("opset_import")),
    ("no opset of QONNX", "not valid ONNX", lambda g: g.opset_import.pop()),
    ("opset of the future", "ONNX opset 9999; 1 to ", lambda g: _version(g, 9999)),
    ("opset -1", "ONNX opset -1; 1 to ", lambda g: _version(g, -1)),
    ("a cycle", "not valid ONNX", _cycle),
    ("nodes out of order", "not valid ONNX", lambda g: g.graph.node.reverse()),
    ("unknown op", "not valid ONNX", lambda g: m.between(g, "Frobnicate", "r")),
    (
        "unknown op of QONNX",
        "QONNX has no op Qant",
        lambda g: m.between(g, "Qant", "r", domain=m.QONNX),
    ),
    ("an op without a type", "not valid ONNX", lambda g: m.node(g, "relu").ClearField("op_type")),
    ("missing tensor", "not valid ONNX", lambda g: m.set_end(g, "relu", "input", "gone")),
    ("an input too many", "not valid ONNX", lambda g: m.node(g, "relu").input.append("c")),
    ("no inputs of a node", "not valid ONNX", lambda g: m.node(g, "bn").ClearField("input")),
    ("tensor made twice", "not valid ONNX", lambda g: m.set_end(g, "relu", "output", "c")),
    (
        "weight named as a node's output",
        "not valid ONNX",
        lambda g: m.set_end(g, "relu", "output", "step"),
    ),
    (
        "weight twice",
        "two initialisers are named 'step'",
        lambda g: g.graph.initializer.append(m.tensor(g, "step")),
    ),
    ("weight without a name", "", lambda g: m.tensor(g, "conv_w").ClearField("name")),
    ("weight in another file", "export with the weights inside", _external),
    (
        "weight with too few bytes",
        "wrong data",
        lambda g: m.set_field(g, "conv_w", raw_data=b"1234"),
    ),
    ("weight with odd bytes", "wrong data", lambda g: m.set_field(g, "conv_w", raw_data=b"123")),
    ("weight without data", "wrong data", lambda g: m.tensor(g, "conv_w").ClearField("raw_data")),
    ("weight of no type", "wrong data", lambda g: m.set_field(g, "conv_w", data_type=0)),
    ("weight of unknown type", "wrong data", lambda g: m.set_field(g, "conv_w", data_type=999)),
    ("weight of wrong type", "wrong data", lambda g: m.set_field(g, "conv_w", data_type=11)),
    ("weight of huge shape", "impossible shape", lambda g: _set_dims(g, "conv_w", [2**31, 2**31])),
    (
        "weight of overflowing shape",
        "impossible shape",
        lambda g: _set_dims(g, "conv_w", [2**62, 4]),
    ),
    ("weight of negative shape", "impossible shape", lambda g: _set_dims(g, "conv_w", [-4, -9])),
    ("too few columns", "shapes do not fit", lambda g: m.set_tensor(g, "fc_w", np.ones((63, 3)))),
    (
        "wrong rank of weights",
        "shapes do not fit",
        lambda g: m.set_tensor(g, "fc_w", np.ones((64, 3, 1, 1))),
    ),
    ("negative variance", "a variance is negative", lambda g: m.put(g, "bn_var", 2, -1)),
    ("wrong output shape", "shapes do not fit", lambda g: m.set_shape(g, [1, 7], "output")),
    ("output not made", "not valid ONNX", lambda g: g.graph.output[0].__setattr__("name", "gone")),
    (
        "negative stride",
        "give positive numbers",
        lambda g: m.set_attribute(g, "conv", strides=[-1, -1]),
    ),
    ("stride 0", "give positive numbers", lambda g: m.set_attribute(g, "conv", strides=[0, 0])),
    (
        "huge padding",
        "shapes do not fit",
        lambda g: m.set_attribute(g, "conv", pads=[2**20] * 4),
    ),
    ("overflowing padding", "", lambda g: m.set_attribute(g, "conv", pads=[2**62] * 4)),
    (
        "huge kernel",
        "give positive numbers",
        lambda g: m.set_attribute(g, "conv", kernel_shape=[2**31, 1]),
    ),
    (
        "attribute of wrong type",
        "not valid ONNX",
        lambda g: m.set_attribute(g, "conv", group="one"),
    ),
    ("group 0", "", lambda g: m.set_attribute(g, "conv", group=0)),
    ("image of 16 million pixels", "", lambda g: m.set_shape(g, [1, 1, 4096, 4096])),
    ("huge image", "shapes do not fit", lambda g: m.set_shape(g, [1, 1, 2**20, 2**20])),
    ("a loop", "has control flow", _loop),
    ("a bomb", "too large for an accelerator", _bomb),
    (
        "a terminal escape in a name",
        "not valid ONNX",
        lambda g: m.set_end(g, "relu", "input", "\x1b[2Jgone\n\r"),
    ),
]


def refused_by_finn():
    """Graphs that are valid ONNX, and no network for FINN or for our lanes."""
    for name, text, edit in _UNSUITABLE:
        yield name, _edited(edit), text


def odd_but_fine():
    """Graphs that look broken and have hardware all the same."""
    yield "binary weights", _edited(lambda g: m.set_tensor(g, "bits5", 1))
    yield "only dead channels", _edited(lambda g: m.set_tensor(g, "bn_gain", np.zeros(4)))


def _bipolar(model):
    quantizer = m.node(model, "quant_r_q")
    quantizer.op_type = "BipolarQuant"
    del quantizer.input[2:], quantizer.attribute[:]


def _residual(model):
    m.between(model, "Identity", "r")
    m.add_node(model, "Add", ["r_new", "c"], "sum", position=6)
    m.set_end(model, "quant_r_q", "input", "sum")


def _mean(model):
    m.between(model, "ReduceMean", "r_q", axes=[0], keepdims=1)


def _no_group(model):
    attributes = m.node(model, "conv").attribute
    attributes.remove(next(a for a in attributes if a.name == "group"))


def _auto_pad(model):
    attributes = m.node(model, "conv").attribute
    attributes.remove(next(a for a in attributes if a.name == "pads"))
    attributes.append(helper.make_attribute("auto_pad", "SAME_UPPER"))


def _row_of_both(model):
    m.put(model, "conv_w", (0, 0, 0, 0), 1.0)
    m.put(model, "conv_w", (0, 0, 0, 1), 7 / 8)


def _float_model(model):
    for name in ("x_q", "conv_q", "r_q", "fc_q"):
        node = m.node(model, f"quant_{name}")
        identity = helper.make_node("Identity", [node.input[0]], [name], name=node.name)
        node.CopyFrom(identity)


def _scale_per_pixel(model):
    m.set_tensor(model, "pixel", np.full((1, 1, 4, 4), 1 / 16))


_UNSUITABLE = [
    ("weight of another shape", "does not run in QONNX", lambda g: _set_dims(g, "conv_w", [4, 9])),
    (
        "normalisation of 5 channels",
        "does not run",
        lambda g: m.set_tensor(g, "bn_gain", np.ones(5)),
    ),
    ("channels that do not fit", "does not run", lambda g: m.set_shape(g, [1, 2, 4, 4])),
    (
        "group of 3",
        "does not run in QONNX",
        lambda g: m.set_attribute(g, "conv", group=3),
    ),
    ("unknown rounding", "", lambda g: m.set_attribute(g, "quant_r_q", rounding_mode="WILD")),
    ("quantizer without attributes", "", lambda g: m.node(g, "quant_r_q").ClearField("attribute")),
    ("overflow", "no finite numbers", lambda g: m.set_tensor(g, "bn_gain", np.full(4, 3e38))),
    ("zero point", "zero-point", lambda g: m.set_tensor(g, "zero", 3)),
    ("scale per pixel", "per-channel scales", _scale_per_pixel),
    ("a row no scheme holds", "no scheme holds row 0, whose weights are", _row_of_both),
    ("no quantizers", "no quantizers of QONNX in it; export a network of Brevitas's", _float_model),
    ("weights in float", "", lambda g: m.set_end(g, "conv", "input", "conv_w", 1)),
    ("images in float", "", lambda g: m.set_end(g, "conv", "input", "x")),
    ("sine inside", "no hardware for this", lambda g: m.between(g, "Sin", "b")),
    ("mean inside", "(ReduceMean): no hardware for this; take nn.AdaptiveAvgPool2d", _mean),
    ("activations of 1 bit", "no hardware for activations of 1 bit; give the quantizer", _bipolar),
    (
        "an add of accumulators",
        "no hardware for this, and hardware before and behind it",
        _residual,
    ),
    (
        "padding 'same'",
        "(Conv): auto_pad SAME_UPPER, as padding='same' is exported, which FINN does not know",
        _auto_pad,
    ),
    ("no pads", "", lambda g: m.node(g, "conv").ClearField("attribute")),
    ("a default of ONNX's", "(Conv): group not given, and FINN knows no defaults", _no_group),
]


def _constant_input(model):
    model.graph.ClearField("input")
    image = np.zeros((1, 1, 4, 4), np.float32)
    model.graph.initializer.append(numpy_helper.from_array(image, "x"))


def _version(model, version):
    model.opset_import[0].version = version
