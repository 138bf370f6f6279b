"""GroupPixels: same results on words of several pixels, and converters at their borders."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError
from msq_finn.transforms.group_pixels import GroupPixels
from msq_finn.transforms.insert_converters import converter
from msq_finn.transforms.pixel_marks import mark_pixels

from .graphs import DOMAIN, mixed_weights, mvau, thresholding

pytestmark = pytest.mark.usefixtures("finn")

CONVERTER = "StreamingDataWidthConverterVector_rtl"


def node(op_type, inp, out, **attributes):
    name = op_type.removesuffix("_rtl")
    return helper.make_node(
        op_type, [inp], [out], name=name, domain=f"{DOMAIN}.rtl", backend="fpgadataflow",
        **attributes,
    )  # fmt: skip


def convolution(rng, dim, channels=3, rows=4, pad=1, stride=1):
    """Padding -> 3x3 windows -> MVAU -> Thresholding, on a map of any size."""
    padded = [size + 2 * pad for size in dim]
    out = [(size - 3) // stride + 1 for size in padded]
    act = {"exec_mode": "cppsim", "inputDataType": "UINT4", "outputDataType": "UINT4"}
    nodes = [
        node("FMPadding_rtl", "inp", "padded", ImgDim=dim, Padding=[pad] * 4, SIMD=channels,
             NumChannels=channels, inputDataType="UINT4", exec_mode="cppsim"),
        node("ConvolutionInputGenerator_rtl", "padded", "windows", ConvKernelDim=[3, 3],
             IFMChannels=channels, IFMDim=padded, OFMDim=out, SIMD=channels, Stride=[stride] * 2,
             Dilation=[1, 1], parallel_window=1, **act),
        mvau("MVAU", "windows", "w", "sums", 9 * channels, rows, [1, *out]),
        thresholding("Thresholding", "sums", "t", "outp", rows, [1, *out]),
    ]  # fmt: skip
    shapes = {
        "inp": (*dim, channels), "padded": (*padded, channels), "windows": (*out, 9 * channels),
        "sums": (*out, rows), "outp": (*out, rows),
    }  # fmt: skip
    infos = {n: helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, *s])
             for n, s in shapes.items()}  # fmt: skip
    inner = [infos[name] for name in ("padded", "windows", "sums")]
    graph = helper.make_graph(nodes, "conv", [infos["inp"]], [infos["outp"]], value_info=inner)
    model = ModelWrapper(qonnx_make_model(graph))
    for name in ("inp", "padded", "windows", "outp"):
        model.set_tensor_datatype(name, DataType["UINT4"])
    model.set_initializer("w", mixed_weights(rng, 9 * channels, ["fixed"] * rows).astype("f4"))
    model.set_tensor_datatype("w", DataType["INT5"])
    thresholds = np.sort(rng.integers(-300, 300, (rows, 15)), axis=1)
    model.set_initializer("t", thresholds.astype(np.float32))
    model.set_tensor_datatype("t", DataType["INT32"])
    model = model.transform(InferDataTypes())
    unit = model.graph.node[2]
    unit.op_type, unit.domain = "MVAU_MSQ", DOMAIN
    op = getCustomOp(unit)
    op.set_nodeattr("rowSchemes", ["fixed_4"] * rows)
    op.set_nodeattr("SIMD", 9 * channels)
    op.set_nodeattr("PE", rows)
    getCustomOp(model.graph.node[3]).set_nodeattr("PE", rows)
    return model


def grouped(model, **pixels):
    """Mark nodes by their names, and group."""

    for each in model.graph.node:
        mark_pixels(each, pixels.get(each.name, 1))
    return model.transform(GroupPixels())


def words(model):
    """Elements of a word before and behind every converter."""
    ops = [getCustomOp(found) for found in model.get_nodes_by_op_type(CONVERTER)]
    return [(op.get_folded_input_shape()[-1], op.get_folded_output_shape()[-1]) for op in ops]


@pytest.mark.parametrize(
    ("dim", "changes", "pixels", "expected"),
    [
        # The input comes in words as they are needed, results leave so.
        ([6, 16], {}, {"ConvolutionInputGenerator": 2, "MVAU": 2, "Thresholding": 2},
         [(6, 6), (8, 8)]),
        ([6, 16], {}, {"ConvolutionInputGenerator": 4, "MVAU": 4}, [(12, 12), (16, 4)]),
        # Strided: two windows of four pixels, or one of two.
        ([6, 32], {"stride": 2}, {"ConvolutionInputGenerator": 4, "MVAU": 2, "Thresholding": 2},
         [(12, 12), (8, 8)]),
        ([6, 16], {"stride": 2}, {"ConvolutionInputGenerator": 2}, [(6, 6)]),
        ([6, 16], {"pad": 0}, {"ConvolutionInputGenerator": 2, "MVAU": 2}, [(6, 6), (8, 4)]),
        # 49 results are no words of two; 5 rows of 7 pixels are.
        ([6, 16], {}, {"Thresholding": 4}, [(4, 16), (16, 16)]),
        ([6, 16], {}, {}, []),
    ],
)  # fmt: skip
def test_results_do_not_change(rng, dim, changes, pixels, expected):
    model = convolution(rng, dim, **changes)
    images = {"inp": rng.integers(0, 16, (1, *dim, 3)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"]
    assert len(np.unique(before)) > 5
    model = grouped(model, **pixels)
    np.testing.assert_array_equal(execute_onnx(model, images)["outp"], before)
    assert words(model) == expected
    for each in model.graph.node:
        op = getCustomOp(each)
        for shape, folding, tensor in (
            (op.get_normal_input_shape(), op.get_folded_input_shape(), each.input[0]),
            (op.get_normal_output_shape(), op.get_folded_output_shape(), each.output[0]),
        ):
            assert np.prod(folding) == np.prod(shape)
            assert list(shape) == model.get_tensor_shape(tensor)


def test_thresholds_and_sites_are_those_of_every_pixel(rng):
    model = convolution(rng, [6, 16])
    before = model.get_initializer("t")
    getCustomOp(model.graph.node[2]).set_nodeattr("lutSites", 100)
    model = grouped(model, MVAU=2, Thresholding=2)
    np.testing.assert_array_equal(model.get_initializer("t"), np.concatenate([before, before]))
    (unit,) = model.get_nodes_by_op_type("MVAU_MSQ")
    assert getCustomOp(unit).get_nodeattr("lutSites") == 200


@pytest.mark.parametrize(
    ("dim", "pixels", "why"),
    [
        ([6, 15], {"ConvolutionInputGenerator": 2}, "rows of 15 do not go over words of 2"),
        ([3, 5], {"Thresholding": 2}, "its 15 pixels are no whole words of 2"),
        ([6, 16], {"FMPadding": 2}, "FMPadding: pads words of 2 pixels for no windows"),
    ],
)
def test_what_does_not_come_out_even_is_refused(rng, dim, pixels, why):
    with pytest.raises(MsqError, match=why):
        grouped(convolution(rng, dim), **pixels)


def test_a_node_that_takes_one_pixel_is_refused(rng):

    model = convolution(rng, [6, 16])
    model.graph.node[3].op_type = "LabelSelect"
    mark_pixels(model.graph.node[3], 2)
    with pytest.raises(MsqError, match="Thresholding: it takes one pixel a cycle, not 2"):
        model.transform(GroupPixels())


def test_a_layer_that_is_folded_takes_one_pixel(rng):
    model = convolution(rng, [6, 16])
    getCustomOp(model.graph.node[2]).set_nodeattr("PE", 2)
    with pytest.raises(MsqError, match=r"MVAU: pixels=2, which takes all rows .* PE to MH"):
        grouped(model, ConvolutionInputGenerator=2, MVAU=2)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        # A vector of the whole map is read in words of two pixels, one of a pixel is not.
        (6 * 16 * 4, [(6, 6), (8, 5)]),
        (4, [(6, 6), (8, 4), (4, 5)]),
    ],
)
def test_a_converter_behind_reads_words_as_they_come_if_its_vectors_have_these(
    rng, elements, expected
):

    model = convolution(rng, [6, 16])
    images = {"inp": rng.integers(0, 16, (1, 6, 16, 3)).astype(np.float32)}
    before = execute_onnx(model, images)["outp"].reshape(-1, elements)
    whole = -(-elements // 5) * 5
    shape = [len(before), whole]
    tensors, shapes = ("outp", "padded_outp"), ([1, 6, 16, 4], [1, *shape])
    last = converter(tensors, shapes, (4, 5), elements, DataType["UINT4"])
    model.graph.node.append(last)
    model.graph.value_info.append(model.graph.output.pop())
    model.graph.output.append(
        helper.make_tensor_value_info("padded_outp", TensorProto.FLOAT, [1, *shape])
    )
    model.set_tensor_datatype("padded_outp", DataType["UINT4"])
    model = grouped(model, ConvolutionInputGenerator=2, MVAU=2, Thresholding=2)
    assert words(model) == expected
    found = execute_onnx(model, images)["padded_outp"].reshape(shape)
    np.testing.assert_array_equal(found[:, :elements], before)
    assert not found[:, elements:].any()
