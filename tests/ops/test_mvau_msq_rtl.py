"""One layer through FINN's own rtlsim, against integer matrix products."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError
from msq_finn.lanes import get as lane_kind

from ..transforms.graphs import DOMAIN, mixed_weights

pytestmark = pytest.mark.usefixtures("finn")
PART, ZYNQ_US = "xc7z020clg400-1", "xczu3eg-sbva484-1-e"
VERSAL = "xcvc1902-vsva2197-2MP-e-S"


def layer(rng, mw, simd, lanes, fold, act, vectors=5, **attributes):
    """A one-node model; ``lanes`` is (SP2 LUT, fixed LUT, fixed DSP, embedded)."""
    lanes = (*lanes, 0)[:4]
    pe = sum(lanes)
    kinds = (["sp2"] * lanes[0] + ["fixed"] * (lanes[1] + lanes[2]) + ["sp2"] * lanes[3]) * fold
    weights = mixed_weights(rng, mw, kinds)
    info = helper.make_tensor_value_info
    node = helper.make_node(
        "MVAU_MSQ_rtl",
        ["inp", "w"],
        ["outp"],
        name="MVAU_MSQ_rtl_0",
        domain=f"{DOMAIN}.rtl",
        backend="fpgadataflow",
        MW=mw,
        MH=pe * fold,
        SIMD=simd,
        PE=pe,
        inputDataType=act,
        weightDataType="INT5",
        outputDataType="INT32",
        noActivation=1,
        numInputVectors=[vectors],
        mem_mode="internal_embedded" if lanes[3] == pe else "internal_decoupled",
        rowSchemes=[f"{k}_4" for k in kinds],
        laneKinds=["sp2_4_lut", "fixed_4_lut", "fixed_4_dsp", "embedded_lut"],
        lanePE=list(lanes),
        **attributes,
    )
    graph = helper.make_graph(
        [node],
        "layer",
        [info("inp", TensorProto.FLOAT, [vectors, mw])],
        [info("outp", TensorProto.FLOAT, [vectors, pe * fold])],
    )
    model = ModelWrapper(qonnx_make_model(graph))
    model.set_tensor_datatype("inp", DataType[act])
    model.set_initializer("w", weights.astype(np.float32))
    model.set_tensor_datatype("w", DataType["INT5"])
    getCustomOp(model.graph.node[0]).minimize_accumulator_width(model)
    return model, weights


def simulated(model, inputs, part=PART):
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
    from finn.transformation.fpgadataflow.prepare_rtlsim import PrepareRTLSim
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode

    model = model.transform(PrepareIP(part, 10))
    model = model.transform(SetExecMode("rtlsim"))
    model = model.transform(PrepareRTLSim())
    return execute_onnx(model, {"inp": inputs.astype(np.float32)})["outp"]


@pytest.mark.parametrize(
    ("mw", "simd", "lanes", "fold", "act"),
    [
        (24, 8, (2, 0, 2), 2, "UINT4"),
        (18, 6, (3, 2, 5), 1, "INT4"),
        (9, 9, (0, 0, 4), 3, "UINT8"),
        (14, 7, (0, 0, 0, 3), 2, "UINT4"),
        (12, 6, (1, 0, 2, 3), 1, "INT3"),
    ],
)
@pytest.mark.parametrize("offset", [0, 1])
def test_rtl_equals_integer_arithmetic(rng, mw, simd, lanes, fold, act, offset):
    model, weights = layer(rng, mw, simd, lanes, fold, act, offsetOutput=offset)
    kind = DataType[act]
    inputs = rng.integers(int(kind.min()), int(kind.max()) + 1, (5, mw))
    inputs[0], inputs[1] = kind.min(), kind.max()
    expected = inputs @ weights
    if offset:
        expected = expected + getCustomOp(model.graph.node[0]).row_offsets(weights)
    np.testing.assert_array_equal(simulated(model, inputs), expected)


def other_weights(rng, name, mw):
    """A row of random weights of a kind of lane's scheme."""
    return rng.choice(lane_kind(name).scheme.grid(), size=mw)


@pytest.mark.parametrize(
    ("names", "part"),
    [
        (["sp2_4_lut", "pot_4_lut", "fixed_8_lut", "fixed_4_dsp"], PART),
        (["apot_4_lut", "sp2_6_lut", "embedded_lut"], PART),
        (["sp2_5_lut", "fixed_6_lut"], PART),
        (["pot_4_lut", "fixed_4_dsp", "fixed_8_dsp"], ZYNQ_US),
        (["fixed_4_lut", *(f"fixed_{bits}_dsp" for bits in (4, 3, 5, 6, 7, 8))], VERSAL),
    ],
)
def test_lanes_of_several_widths_in_one_layer(rng, names, part):
    model, _ = layer(rng, 12, 6, (len(names), 0, 0), 2, "UINT4")
    op = getCustomOp(model.graph.node[0])
    weights = np.stack([other_weights(rng, name, 12) for name in names * 2], axis=1)
    model.set_initializer("w", weights.astype(np.float32))
    op.set_nodeattr("weightDataType", "INT9")
    op.set_nodeattr("laneKinds", names)
    op.set_nodeattr("lanePE", [1] * len(names))
    op.minimize_accumulator_width(model)
    inputs = rng.integers(0, 16, (5, 12))
    np.testing.assert_array_equal(simulated(model, inputs, part), inputs @ weights)


@pytest.mark.parametrize(("part", "slices"), [(PART, 2 + 2), (ZYNQ_US, 2 + 2), (VERSAL, 2 + 2)])
def test_dsps_are_counted_kind_by_kind(rng, part, slices):
    model, _ = layer(rng, 24, 8, (0, 0, 5), 1, "UINT8")
    op = getCustomOp(model.graph.node[0])
    op.set_nodeattr("laneKinds", ["sp2_4_lut", "fixed_4_dsp", "fixed_8_dsp"])
    # On DSP48E1, two rows of 4 or of 8 bits share a slice, on the others three of 4.
    op.set_nodeattr("lanePE", [0, 4, 3])
    op.set_nodeattr("PE", 7)
    op.set_nodeattr("MH", 7)
    assert op.dsp_estimation(part) == 8 * slices


@pytest.mark.parametrize(
    ("kinds", "counts", "message"),
    [
        (["sp2_4_lut", "sp2_4_lut"], [2, 2], "need one count each"),
        (["sp2_4_lut", "fixed_4_dsp"], [4], "need one count each"),
        (["sp2_4_lut", "fixed_4_dsp"], [5, -1], "-1 lanes of kind fixed_4_dsp"),
        (["sp2_4_lut", "int_5_dsp"], [2, 2], "mvau_msq has no lanes of kind int_5_dsp"),
        (["sp2_9_lut"], [4], "no lane kind is named 'sp2_9_lut'"),
    ],
)
def test_lanes_that_there_are_not_are_refused(rng, kinds, counts, message):
    model, _ = layer(rng, 24, 8, (2, 0, 2), 2, "UINT4")
    op = getCustomOp(model.graph.node[0])
    op.set_nodeattr("laneKinds", kinds)
    op.set_nodeattr("lanePE", counts)
    with pytest.raises(MsqError, match=f"MVAU_MSQ_rtl_0: .*{message}"):
        op.lanes()


def test_lanes_come_in_the_order_of_the_hardware(rng):
    model, _ = layer(rng, 24, 8, (2, 0, 2), 2, "UINT4")
    op = getCustomOp(model.graph.node[0])
    op.set_nodeattr("laneKinds", ["fixed_4_dsp", "sp2_4_lut"])
    op.set_nodeattr("lanePE", [1, 3])
    assert list(op.lanes().items()) == [("sp2_4_lut", 3), ("fixed_4_dsp", 1)]


def test_python_execution_equals_integer_arithmetic(rng):
    model, weights = layer(rng, 24, 8, (2, 0, 2), 2, "UINT4")
    inputs = rng.integers(0, 16, (5, 24))
    output = execute_onnx(model, {"inp": inputs.astype(np.float32)})["outp"]
    np.testing.assert_array_equal(output, inputs @ weights)


def test_embedded_weights_cannot_be_written_at_run_time(rng):
    model, _ = layer(rng, 24, 8, (2, 0, 1, 1), 2, "UINT4", runtime_writeable_weights=1)
    with pytest.raises(MsqError, match="embedded lanes have no runtime-writeable weights"):
        getCustomOp(model.graph.node[0])._check_supported(PART)


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("SIMD", 7, "SIMD=7 does not divide MW=24"),
        ("PE", 3, "PE=3 but its lanes .* sum to 4"),
        (
            "mem_mode",
            "external",
            "mem_mode 'external' does not suit the lanes; use internal_decoupled",
        ),
        ("runtime_writeable_weights", 1, "sums of LUT lanes carry constants of the weights"),
        ("pumpedCompute", 1, "pumpedCompute is not supported"),
        ("TH", 2, "tiling"),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(rng, attribute, value, message):
    model, _ = layer(rng, 24, 8, (2, 0, 2), 2, "UINT4")
    op = getCustomOp(model.graph.node[0])
    op.set_nodeattr(attribute, value)
    with pytest.raises(MsqError, match=message):
        op._check_supported(PART)
        op._parameters(model, PART)
