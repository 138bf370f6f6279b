"""UpsampleNearestNeighbour_rtl against NumPy's repetition."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

pytestmark = pytest.mark.usefixtures("finn")

# height, width, channels, factors, SIMD, type
CASES = [
    (3, 2, 6, (2, 2), 2, "UINT4"),
    (1, 1, 1, (3, 5), 1, "INT3"),
    (2, 5, 3, (1, 3), 1, "INT5"),
    (3, 7, 1, (2, 1), 1, "UINT8"),
]


def upsample(
    h, w, channels, factors, simd, datatype, op_type="UpsampleNearestNeighbour_rtl", **more
):
    lines, pixels = h * factors[0], w * factors[1]
    sizes = {"HI": h, "WI": w, "HO": lines, "WO": pixels} | more
    return one_node(
        op_type,
        [([1, h, w, channels], datatype)],
        [([1, lines, pixels, channels], datatype)],
        SIMD=simd,
        NumChannels=channels,
        inputDataType=datatype,
        **sizes,
    )


def drawn(rng, case, frames):
    return random_integers(rng, case[5], (frames, *case[:3]))


def repeated(values, factors):
    return values.repeat(factors[0], axis=-3).repeat(factors[1], axis=-2)


@pytest.mark.parametrize("case", CASES[:2])
def test_finns_rtlsim_and_python_equal_numpy(rng, case):
    values = drawn(rng, case, 1)
    for run in (through_finn, executed):
        np.testing.assert_array_equal(run(upsample(*case), values)[0], repeated(values, case[3]))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stalls", [(0.7, 0.0), (0.4, 0.4)])
def test_stalls_change_nothing(rng, case, stalls):
    values = drawn(rng, case, 5)
    run = streamed(upsample(*case), values, stall_in=stalls[0], stall_out=stalls[1], seed=3)
    np.testing.assert_array_equal(run.outputs[0].squeeze(1), repeated(values, case[3]))


@pytest.mark.parametrize("case", CASES)
def test_a_frame_takes_the_expected_cycles(rng, case):
    model = upsample(*case)
    assert streamed(model, drawn(rng, case, 4)).interval() == op_of(model).get_exp_cycles()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"HO": 7}, "HO=7 is no multiple of HI=3"),
        ({"SIMD": 4}, "SIMD=4 does not divide elements=6"),
        ({"inputDataType": "FLOAT32"}, "FLOAT32 is no integer type"),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(changes, message):
    model = upsample(*CASES[0])
    for name, value in changes.items():
        op_of(model).set_nodeattr(name, value)
    with pytest.raises(MsqError, match=f"UpsampleNearestNeighbour_rtl_0: {message}"):
        generated(model)
