"""vector_replay: order, marks, rate, and reset in the middle."""

import harness
import numpy as np
import pytest

WIDTH = 11


def wrapper(length: int, repeats: int) -> str:
    return harness.wrap(WIDTH, 1, WIDTH + 2, f"""
  assign in1_ready_o = 1'b0;
  vector_replay #(.Width({WIDTH}), .Length({length}), .Repeats({repeats})) dut (
    .clk_i, .rst_ni,
    .data_i(in0), .valid_i(in0_valid_i), .ready_o(in0_ready_o),
    .data_o(out[{WIDTH - 1}:0]), .first_o(out[{WIDTH}]), .last_o(out[{WIDTH + 1}]),
    .valid_o(out_valid_o), .ready_i(out_ready_i));""")  # fmt: skip


@pytest.mark.parametrize(("length", "repeats"), [(1, 1), (1, 3), (5, 1), (5, 3), (8, 2)])
def test_a_vector_is_replayed_with_its_ends_marked(length, repeats):
    rng = np.random.default_rng(length)
    vectors = rng.integers(0, 2**WIDTH, size=(30, length))
    passes = np.repeat(vectors, repeats, axis=0)
    first, last = np.zeros_like(passes), np.zeros_like(passes)
    first[:, 0] = last[:, -1] = 1
    expected = (passes | first << WIDTH | last << (WIDTH + 1)).ravel()

    words, nothing = harness.pack(vectors.reshape(-1, 1), WIDTH), harness.pack(np.zeros((1, 1)), 1)
    binary = harness.build(wrapper(length, repeats))
    for how in (
        {},
        {"stalls": (0.4, 0.0, 0.4)},
        {"stalls": (0.3, 0.0, 0.2), "reset_at": 7},
        {"reset_at": 11 + length},
    ):
        result = harness.run(binary, words, nothing, expected.size, **how)
        got = harness.unpack(result.words, WIDTH + 2, 1)[:, 0]
        np.testing.assert_array_equal(got, expected)
    full_load = harness.run(binary, words, nothing, expected.size)
    np.testing.assert_array_equal(np.diff(full_load.cycles), 1)
