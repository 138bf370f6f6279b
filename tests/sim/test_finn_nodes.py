"""FINN's RTL nodes through FINN's own rtlsim, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

pytestmark = pytest.mark.usefixtures("finn")

PYNQ, ZYNQ_US, VERSAL = "xc7z020clg400-1", "xczu3eg-sbva484-1-e", "xcvc1902-vsva2197-2MP-e-S"


def prepared(op_type, in_shape, out_shape, types, parameters=None, part=PYNQ, **attributes):
    """A model of one node, its RTL generated and compiled.

    ``types`` are the data types of input, output and parameter tensor.
    """
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
    from finn.transformation.fpgadataflow.prepare_rtlsim import PrepareRTLSim
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode

    info = helper.make_tensor_value_info
    inputs = ["inp"] if parameters is None else ["inp", "par"]
    node = helper.make_node(
        op_type, inputs, ["outp"], name=f"{op_type}_0",
        domain="finn.custom_op.fpgadataflow.rtl", backend="fpgadataflow", **attributes,
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "one_node",
        [info("inp", TensorProto.FLOAT, in_shape)],
        [info("outp", TensorProto.FLOAT, out_shape)],
    )
    model = ModelWrapper(qonnx_make_model(graph))
    if parameters is not None:
        model.set_initializer("par", parameters.astype(np.float32))
    for tensor, name in zip(["inp", "outp", "par"], types, strict=False):
        model.set_tensor_datatype(tensor, DataType[name])
    model = model.transform(PrepareIP(part, 10.0))
    return model.transform(SetExecMode("rtlsim")).transform(PrepareRTLSim())


def execute(model, values):
    from finn.core.onnx_exec import execute_onnx

    return execute_onnx(model, {"inp": values.astype(np.float32)})["outp"]


def cycles(model):
    return getCustomOp(model.graph.node[0]).get_nodeattr("cycles_rtlsim")


def expected_cycles(model):
    return getCustomOp(model.graph.node[0]).get_exp_cycles()


def thresholding(thresholds):
    channels, steps = thresholds.shape
    return prepared(
        "Thresholding_rtl", [1, 5, 5, channels], [1, 5, 5, channels],
        ["INT8", "UINT2", "INT8"], thresholds, NumChannels=channels, PE=2, numSteps=steps,
        inputDataType="INT8", weightDataType="INT8", outputDataType="UINT2",
        numInputVectors=[1, 5, 5], ActVal=0,
    )  # fmt: skip


def count_reached(values, thresholds):
    return (values[..., None] >= thresholds).sum(axis=-1)


def test_thresholding(rng):
    thresholds = np.sort(rng.integers(-100, 100, (4, 3)), axis=1)
    values = rng.integers(-128, 128, (1, 5, 5, 4))
    # Exactly on a threshold and one below it, where an off-by-one would show.
    values[0, 0, :3] = thresholds.T
    values[0, 1, :3] = thresholds.T - 1
    model = thresholding(thresholds)
    np.testing.assert_array_equal(execute(model, values), count_reached(values, thresholds))
    assert abs(cycles(model) - expected_cycles(model)) < 15


def test_a_changed_threshold_is_seen(rng):
    """Memory files are read at run time: the same library must not bring back old contents."""
    thresholds = np.sort(rng.integers(-100, 100, (4, 3)), axis=1)
    changed = thresholds.copy()
    changed[2, 1] += 1
    values = np.broadcast_to(thresholds[:, 1], (1, 5, 5, 4))
    first, second = (
        execute(thresholding(thresholds), values),
        execute(thresholding(changed), values),
    )
    np.testing.assert_array_equal(first, count_reached(values, thresholds))
    np.testing.assert_array_equal(second, count_reached(values, changed))
    assert (first != second).any(axis=(0, 1, 2)).tolist() == [False, False, True, False]


def test_padding(rng):
    values = rng.integers(-8, 8, (1, 4, 6, 4))
    model = prepared(
        "FMPadding_rtl", values.shape, [1, 7, 9, 4], ["INT4", "INT4"],
        ImgDim=[4, 6], Padding=[1, 2, 2, 1], NumChannels=4, SIMD=2, inputDataType="INT4",
    )  # fmt: skip
    expected = np.pad(values, ((0, 0), (1, 2), (2, 1), (0, 0)))
    np.testing.assert_array_equal(execute(model, values), expected)


@pytest.mark.parametrize("parallel", [0, 1])
def test_sliding_window(rng, parallel):
    values = rng.integers(0, 16, (1, 6, 5, 4))
    model = prepared(
        "ConvolutionInputGenerator_rtl", values.shape, [1, 4, 3, 36], ["UINT4", "UINT4"],
        ConvKernelDim=[3, 3], IFMChannels=4, IFMDim=[6, 5], OFMDim=[4, 3], Stride=[1, 1],
        Dilation=[1, 1], SIMD=4, M=1, parallel_window=parallel,
        inputDataType="UINT4", outputDataType="UINT4",
    )  # fmt: skip
    windows = np.lib.stride_tricks.sliding_window_view(values[0], (3, 3), axis=(0, 1))
    expected = windows.transpose(0, 1, 3, 4, 2).reshape(1, 4, 3, 36)
    np.testing.assert_array_equal(execute(model, values), expected)


@pytest.mark.parametrize(("in_width", "out_width"), [(8, 24), (24, 8), (12, 8)])
def test_width_converter(rng, in_width, out_width):
    values = rng.integers(-8, 8, (1, 5, 12))
    model = prepared(
        "StreamingDataWidthConverter_rtl", values.shape, values.shape, ["INT4", "INT4"],
        inShape=values.shape, outShape=values.shape, inWidth=in_width, outWidth=out_width,
        dataType="INT4",
    )  # fmt: skip
    np.testing.assert_array_equal(execute(model, values), values)


@pytest.mark.parametrize(("depth", "ram_style"), [(4, "auto"), (64, "distributed"), (600, "block")])
def test_fifo(rng, depth, ram_style):
    values = rng.integers(0, 256, (1, 50, 4))
    model = prepared(
        "StreamingFIFO_rtl", values.shape, values.shape, ["UINT8", "UINT8"],
        depth=depth, folded_shape=[1, 50, 2, 2], normal_shape=values.shape, dataType="UINT8",
        ram_style=ram_style, impl_style="rtl",
    )  # fmt: skip
    np.testing.assert_array_equal(execute(model, values), values)


def mvau(weights, act, weight, part, pe, simd, **attributes):
    mw, mh = weights.shape
    return prepared(
        "MVAU_rtl", [3, mw], [3, mh], [act, "INT32", weight], weights, part,
        MW=mw, MH=mh, SIMD=simd, PE=pe, inputDataType=act, weightDataType=weight,
        outputDataType="INT32", accDataType="INT32", noActivation=1, numInputVectors=[3],
        ActVal=0, binaryXnorMode=0, mem_mode="internal_decoupled", resType="dsp", **attributes,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("part", "act", "weight"),
    [
        pytest.param(PYNQ, "UINT4", "INT4", id="DSP48E1, 4 bits"),
        pytest.param(ZYNQ_US, "INT8", "INT8", id="DSP48E2, 8 bits"),
        pytest.param(VERSAL, "INT8", "INT8", id="DSP58, 8 bits"),
    ],
)
def test_matrix_vector_unit(rng, part, act, weight):
    activations, levels = DataType[act], DataType[weight]
    values = rng.integers(activations.min(), activations.max() + 1, (3, 12))
    values[0] = activations.max()
    values[1] = activations.min()
    # DSP48E1 takes the narrow range only.
    weights = rng.integers(levels.min() + 1, levels.max() + 1, (12, 6))
    weights[:, 0], weights[:, 1] = levels.max(), levels.min() + 1
    model = mvau(weights, act, weight, part, 3, 4)
    np.testing.assert_array_equal(execute(model, values), values @ weights)


def test_matrix_vector_unit_at_twice_the_clock(rng):
    values, weights = rng.integers(0, 16, (3, 12)), rng.integers(-7, 8, (12, 6))
    model = mvau(weights, "UINT4", "INT4", ZYNQ_US, 3, 4, pumpedCompute=1, pumpedMemory=1)
    np.testing.assert_array_equal(execute(model, values), values @ weights)


def test_nodes_of_one_name_keep_their_own_design(rng):
    """Two libraries of one top-level name must not stand in for each other in one process."""
    from finn.core.onnx_exec import execute_onnx

    values = rng.integers(0, 16, (3, 12))
    tables = [rng.integers(-7, 8, (12, 6)) for _ in range(2)]
    models = [mvau(weights, "UINT4", "INT4", PYNQ, 3, 4) for weights in tables]
    for model, weights in [*zip(models, tables, strict=True)] * 2:
        result = execute_onnx(model, {"inp": values.astype(np.float32)})["outp"]
        np.testing.assert_array_equal(result, values @ weights)
