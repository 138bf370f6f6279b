"""StreamingTable_rtl against a dictionary."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

pytestmark = pytest.mark.usefixtures("finn")

# channels, PE, type in, type out, first integer and number of entries
CASES = [
    (6, 2, "INT4", "INT5", -8, 16),
    (1, 1, "UINT3", "UINT1", 0, 8),
    (3, 3, "INT8", "INT8", -127, 255),
    (5, 1, "UINT8", "UINT4", 0, 256),
]


def entries_of(case):
    from qonnx.core.datatype import DataType

    kind = DataType[case[3]]
    rng = np.random.default_rng(0)
    return rng.integers(int(kind.min()), int(kind.max()) + 1, case[5]).tolist()


def table(case, **more):
    channels, pe, source, result, first, _ = case
    shape = [1, 2, 3, channels]
    kinds = {"inputDataType": source, "outputDataType": result}
    attributes = {"Shape": shape, "First": first, "Entries": entries_of(case), "PE": pe} | kinds
    return one_node("StreamingTable_rtl", [(shape, source)], [(shape, result)], **attributes | more)


def drawn(rng, case, frames):
    values = random_integers(rng, case[2], (frames, 2, 3, case[0]))
    return np.maximum(values, case[4])


def looked_up(values, case):
    named = dict(enumerate(entries_of(case), case[4]))
    return np.vectorize(named.__getitem__)(values)


@pytest.mark.parametrize("case", CASES[:2])
def test_finns_rtlsim_and_python_equal_a_dictionary(rng, case):
    values = drawn(rng, case, 1)
    for run in (through_finn, executed):
        np.testing.assert_array_equal(run(table(case), values)[0], looked_up(values, case))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stalls", [(0.7, 0.0), (0.4, 0.4)])
def test_stalls_change_nothing(rng, case, stalls):
    values = drawn(rng, case, 5)
    run = streamed(table(case), values, stall_in=stalls[0], stall_out=stalls[1], seed=3)
    np.testing.assert_array_equal(run.outputs[0].squeeze(1), looked_up(values, case))


def test_a_frame_takes_the_expected_cycles(rng):
    model = table(CASES[0])
    assert streamed(model, drawn(rng, CASES[0], 4)).interval() == op_of(model).get_exp_cycles()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PE": 4}, "PE=4 does not divide elements=6"),
        ({"inputDataType": "INT9"}, "INT9, and a table takes 8 bits at most"),
        ({"outputDataType": "FLOAT32"}, "FLOAT32 is no integer type"),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(changes, message):
    model = table(CASES[0], **changes)
    with pytest.raises(MsqError, match=f"StreamingTable_rtl_0: {message}"):
        generated(model)
