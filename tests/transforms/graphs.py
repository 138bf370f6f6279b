"""Small FINN graphs for transformation tests."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

DOMAIN = "finn.custom_op.fpgadataflow"

# Written out by hand, not taken from msq_finn.schemes.
SP2_VALUES = (-8, -6, -5, -4, -2, -1, 0, 1, 2, 4, 5, 6, 8)
FIXED_VALUES = tuple(range(-7, 8))


def mixed_weights(rng, mw, kinds):
    """Weights (MW, MH) whose column ``r`` lies on the grid ``kinds[r]`` and on no other."""
    columns = []
    for kind in kinds:
        column = rng.choice(SP2_VALUES if kind == "sp2" else FIXED_VALUES, mw)
        column[rng.integers(mw)] = rng.choice((-8, 8) if kind == "sp2" else (-7, -3, 3, 7))
        columns.append(column)
    return np.stack(columns, axis=1)


def mvau(name, inp, weights, out, mw, mh, vectors, act="UINT4"):
    return helper.make_node(
        "MVAU",
        [inp, weights],
        [out],
        name=name,
        domain=DOMAIN,
        backend="fpgadataflow",
        MW=mw,
        MH=mh,
        SIMD=1,
        PE=1,
        inputDataType=act,
        weightDataType="INT5",
        outputDataType="INT32",
        noActivation=1,
        numInputVectors=vectors,
        mem_mode="internal_decoupled",
    )


def thresholding(name, inp, thresholds, out, channels, vectors):
    return helper.make_node(
        "Thresholding",
        [inp, thresholds],
        [out],
        name=name,
        domain=DOMAIN,
        backend="fpgadataflow",
        NumChannels=channels,
        PE=1,
        numSteps=15,
        inputDataType="INT32",
        weightDataType="INT32",
        outputDataType="UINT4",
        ActVal=0,
        numInputVectors=vectors,
    )


def two_layers(rng, kinds, mw=12, outputs=4, vectors=(1,), blocks=1):
    """MVAU -> Thresholding -> MVAU; the second sees ``blocks`` groups of the first's channels."""
    mh = len(kinds)
    vectors = list(vectors)
    info = helper.make_tensor_value_info
    shape = [*vectors, mw]
    mid = [*vectors, mh]
    out_vectors = vectors if blocks == 1 else [1]
    graph = helper.make_graph(
        [
            mvau("MVAU_0", "inp", "w0", "sums", mw, mh, vectors),
            thresholding("Thresholding_0", "sums", "t0", "acts", mh, vectors),
            mvau("MVAU_1", "acts", "w1", "outp", mh * blocks, outputs, out_vectors),
        ],
        "two_layers",
        [info("inp", TensorProto.FLOAT, shape)],
        [info("outp", TensorProto.FLOAT, [*out_vectors, outputs])],
        value_info=[info("sums", TensorProto.FLOAT, mid), info("acts", TensorProto.FLOAT, mid)],
    )
    model = ModelWrapper(qonnx_make_model(graph))
    model.set_tensor_datatype("inp", DataType["UINT4"])
    model.set_tensor_datatype("acts", DataType["UINT4"])
    for name, weights in (
        ("w0", mixed_weights(rng, mw, kinds)),
        ("w1", rng.choice(FIXED_VALUES, (mh * blocks, outputs))),
    ):
        model.set_initializer(name, weights.astype(np.float32))
        model.set_tensor_datatype(name, DataType["INT5"])
    thresholds = np.sort(rng.integers(-400, 400, (mh, 15)), axis=1)
    model.set_initializer("t0", thresholds.astype(np.float32))
    model.set_tensor_datatype("t0", DataType["INT32"])
    return model


def depthwise(rng, dense, channelwise):
    """MVAU -> Thresholding -> 3x3 windows -> VVAU -> Thresholding -> MVAU, on 4x4 pixels.

    Args:
        rng: source of weights and thresholds.
        dense: kinds of the first layer's rows.
        channelwise: kinds of the depthwise layer's.
    """
    mw, outputs = 12, 4
    channels, before, after = len(dense), [1, 4, 4], [1, 2, 2]
    info = helper.make_tensor_value_info
    windows = helper.make_node(
        "ConvolutionInputGenerator",
        ["acts0"],
        ["windows"],
        name="ConvolutionInputGenerator_0",
        domain=DOMAIN,
        backend="fpgadataflow",
        ConvKernelDim=[3, 3],
        IFMChannels=channels,
        IFMDim=before[1:],
        OFMDim=after[1:],
        SIMD=channels,
        Stride=[1, 1],
        Dilation=[1, 1],
        inputDataType="UINT4",
        outputDataType="UINT4",
        depthwise=1,
    )
    vvau = helper.make_node(
        "VVAU",
        ["windows", "w1"],
        ["sums1"],
        name="VVAU_0",
        domain=DOMAIN,
        backend="fpgadataflow",
        Channels=channels,
        Kernel=[3, 3],
        Dim=after[1:],
        SIMD=1,
        PE=channels,
        inputDataType="UINT4",
        weightDataType="INT5",
        outputDataType="INT32",
        noActivation=1,
        mem_mode="internal_decoupled",
    )
    graph = helper.make_graph(
        [
            mvau("MVAU_0", "inp", "w0", "sums0", mw, channels, before),
            thresholding("Thresholding_0", "sums0", "t0", "acts0", channels, before),
            windows,
            vvau,
            thresholding("Thresholding_1", "sums1", "t1", "acts1", channels, after),
            mvau("MVAU_1", "acts1", "w2", "outp", channels, outputs, after),
        ],
        "depthwise",
        [info("inp", TensorProto.FLOAT, [*before, mw])],
        [info("outp", TensorProto.FLOAT, [*after, outputs])],
        value_info=[
            info("sums0", TensorProto.FLOAT, [*before, channels]),
            info("acts0", TensorProto.FLOAT, [*before, channels]),
            info("windows", TensorProto.FLOAT, [*after, 9 * channels]),
            info("sums1", TensorProto.FLOAT, [*after, channels]),
            info("acts1", TensorProto.FLOAT, [*after, channels]),
        ],
    )
    model = ModelWrapper(qonnx_make_model(graph))
    for name in ("inp", "acts0", "windows", "acts1"):
        model.set_tensor_datatype(name, DataType["UINT4"])
    for name, weights in (
        ("w0", mixed_weights(rng, mw, dense)),
        ("w1", mixed_weights(rng, 9, channelwise).T.reshape(channels, 1, 3, 3)),
        ("w2", rng.choice(FIXED_VALUES, (channels, outputs))),
    ):
        model.set_initializer(name, weights.astype(np.float32))
        model.set_tensor_datatype(name, DataType["INT5"])
    for name in ("t0", "t1"):
        thresholds = np.sort(rng.integers(-400, 400, (channels, 15)), axis=1)
        model.set_initializer(name, thresholds.astype(np.float32))
        model.set_tensor_datatype(name, DataType["INT32"])
    return model
