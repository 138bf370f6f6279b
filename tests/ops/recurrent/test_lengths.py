"""Sequences shorter than their frames, in RTL, at lengths written between frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from msq_finn.sim import axi_streams
from tests.ops.streaming.nodes import generated, op_of

from .random_layers import Case, Random

pytestmark = pytest.mark.usefixtures("finn")
FRAMES = 2

CASES = {
    "GRU, all states": Case("gru", 4, 6, 4, 2, {"sp2_4_lut": 4, "fixed_4_lut": 4}),
    "LSTM, the last state": Case("lstm", 2, 4, 5, 2, {"fixed_4_dsp": 8}, all_states=False),
    "LSTM, all states": Case("lstm", 3, 6, 4, 3, {"sp2_4_lut": 4, "fixed_4_dsp": 8}),
    "GRU, the last state": Case("gru", 1, 1, 5, 1, {"fixed_4_lut": 4}, all_states=False),
    "one step": Case("gru", 6, 3, 1, 3, {"sp2_4_lut": 12}),
}
#: Of which several sequences are under way.
IN_TURN = {
    "LSTM in turn, the last state": Case("lstm", 2, 2, 6, 2, {"fixed_4_dsp": 8}, all_states=False),
    "GRU in turn, all states": Case("gru", 6, 6, 5, 3, {"sp2_4_lut": 8, "fixed_4_lut": 4}),
}
QUICK = ("GRU, all states", "LSTM, the last state")


def expected(layer, sequences, length, padding_first):
    """What leaves, from the truncated sequences alone."""
    case = layer.case
    part = slice(case.steps - length, None) if padding_first else slice(length)
    found = []
    for sequence in sequences:
        states = np.zeros((case.steps, case.states), dtype=np.int64)
        states[part] = layer.computed(sequence[0][part])
        last = -1 if padding_first else length - 1
        found.append(states if case.all_states else states[last:][:1])
    return np.array(found)


def run(layer, lengths, sequences, stall_in=0.0, stall_out=0.0, waits=1, **attributes):
    """What is read of the register, and the states, with a length for every FRAMES sequences.

    Without ``waits`` they are written under way, one behind the other.
    """
    case = layer.case
    model = generated(layer.model(runtime_writeable_length=1, **attributes))
    op = op_of(model)
    (ins, outs) = op.get_folded_input_shape(), op.get_folded_output_shape()
    bits = op.get_input_datatype().bitwidth()
    counts = [int(np.prod(shape[:-1])) for shape in (ins, outs)]
    defines = {
        "NODE": op.get_nodeattr("gen_top_module"),
        "FRAMES": str(FRAMES),
        "WAITS": str(waits),
        "IN_BITS": str(op.get_instream_width_padded()),
        "OUT_BITS": str(op.get_outstream_width_padded()),
        "IN_WORDS": str(counts[0]),
        "OUT_WORDS": str(counts[1]),
    }
    result = axi_streams.simulate(
        "length_bench",
        [*op.get_rtl_file_list(abspath=True), Path(__file__).with_name("length_bench.sv")],
        {
            "length_V": axi_streams.pack(np.array(lengths)[:, None], 32),
            "in0_V": axi_streams.pack(sequences.reshape(-1, ins[-1]), bits),
        },
        {"read_V": len(lengths), "out0_V": len(sequences) * counts[1]},
        stall_in=stall_in,
        stall_out=stall_out,
        seed=3,
        defines=defines,
        max_idle_cycles=2000,
    )
    read = axi_streams.unpack(result.outputs["read_V"], 32, 1, False).ravel()
    states = axi_streams.unpack(result.outputs["out0_V"], bits, outs[-1], True)
    return read.tolist(), states.reshape(len(sequences), -1, case.states)


@pytest.mark.parametrize("padding_first", [False, True], ids=["padding last", "padding first"])
@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in (*CASES, *IN_TURN)],
)
def test_every_length_is_that_of_the_truncated_sequence(name, padding_first):
    layer = Random.drawn((CASES | IN_TURN)[name])
    steps = layer.case.steps
    # What is no length leaves the register as it was: at first, as long as frames are.
    written = [0, *range(1, steps + 1), steps + 1, 1, 0xFFFFFFFF, steps, 1 << 31]
    held, valid = [], steps
    for length in written:
        valid = length if 1 <= length <= steps else valid
        held.append(valid)
    sequences = layer.sequences(FRAMES * len(written))
    states = np.concatenate(
        [
            expected(layer, sequences[FRAMES * i :][:FRAMES], length, padding_first)
            for i, length in enumerate(held)
        ]
    )
    more = {"paddingFirst": int(padding_first), "Sequences": 3 if name in IN_TURN else 1}
    for stalls in ((0.0, 0.0), (0.4, 0.6), (0.0, 0.9)):
        read, found = run(layer, written, sequences, *stalls, **more)
        assert read == held
        np.testing.assert_array_equal(found, states)


@pytest.mark.parametrize(
    "name",
    [
        "GRU, the last state",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("LSTM, all states", *IN_TURN)),
    ],
)
def test_a_length_that_is_written_under_way_splits_no_frame(name):
    layer = Random.drawn((CASES | IN_TURN)[name])
    steps, sequences = layer.case.steps, layer.sequences(60)
    written = np.random.default_rng(5).integers(1, steps + 1, 150).tolist()
    more = {"Sequences": 3 if name in IN_TURN else 1}
    read, found = run(layer, written, sequences, 0.97, 0.3, waits=0, **more)
    assert read == written
    whole = [expected(layer, sequences, length, False) for length in range(1, steps + 1)]
    same = np.array([(found == states).all(axis=(1, 2)) for states in whole])
    assert same.any(axis=0).all()
    # Frames with pauses between them got several.
    assert len({tuple(column) for column in same.T if column.sum() == 1}) > 2
