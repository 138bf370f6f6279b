"""StreamingDataWidthConverterVector_rtl and its modules against vectors packed one by one."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import msq_finn.rtl
from msq_finn.errors import MsqError
from msq_finn.sim import axi_streams

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

RTL = Path(msq_finn.rtl.__file__).parent / "streaming"
BITS, VECTORS = 3, 12

#: Elements of an input word, of an output word, of a vector.
WORDS = [
    # Whole ratios, the vector whole words of both, of one, or of neither.
    (1, 1, 1), (1, 1, 5), (8, 2, 8), (8, 2, 24), (2, 8, 24), (12, 1, 12), (1, 12, 12), (8, 2, 21),
    (2, 8, 21), (1, 4, 7), (4, 1, 7), (3, 3, 7), (6, 3, 7), (3, 6, 7), (4, 16, 1), (16, 4, 1),
    # Others, coprime or not.
    (6, 4, 12), (4, 6, 12), (6, 4, 48), (4, 6, 48), (6, 4, 13), (4, 6, 13), (7, 3, 21), (3, 7, 21),
    (7, 3, 20), (3, 7, 20), (7, 3, 64), (3, 7, 64), (9, 8, 31), (8, 9, 31), (11, 13, 97),
    (13, 11, 97), (5, 2, 3), (2, 5, 3),
    # The last output word lies in two input words; or one input word completes two.
    (4, 3, 5), (3, 4, 5), (5, 4, 6), (4, 5, 6), (9, 7, 10), (7, 9, 10), (7, 5, 43), (5, 7, 43),
    # Vectors shorter than a word.
    (5, 9, 3), (9, 5, 3), (9, 5, 7), (5, 9, 7),
]  # fmt: skip


def packed(vectors, word):
    """Words of every vector; what is left of its last word is None."""
    words = []
    for vector in vectors:
        left = list(vector)
        while left:
            taken, left = left[:word], left[word:]
            words.append(taken + [None] * (word - len(taken)))
    return words


def as_array(words, filler):
    return np.array([[filler() if x is None else x for x in word] for word in words])


def all_widths(folder):
    """One design with a converter of its own between every pair of streams."""
    ports, body = ["input ap_clk", "input ap_rst_n"], []
    for i, (taken, given, length) in enumerate(WORDS):
        module = "stream_narrow" if taken >= given else "stream_widen"
        widths = {"in": -(-taken * BITS // 8) * 8, "out": -(-given * BITS // 8) * 8}
        for side, width in widths.items():
            forward, back = ("input", "output") if side == "in" else ("output", "input")
            ports += [f"{forward} [{width - 1}:0] {side}{i}_V_TDATA"]
            ports += [f"{forward} {side}{i}_V_TVALID", f"{back} {side}{i}_V_TREADY"]
        used = given * BITS
        body.append(f"""
  {module} #(.Bits({BITS}), .In({taken}), .Out({given}), .Length({length}),
             .Unit({math.gcd(taken, given)})) i_{i} (
    .clk_i(ap_clk), .rst_ni(ap_rst_n), .in_data_i(in{i}_V_TDATA[{taken * BITS - 1}:0]),
    .in_valid_i(in{i}_V_TVALID), .in_ready_o(in{i}_V_TREADY),
    .out_data_o(out{i}_V_TDATA[{used - 1}:0]), .out_valid_o(out{i}_V_TVALID),
    .out_ready_i(out{i}_V_TREADY));""")
        if widths["out"] > used:
            body.append(f"  assign out{i}_V_TDATA[{widths['out'] - 1}:{used}] = '0;")
    top = folder / "all_widths.sv"
    top.write_text(f"module all_widths ({', '.join(ports)});\n" + "\n".join(body) + "\nendmodule\n")
    return [RTL / "stream_narrow.sv", RTL / "stream_widen.sv", top]


@pytest.fixture(scope="module")
def converters(tmp_path_factory):
    """Run all of them; returns per converter the output words and the cycles of their vectors."""
    sources = all_widths(tmp_path_factory.mktemp("converters"))
    rng = np.random.default_rng(0)
    sent, expected = {}, []
    for i, (taken, given, length) in enumerate(WORDS):
        vectors = rng.integers(1, 2**BITS, (VECTORS, length)).tolist()
        words = as_array(packed(vectors, taken), lambda: rng.integers(1, 2**BITS))
        sent[f"in{i}_V"] = axi_streams.pack(words, BITS)
        expected.append(as_array(packed(vectors, given), lambda: 0))

    def run(**how):
        counts = {f"out{i}_V": len(words) for i, words in enumerate(expected)}
        result = axi_streams.simulate("all_widths", sources, sent, counts, **how)
        for i, words in enumerate(expected):
            got = axi_streams.unpack(result.outputs[f"out{i}_V"], BITS, WORDS[i][1], False)
            np.testing.assert_array_equal(got, words, err_msg=str(WORDS[i]))
        return [
            result.output_cycles[f"out{i}_V"].reshape(VECTORS, -1)[:, -1] for i in range(len(WORDS))
        ]

    return run


def test_no_cycle_is_lost(converters):
    for (taken, given, length), ends in zip(WORDS, converters(), strict=True):
        needed = max(math.ceil(length / taken), math.ceil(length / given))
        assert set(np.diff(ends[1:])) == {needed}, (taken, given, length)


@pytest.mark.parametrize("stalls", [(0.5, 0.0), (0.0, 0.5), (0.5, 0.5), (0.2, 0.8)])
def test_stalls_change_nothing(converters, stalls):
    for seed in range(2):
        converters(stall_in=stalls[0], stall_out=stalls[1], seed=seed)


def converter(before, after, words, elements, datatype="INT4"):
    bits = int(datatype[-1])
    return one_node(
        "StreamingDataWidthConverterVector_rtl",
        [(before, datatype)],
        [(after, datatype)],
        inShape=before,
        outShape=after,
        inWidth=words[0] * bits,
        outWidth=words[1] * bits,
        elements=elements,
        dataType=datatype,
    )


#: Shapes before and after, elements of the words, elements of a vector.
NODES = [
    ([1, 2, 2, 9], [1, 2, 2, 8], (3, 4), 7),
    ([1, 2, 3, 8], [1, 48], (2, 6), 6),
    ([3, 10], [3, 12], (5, 4), 10),
]


@pytest.mark.usefixtures("finn")
@pytest.mark.parametrize("case", NODES[:2])
def test_finns_rtlsim_and_python_equal_what_is_packed_by_hand(rng, case):
    before, after, (_, given), elements = case
    values = random_integers(rng, "INT4", before)
    rows = math.prod(before) // (-(-elements // case[2][0]) * case[2][0])
    kept = values.reshape(rows, -1)[:, :elements]
    wanted = as_array(packed(kept.tolist(), given), lambda: 0).reshape(after)
    for run in (through_finn, executed):
        np.testing.assert_array_equal(run(converter(*case), values)[0], wanted)


@pytest.mark.usefixtures("finn")
@pytest.mark.parametrize("case", NODES)
def test_a_frame_takes_the_expected_cycles(rng, case):
    model = converter(*case)
    values = random_integers(rng, "INT4", (4, *case[0]))
    assert streamed(model, values).interval() == op_of(model).get_exp_cycles()


@pytest.mark.usefixtures("finn")
def test_what_the_hardware_cannot_do_is_refused():
    with pytest.raises(
        MsqError, match=r"shapes \[1, 9\] and \[1, 8\] are not as many vectors of 7"
    ):
        generated(converter([1, 9], [1, 8], (4, 8), 7))
    with pytest.raises(MsqError, match="BIPOLAR is no integer type"):
        model = converter([1, 8], [1, 8], (4, 8), 7)
        for attribute, value in (("dataType", "BIPOLAR"), ("inWidth", 4), ("outWidth", 8)):
            op_of(model).set_nodeattr(attribute, value)
        generated(model)
