"""FINN's matrix-vector unit with SIMD = MW, whose results get lost behind a stalling output."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from msq_finn.build.simulate import run_accelerator
from msq_finn.build.stitch import stitch
from msq_finn.errors import MsqError
from msq_finn.transforms.avoid_full_simd import AvoidFullSIMD
from msq_finn.transforms.check_folding import CheckFolding

pytestmark = pytest.mark.usefixtures("finn")

VECTORS = 40


def layer(rng, mw, simd, mh, pe):
    info = helper.make_tensor_value_info
    node = helper.make_node(
        "MVAU_rtl", ["inp", "w"], ["outp"], name="MVAU_rtl_0",
        domain="finn.custom_op.fpgadataflow.rtl", backend="fpgadataflow",
        MW=mw, MH=mh, SIMD=simd, PE=pe, noActivation=1, numInputVectors=[1, VECTORS],
        inputDataType="UINT8", weightDataType="INT8", outputDataType="INT24", accDataType="INT24",
        mem_mode="internal_decoupled", inFIFODepths=[2], outFIFODepths=[2],
    )  # fmt: skip
    ends = (
        info(name, TensorProto.FLOAT, [1, VECTORS, size])
        for name, size in (("inp", mw), ("outp", mh))
    )
    graph = helper.make_graph([node], "layer", *([end] for end in ends))
    model = ModelWrapper(qonnx_make_model(graph))
    model.set_initializer("w", rng.integers(-127, 128, (mw, mh)).astype(np.float32))
    for name, datatype in (("inp", "UINT8"), ("w", "INT8"), ("outp", "INT24")):
        model.set_tensor_datatype(name, DataType[datatype])
    return model


def folding(model):
    op = getCustomOp(model.graph.node[0])
    return op.get_nodeattr("SIMD"), op.get_nodeattr("PE")


@pytest.mark.parametrize(
    ("mw", "simd", "mh", "pe", "wanted"),
    [
        (27, 27, 8, 1, (9, 4)),  # 6 cycles a vector instead of 8; with PE=2 it would take 12
        (8, 8, 8, 2, (4, 4)),
        (7, 7, 16, 2, (1, 16)),
        (27, 27, 8, 4, (9, 8)),  # 3 cycles instead of 2: no PE makes up for less
        (27, 9, 8, 8, (9, 8)),
        (1, 1, 8, 2, (1, 2)),
    ],
)
def test_pe_makes_up_for_simd(rng, mw, simd, mh, pe, wanted):
    assert folding(layer(rng, mw, simd, mh, pe).transform(AvoidFullSIMD())) == wanted


@pytest.mark.parametrize(
    ("mw", "told"),
    [(27, "with SIMD=27=MW, .* smaller SIMD"), (1, "of one input, .* 4-bit weights")],
)
def test_what_is_left_is_refused(rng, mw, told):
    with pytest.raises(MsqError, match=f"MVAU_rtl_0: {told}"):
        layer(rng, mw, mw, 8, 8).transform(CheckFolding())
    layer(rng, 27, 9, 8, 8).transform(CheckFolding())


def stalled(model, folder, values):
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
    from finn.transformation.fpgadataflow.replace_verilog_relpaths import ReplaceVerilogRelPaths

    model = model.transform(PrepareIP("xc7z020clg400-1", 10.0)).transform(ReplaceVerilogRelPaths())
    outputs, _ = run_accelerator(model, stitch(model, folder), values, stall_out=0.9, seed=3)
    return outputs


def test_it_is_as_we_say(rng, tmp_path):
    """Once the first part fails, FINN has mended it, and the transformation may go."""
    model = layer(rng, 6, 6, 4, 4)
    values = rng.integers(0, 256, (2, 1, VECTORS, 6))
    with pytest.raises(MsqError, match="Overflowing output queue"):
        stalled(model, tmp_path, values)
    outputs = stalled(model.transform(AvoidFullSIMD()), tmp_path, values)
    weights = model.get_initializer("w").astype(np.int64)
    np.testing.assert_array_equal(outputs.reshape(2, 1, VECTORS, 4), values @ weights)
