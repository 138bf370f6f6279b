"""One depthwise layer through FINN's own rtlsim, against integer sums over windows."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from msq_finn.errors import MsqError

from ..transforms.graphs import DOMAIN, FIXED_VALUES, SP2_VALUES

pytestmark = pytest.mark.usefixtures("finn")
PART = "xc7z020clg400-1"
PIXELS = 3


def layer(rng, simd, lanes, fold, act, wide=5, **attributes):
    """A one-node model of 3x3 windows; ``lanes`` is (SP2 LUT, fixed LUT, fixed DSP)."""
    pe = sum(lanes)
    channels = pe * fold
    limit = (1 << (wide - 1)) - 1
    rows = []
    for lane in (lane for _ in range(fold) for lane in range(pe)):
        if lane < lanes[0]:
            rows.append(("sp2_4", rng.choice(SP2_VALUES, 9)))
        elif lane < lanes[0] + lanes[1]:
            rows.append(("fixed_4", rng.choice(FIXED_VALUES, 9)))
        else:
            rows.append((f"fixed_{wide}", rng.integers(-limit, limit + 1, 9)))
    weights = np.stack([values for _, values in rows]).reshape(channels, 1, 3, 3)
    info = helper.make_tensor_value_info
    node = helper.make_node(
        "VVAU_MSQ_rtl",
        ["inp", "w"],
        ["outp"],
        name="VVAU_MSQ_rtl_0",
        domain=f"{DOMAIN}.rtl",
        backend="fpgadataflow",
        Channels=channels,
        Kernel=[3, 3],
        Dim=[1, PIXELS],
        SIMD=simd,
        PE=pe,
        inputDataType=act,
        weightDataType="INT8",
        outputDataType="INT32",
        noActivation=1,
        mem_mode="internal_decoupled",
        rowSchemes=[name for name, _ in rows],
        laneKinds=["sp2_4_lut", "fixed_4_lut", f"int_{wide}_dsp"],
        lanePE=list(lanes),
        **attributes,
    )
    graph = helper.make_graph(
        [node],
        "layer",
        [info("inp", TensorProto.FLOAT, [1, 1, PIXELS, 9 * channels])],
        [info("outp", TensorProto.FLOAT, [1, 1, PIXELS, channels])],
    )
    model = ModelWrapper(qonnx_make_model(graph))
    model.set_tensor_datatype("inp", DataType[act])
    model.set_initializer("w", weights.astype(np.float32))
    model.set_tensor_datatype("w", DataType["INT8"])
    getCustomOp(model.graph.node[0]).minimize_accumulator_width(model)
    return model, weights


def windows(rng, channels, pe, act):
    """Random windows (pixel, element, channel), and as FINN's window generator sends them."""
    kind = DataType[act]
    acts = rng.integers(int(kind.min()), int(kind.max()) + 1, (PIXELS, 9, channels))
    acts[0], acts[1] = kind.min(), kind.max()
    sent = acts.reshape(PIXELS, 9, channels // pe, pe).transpose(0, 2, 1, 3)
    return acts, sent.reshape(1, 1, PIXELS, -1).astype(np.float32)


def expected(model, acts, weights):
    sums = np.einsum("pkc,ck->pc", acts, weights.reshape(len(weights), 9))
    op = getCustomOp(model.graph.node[0])
    if op.get_nodeattr("offsetOutput"):
        sums = sums + op.row_offsets(weights)
    return sums.reshape(1, 1, PIXELS, -1)


def simulated(model, inputs):
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
    from finn.transformation.fpgadataflow.prepare_rtlsim import PrepareRTLSim
    from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode

    model = model.transform(PrepareIP(PART, 10))
    model = model.transform(SetExecMode("rtlsim"))
    model = model.transform(PrepareRTLSim())
    return execute_onnx(model, {"inp": inputs})["outp"]


CASES = [
    (1, (1, 1, 2), 2, "UINT4", 5, 0),
    (3, (2, 1, 0), 1, "INT4", 5, 1),
    (1, (0, 0, 3), 1, "UINT8", 8, 0),
]


@pytest.mark.parametrize(("simd", "lanes", "fold", "act", "wide", "offset"), CASES)
def test_rtl_equals_integer_arithmetic(rng, simd, lanes, fold, act, wide, offset):
    model, weights = layer(rng, simd, lanes, fold, act, wide, offsetOutput=offset)
    acts, inputs = windows(rng, len(weights), sum(lanes), act)
    np.testing.assert_array_equal(simulated(model, inputs), expected(model, acts, weights))


@pytest.mark.parametrize("offset", [0, 1])
def test_python_execution_equals_integer_arithmetic(rng, offset):
    model, weights = layer(rng, 1, (1, 1, 2), 2, "UINT4", offsetOutput=offset)
    acts, inputs = windows(rng, 8, 4, "UINT4")
    output = execute_onnx(model, {"inp": inputs})["outp"]
    np.testing.assert_array_equal(output, expected(model, acts, weights))


def test_vivado_is_told_of_every_source_and_stream(rng):
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP

    model, _ = layer(rng, 1, (0, 0, 4), 2, "UINT4", runtime_writeable_weights=1)
    op = getCustomOp(model.transform(PrepareIP(PART, 10)).graph.node[0])
    commands = op.code_generation_ipi()
    files = [Path(c.split()[-1]) for c in commands if c.startswith("add_files")]
    assert all(file.is_file() for file in files)
    assert {"vvau_msq.sv", "VVAU_MSQ_rtl_0_memstream_wrapper.v"} <= {file.name for file in files}
    wrapper = next(file for file in files if file.name == "VVAU_MSQ_rtl_0_wrapper.v").read_text()
    pins = [pin for c in commands for pin in re.findall(r"/VVAU_MSQ_rtl_0/(\w+)\]", c)]
    assert {"ap_clk", "ap_rst_n", "in0_V", "in1_V", "out0_V"} <= set(pins)
    assert all(re.search(rf"\b{pin}(_TDATA)?\b", wrapper) for pin in pins)
    assert any("s_axilite" in c for c in commands)


def test_offsets_by_hand(rng):
    model, weights = layer(rng, 1, (1, 1, 1), 2, "UINT4")
    rows = weights.reshape(6, 9)
    # Complemented rows of 6, 4, 5 and 5 bits: see tests/rtl/mvau.py.
    sp2 = (rows < 0).sum(1) * (63 + 4 * 15)
    low, high = rows & 2 != 0, (rows < 0) & ((rows >> 1 & 3) != 3)
    booth = (low * 31 + high * 4 * 31).sum(1)
    by_hand = [(sp2, booth, np.zeros(6))[row % 3][row] for row in range(6)]
    op = getCustomOp(model.graph.node[0])
    np.testing.assert_array_equal(op.row_offsets(weights), by_hand)


@pytest.mark.parametrize("wide", [5, 8])
def test_output_type_holds_the_extremes_and_no_more(rng, wide):
    model, weights = layer(rng, 1, (1, 1, 1), 2, "UINT4", wide, offsetOutput=1)
    rows = weights.reshape(6, 9)
    offsets = getCustomOp(model.graph.node[0]).row_offsets(weights)
    low = int((np.minimum(rows, 0).sum(1) * 15 + offsets).min())
    high = int((np.maximum(rows, 0).sum(1) * 15 + offsets).max())
    kind = getCustomOp(model.graph.node[0]).get_output_datatype()
    # The layer is the last: whole bytes.
    bits = max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + (low < 0)
    assert kind.bitwidth() == -(-bits // 8) * 8
    assert kind.min() <= low
    assert high <= kind.max()


@pytest.mark.parametrize(("lanes", "largest"), [((1, 1, 2), 15), ((2, 2, 0), 8)])
def test_output_type_holds_whatever_is_written_at_run_time(rng, lanes, largest):
    model, _ = layer(rng, 1, lanes, 2, "UINT4", runtime_writeable_weights=1)
    bound = 9 * 15 * largest
    kind = getCustomOp(model.graph.node[0]).get_output_datatype()
    assert kind.min() <= -bound
    assert bound <= kind.max()
    assert kind.bitwidth() == -(-(bound.bit_length() + 1) // 8) * 8


def test_runtime_weights_are_the_memory_in_32_bit_words(rng, tmp_path):
    model, weights = layer(rng, 1, (1, 1, 6), 1, "UINT4")
    op = getCustomOp(model.graph.node[0])
    op.make_weight_file(weights, "decoupled_verilog_dat", tmp_path / "dat")
    op.make_weight_file(weights, "decoupled_runtime", tmp_path / "runtime")
    lines = (tmp_path / "dat").read_text().split()
    words = (tmp_path / "runtime").read_text().split()
    assert len(lines) == 9
    assert len(words) == 18  # 40 bits a line
    for line, low, high in zip(lines, words[::2], words[1::2], strict=True):
        assert int(line, 16) == int(low, 16) + (int(high, 16) << 32)
    # The last lane's first weight lies in the top five bits of the first line.
    assert int(lines[0], 16) >> 35 == int(weights[7, 0, 0, 0]) & 31


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("SIMD", 2, "SIMD=2 does not divide window=9"),
        ("SIMD", 3, "DSP lanes take one element a cycle; use SIMD=1"),
        ("PE", 3, "PE=3 does not divide Channels=8"),
        ("PE", 2, "PE=2 but its lanes .* sum to 4"),
        ("mem_mode", "external", "mem_mode 'external' is not supported"),
        ("lanePE", [1, 3], "need one count each"),
        ("laneKinds", ["sp2_4_lut", "fixed_4_lut", "fixed_5_dsp"], "no lanes of kind fixed_5_dsp"),
        (
            "laneKinds",
            ["sp2_4_lut", "fixed_4_lut", "embedded_lut"],
            "no lanes of kind embedded_lut",
        ),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(rng, attribute, value, message):
    model, _ = layer(rng, 1, (1, 1, 2), 2, "UINT4")
    op = getCustomOp(model.graph.node[0])
    op.set_nodeattr(attribute, value)
    with pytest.raises(MsqError, match=message):
        op._check_supported(PART)
        op.lanes()


@pytest.mark.parametrize(
    ("act", "acc", "message"),
    [
        ("UINT9", "INT20", "inputDataType UINT9: lanes take activations of 2 to 8 bits"),
        ("UINT4", "INT49", "sums of 49 bits do not fit port P of DSP48E1, 48 bits"),
    ],
)
def test_what_the_lanes_would_cut_off_is_refused(rng, act, acc, message):
    model, _ = layer(rng, 1, (1, 1, 2), 2, "UINT4")
    op = getCustomOp(model.graph.node[0])
    op.set_nodeattr("inputDataType", act)
    op.set_nodeattr("outputDataType", acc)
    with pytest.raises(MsqError, match=f"VVAU_MSQ_rtl_0: {message}"):
        op._check_supported(PART)


def test_packing_leaves_room_for_every_sum():
    from msq_finn.lanes.dsp import channels_per_slice

    for window, act_bits, weight_bits in ((9, 4, 5), (9, 4, 8), (9, 5, 5), (25, 3, 4), (9, 3, 5)):
        largest = window * (2**act_bits - 1) * (2 ** (weight_bits - 1) - 1)
        # The fields lie as far apart as the port allows; a middle field holds two sums.
        spacing = 18 - act_bits - 1
        fits = 2 * largest < 2 ** (spacing - 1)
        assert channels_per_slice(window, act_bits, False, weight_bits) == (2 if fits else 1)
