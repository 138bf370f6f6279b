"""Pool_rtl against windows cut out by NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError

from .nodes import (
    DOMAIN,
    PART,
    executed,
    generated,
    one_node,
    op_of,
    random_integers,
    streamed,
    through_finn,
)

pytestmark = pytest.mark.usefixtures("finn")

# function, input type, output type, channels, PE, kernel, Size (right shift)
CASES = [
    ("MaxPool", "UINT4", "UINT4", 6, 3, (2, 2), 0),
    ("MaxPool", "INT5", "INT5", 4, 4, (3, 2), 0),
    ("MaxPool", "INT2", "INT2", 5, 1, (1, 1), 0),
    ("AccPool", "INT4", "INT7", 4, 2, (2, 3), 0),
    ("QuantAvgPool", "UINT4", "UINT4", 6, 2, (2, 2), 2),
    ("QuantAvgPool", "INT4", "INT6", 3, 3, (3, 3), 4),
]
IMAGE = (2, 3)  # pooled


def pool(function, source, result, channels, pe, kernel, size, op_type="Pool_rtl", **attributes):
    pixels = int(np.prod(kernel))
    return one_node(
        op_type,
        [([1, *IMAGE, pixels * channels], source)],
        [([1, *IMAGE, channels], result)],
        Function=function,
        InputDataType=source,
        OutputDataType=result,
        Channels=channels,
        PE=pe,
        KernelSize=list(kernel),
        OutImgDims=list(IMAGE),
        Size=size,
        **attributes,
    )


def reduced(windows, function, size):
    """Pool windows [..., pixels, channels]."""
    if function == "MaxPool":
        return windows.max(axis=-2)
    return np.floor_divide(windows.sum(axis=-2), 2**size)


def as_sent(windows, pe):
    """Windows in the order of a depthwise generator: groups of PE channels, then pixels."""
    *lead, pixels, channels = windows.shape
    groups = np.moveaxis(windows.reshape(*lead, pixels, channels // pe, pe), -2, -3)
    return groups.reshape(*lead, pixels * channels)


def windows_for(rng, case, frames):
    _, source, _, channels, _, kernel, _ = case
    return random_integers(rng, source, (frames, 1, *IMAGE, int(np.prod(kernel)), channels))


@pytest.mark.parametrize("case", CASES)
def test_finns_rtlsim_equals_numpy(rng, case):
    windows = windows_for(rng, case, 1)[0]
    (out,) = through_finn(pool(*case), as_sent(windows, case[4]))
    np.testing.assert_array_equal(out, reduced(windows, case[0], case[6]))


@pytest.mark.parametrize("case", CASES)
def test_python_execution_equals_numpy(rng, case):
    windows = windows_for(rng, case, 1)[0]
    (out,) = executed(pool(*case), as_sent(windows, case[4]))
    np.testing.assert_array_equal(out, reduced(windows, case[0], case[6]))


@pytest.mark.parametrize("case", CASES[:5])
def test_stalls_change_nothing(rng, case):
    windows = windows_for(rng, case, 8)
    run = streamed(pool(*case), as_sent(windows, case[4]), stall_in=0.3, stall_out=0.5, seed=3)
    np.testing.assert_array_equal(run.outputs[0], reduced(windows, case[0], case[6]))


@pytest.mark.parametrize("case", [CASES[0], CASES[2], CASES[4]])
def test_a_frame_takes_the_expected_cycles(rng, case):
    model = pool(*case)
    run = streamed(model, as_sent(windows_for(rng, case, 4), case[4]))
    assert run.interval() == op_of(model).get_exp_cycles()


@pytest.mark.parametrize("case", CASES[:2] + CASES[4:5])
def test_truncation_is_finns(rng, case):
    """FINN's abstract op takes all channels of a pixel together, which is the order of PE = C."""
    case = (*case[:4], case[3], *case[5:])
    sent = as_sent(windows_for(rng, case, 1)[0], case[4])
    (ours,), (theirs,) = (executed(pool(*case, op_type=t), sent) for t in ("Pool_rtl", "Pool"))
    np.testing.assert_array_equal(ours, theirs)


def behind_a_window_generator(case, image, stride):
    """ConvolutionInputGenerator -> Pool, as InferPool makes them, both RTL."""
    _, source, result, channels, pe, kernel, _ = case
    info = helper.make_tensor_value_info
    pixels = int(np.prod(kernel))
    generator = helper.make_node(
        "ConvolutionInputGenerator_rtl",
        ["in0"],
        ["windows"],
        name="ConvolutionInputGenerator_rtl_0",
        domain=f"{DOMAIN}.rtl",
        backend="fpgadataflow",
        ConvKernelDim=list(kernel),
        IFMChannels=channels,
        IFMDim=list(image),
        OFMDim=list(IMAGE),
        SIMD=pe,
        Stride=list(stride),
        Dilation=[1, 1],
        inputDataType=source,
        outputDataType=source,
        depthwise=1,
    )
    pool_node = pool(*case).graph.node[0]
    pool_node.input[0] = "windows"
    graph = helper.make_graph(
        [generator, pool_node],
        "pooling",
        [info("in0", TensorProto.FLOAT, [1, *image, channels])],
        [info("out0", TensorProto.FLOAT, [1, *IMAGE, channels])],
        value_info=[info("windows", TensorProto.FLOAT, [1, *IMAGE, pixels * channels])],
    )
    model = ModelWrapper(qonnx_make_model(graph))
    for name, datatype in (("in0", source), ("windows", source), ("out0", result)):
        model.set_tensor_datatype(name, DataType[datatype])
    return model


def pooled(image, kernel, stride, function, size):
    (kh, kw), (sh, sw) = kernel, stride
    rows = [
        [
            reduced(
                image[:, y * sh : y * sh + kh, x * sw : x * sw + kw].reshape(1, kh * kw, -1),
                function,
                size,
            )
            for x in range(IMAGE[1])
        ]
        for y in range(IMAGE[0])
    ]
    return np.array(rows).transpose(2, 0, 1, 3)


def test_behind_finns_window_generator(rng):
    case = ("MaxPool", "INT4", "INT4", 6, 3, (3, 3), 0)
    image = random_integers(rng, "INT4", (1, 5, 7, 6))
    (out,) = through_finn(behind_a_window_generator(case, (5, 7), (2, 2)), image)
    np.testing.assert_array_equal(out, pooled(image, (3, 3), (2, 2), "MaxPool", 0))


@pytest.mark.parametrize(
    ("op_type", "attributes", "result"),
    [
        ("MaxPoolNHWC", {"kernel_shape": [2, 2], "strides": [2, 2]}, "INT4"),
        ("QuantAvgPool2d", {"kernel": 2, "stride": 2, "ibits": 4, "obits": 3, "signed": 1,
                            "data_layout": "NHWC"}, "INT3"),
    ],
)  # fmt: skip
def test_finns_conversion_of_a_qonnx_pool(rng, op_type, attributes, result):
    """From the QONNX op through FINN's inference, SpecializeLayers and our folding to RTL."""
    from finn.transformation.fpgadataflow.convert_to_hw.conv_inp_gen import InferConvInpGen
    from finn.transformation.fpgadataflow.convert_to_hw.pool import InferPool
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers

    from msq_finn.transforms.fold_streaming import fold_streaming

    shapes = [([1, 4, 6, 6], "INT4")], [([1, *IMAGE, 6], result)]
    model = one_node(op_type, *shapes, **attributes)
    node = model.graph.node[0]
    node.domain = "qonnx.custom_op.general"
    del node.attribute[[a.name for a in node.attribute].index("backend")]
    image = random_integers(rng, "INT4", (1, 4, 6, 6))
    image[0, :2, :2, 0] = -8
    (expected,) = executed(model, image)
    for step in (InferPool(), InferConvInpGen(), SpecializeLayers(PART)):
        model = model.transform(step)
    fold_streaming(model, 120)
    generator, pooling = model.graph.node
    assert (generator.op_type, pooling.op_type) == ("ConvolutionInputGenerator_rtl", "Pool_rtl")
    assert getCustomOp(pooling).get_nodeattr("PE") == 3
    np.testing.assert_array_equal(through_finn(model, image)[0], expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({0: "AvgPool"}, "Pool_rtl_0: AvgPool has no exact integer result.*hls"),
        ({4: 4}, "Pool_rtl_0: PE=4 does not divide elements=6"),
        ({1: "FLOAT32", 2: "FLOAT32"}, "Pool_rtl_0: FLOAT32 is no integer type"),
        ({1: "BIPOLAR", 2: "BIPOLAR"}, "Pool_rtl_0: BIPOLAR is no integer type"),
        ({0: "QuantAvgPool", 6: 1}, r"UINT4 does not hold QuantAvgPool results \[0, 30\]"),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(changes, message):
    case = [changes.get(i, value) for i, value in enumerate(CASES[0])]
    with pytest.raises(MsqError, match=message):
        generated(pool(*case))
