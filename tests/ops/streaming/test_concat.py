"""StreamingConcat_rtl against NumPy's concatenation."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

pytestmark = pytest.mark.usefixtures("finn")

# vectors, channels and type of each input, SIMD, type of the output
CASES = [
    ([1, 2, 3], [(4, "UINT4"), (6, "UINT4")], 2, "UINT4"),
    ([5], [(3, "INT4"), (3, "UINT2"), (9, "INT3")], 3, "INT4"),
    ([2], [(1, "UINT3"), (1, "INT3")], 1, "INT4"),
    ([3], [(4, "INT2")], 1, "INT2"),
]


def concat(vectors, inputs, simd, out, op_type="StreamingConcat_rtl", **attributes):
    return one_node(
        op_type,
        [([*vectors, channels], datatype) for channels, datatype in inputs],
        [([*vectors, sum(channels for channels, _ in inputs)], out)],
        SIMD=simd,
        ChannelsPerStream=[channels for channels, _ in inputs],
        inputDataTypes=[datatype for _, datatype in inputs],
        numInputVectors=vectors,
        inFIFODepths=[2] * len(inputs),
        **attributes,
    )


def drawn(rng, case, frames=()):
    vectors, inputs, *_ = case
    return [random_integers(rng, dt, (*frames, *vectors, channels)) for channels, dt in inputs]


@pytest.mark.parametrize("case", CASES)
def test_finns_rtlsim_and_python_equal_numpy(rng, case):
    values = drawn(rng, case)
    for run in (through_finn, executed):
        np.testing.assert_array_equal(run(concat(*case), *values)[0], np.concatenate(values, -1))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_stalls_change_nothing(rng, case, seed):
    """Inputs stall independently of each other here."""
    values = drawn(rng, case, frames=(6,))
    run = streamed(concat(*case), *values, stall_in=0.4, stall_out=0.4, seed=seed)
    np.testing.assert_array_equal(run.outputs[0], np.concatenate(values, -1))


@pytest.mark.parametrize("case", CASES)
def test_a_frame_takes_the_expected_cycles(rng, case):
    model = concat(*case)
    assert streamed(model, *drawn(rng, case, (3,))).interval() == op_of(model).get_exp_cycles()


def test_simd_has_to_divide_every_input():
    with pytest.raises(MsqError, match="StreamingConcat_rtl_0: SIMD=4 does not divide elements=2"):
        generated(concat([1], [(4, "UINT4"), (6, "UINT4")], 4, "UINT4"))


def test_types_that_are_no_integers_are_refused():
    with pytest.raises(MsqError, match="BIPOLAR is no integer type that stream_concat takes"):
        generated(concat([1], [(4, "UINT4"), (4, "BIPOLAR")], 4, "INT5"))
