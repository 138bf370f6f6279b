"""DuplicateStreams_rtl: every output gets every word once, in order, in its own time."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

pytestmark = pytest.mark.usefixtures("finn")

# vectors, channels, PE, outputs, type
CASES = [([1, 3, 3], 6, 2, 2, "UINT4"), ([4], 5, 5, 3, "INT3")]


def duplicate(vectors, channels, pe, outputs, datatype, op_type="DuplicateStreams_rtl", **attrs):
    shape = [*vectors, channels]
    return one_node(
        op_type,
        [(shape, datatype)],
        [(shape, datatype)] * outputs,
        NumChannels=channels,
        PE=pe,
        NumOutputStreams=outputs,
        inputDataType=datatype,
        numInputVectors=vectors,
        outFIFODepths=[2] * outputs,
        **attrs,
    )


@pytest.mark.parametrize("case", CASES)
def test_finns_rtlsim_and_python_equal_the_input(rng, case):
    vectors, channels, _, outputs, datatype = case
    values = random_integers(rng, datatype, (*vectors, channels))
    for run in (through_finn, executed):
        results = run(duplicate(*case), values)
        assert len(results) == outputs
        for out in results:
            np.testing.assert_array_equal(out, values)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_stalls_change_nothing(rng, case, seed):
    """Outputs stall independently of each other here."""
    vectors, channels, _, _, datatype = case
    values = random_integers(rng, datatype, (8, *vectors, channels))
    run = streamed(duplicate(*case), values, stall_in=0.2, stall_out=0.6, seed=seed)
    for out in run.outputs:
        np.testing.assert_array_equal(out, values)


@pytest.mark.parametrize("case", CASES)
def test_a_frame_takes_the_expected_cycles(rng, case):
    vectors, channels, _, _, datatype = case
    model = duplicate(*case)
    values = random_integers(rng, datatype, (3, *vectors, channels))
    assert streamed(model, values).interval() == op_of(model).get_exp_cycles()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({2: 4}, "DuplicateStreams_rtl_0: PE=4 does not divide elements=6"),
        ({"NumOutputStreams": 3}, "NumOutputStreams=3 but it has 2 outputs"),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(changes, message):
    model = duplicate(*(changes.get(i, value) for i, value in enumerate(CASES[0])))
    for name, value in changes.items():
        if isinstance(name, str):
            op_of(model).set_nodeattr(name, value)
    with pytest.raises(MsqError, match=message):
        generated(model)
