"""ReverseSteps_rtl against NumPy's flip."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

pytestmark = pytest.mark.usefixtures("finn")

# shape of a frame, steps, PE, type
CASES = [
    ((5, 6), 5, 2, "INT4"),
    ((1, 3), 1, 1, "UINT3"),
    ((1, 4, 3), 4, 3, "UINT5"),
    ((12,), 3, 2, "INT6"),  # three steps of four elements, flattened
]


def reversal(case, **more):
    shape, steps, pe, kind = case
    attributes = {"Shape": [1, *shape], "Steps": steps, "PE": pe, "inputDataType": kind}
    ends = [([1, *shape], kind)]
    return one_node("ReverseSteps_rtl", ends, ends, **attributes | more)


def drawn(rng, case, frames):
    return random_integers(rng, case[3], (frames, *case[0]))


def reversed_steps(values, case):
    steps = values.reshape(len(values), case[1], -1)
    return np.flip(steps, 1).reshape(values.shape)


@pytest.mark.parametrize("case", [CASES[0], CASES[3]])
def test_finns_rtlsim_and_python_equal_numpy(rng, case):
    values = drawn(rng, case, 1)
    for run in (through_finn, executed):
        found = run(reversal(case), values)[0]
        np.testing.assert_array_equal(found, reversed_steps(values, case))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stalls", [(0.7, 0.0), (0.3, 0.7)])
def test_stalls_change_nothing(rng, case, stalls):
    values = drawn(rng, case, 7)
    run = streamed(reversal(case), values, stall_in=stalls[0], stall_out=stalls[1], seed=3)
    np.testing.assert_array_equal(run.outputs[0].squeeze(1), reversed_steps(values, case))


@pytest.mark.parametrize("case", CASES)
def test_a_frame_takes_the_expected_cycles(rng, case):
    model = reversal(case)
    assert streamed(model, drawn(rng, case, 4)).interval() == op_of(model).get_exp_cycles()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PE": 4}, "PE=4 does not divide elements=6"),
        ({"inputDataType": "FLOAT32"}, "FLOAT32 is no integer type"),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(changes, message):
    model = reversal(CASES[0], **changes)
    with pytest.raises(MsqError, match=f"ReverseSteps_rtl_0: {message}"):
        generated(model)
