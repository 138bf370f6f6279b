"""StreamingSplit_rtl against NumPy's split."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

pytestmark = pytest.mark.usefixtures("finn")

# vectors, channels of each output, SIMD, type
CASES = [([1, 2, 3], [4, 6], 2, "UINT4"), ([1, 5, 1], [3, 1, 7], 1, "INT3"), ([2], [4], 4, "UINT2")]


def split(vectors, channels, simd, datatype, op_type="StreamingSplit_rtl", **attributes):
    return one_node(
        op_type,
        [([*vectors, sum(channels)], datatype)],
        [([*vectors, own], datatype) for own in channels],
        SIMD=simd,
        ChannelsPerStream=channels,
        inputDataType=datatype,
        numInputVectors=vectors,
        outFIFODepths=[2] * len(channels),
        **attributes,
    )


def drawn(rng, case, frames=()):
    vectors, channels, _, datatype = case
    return random_integers(rng, datatype, (*frames, *vectors, sum(channels)))


def parts(values, channels):
    return np.split(values, np.cumsum(channels)[:-1], axis=-1)


@pytest.mark.parametrize("case", CASES[:2])
def test_finns_rtlsim_and_python_equal_numpy(rng, case):
    values = drawn(rng, case)
    for run in (through_finn, executed):
        for found, part in zip(run(split(*case), values), parts(values, case[1]), strict=True):
            np.testing.assert_array_equal(found, part)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stalls", [(0.0, 0.6), (0.4, 0.4)])
def test_stalls_change_nothing(rng, case, stalls):
    """Outputs stall independently of each other here."""
    values = drawn(rng, case, frames=(6,))
    run = streamed(split(*case), values, stall_in=stalls[0], stall_out=stalls[1], seed=1)
    for found, part in zip(run.outputs, parts(values, case[1]), strict=True):
        np.testing.assert_array_equal(found, part)


@pytest.mark.parametrize("case", CASES)
def test_a_frame_takes_the_expected_cycles(rng, case):
    model = split(*case)
    assert streamed(model, drawn(rng, case, (3,))).interval() == op_of(model).get_exp_cycles()


def test_what_the_hardware_cannot_do_is_refused():
    with pytest.raises(MsqError, match="StreamingSplit_rtl_0: SIMD=4 does not divide elements=2"):
        generated(split([1], [4, 6], 4, "UINT4"))
    model = split([1], [4, 6], 2, "UINT4")
    op_of(model).set_nodeattr("ChannelsPerStream", [4, 4, 2])
    with pytest.raises(MsqError, match="ChannelsPerStream names 3 streams, but it has 2 outputs"):
        generated(model)
    with pytest.raises(MsqError, match="BIPOLAR is no integer type that stream_split takes"):
        generated(split([1], [4, 6], 2, "BIPOLAR"))
