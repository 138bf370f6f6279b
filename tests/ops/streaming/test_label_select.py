"""LabelSelect_rtl against a stable sort."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

pytestmark = pytest.mark.usefixtures("finn")

# vectors, labels, PE, K, type; few levels, so that ties are the rule
CASES = [
    ([1], 10, 1, 1, "INT8"),
    ([4], 12, 3, 5, "INT3"),
    ([2], 7, 7, 2, "UINT2"),
    ([1], 6, 2, 6, "UINT1"),
]


def select(vectors, labels, pe, k, source, op_type="LabelSelect_rtl", **attributes):
    given = {
        "Labels": labels,
        "PE": pe,
        "K": k,
        "inputDataType": source,
        "outputDataType": "UINT8",
        "numInputVectors": vectors,
    } | attributes
    return one_node(op_type, [([*vectors, labels], source)], [([*vectors, k], "UINT8")], **given)


def top(values, k):
    """Stable: the lower label of equal values comes first."""
    return np.argsort(-values, axis=-1, kind="stable")[..., :k]


@pytest.mark.parametrize("case", CASES)
def test_finns_rtlsim_and_python_equal_a_stable_sort(rng, case):
    vectors, labels, _, k, source = case
    values = random_integers(rng, source, (*vectors, labels))
    for run in (through_finn, executed):
        (out,) = run(select(*case), values)
        np.testing.assert_array_equal(out, top(values, k))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stalls", [(0.0, 0.0), (0.3, 0.0), (0.2, 0.7)])
def test_stalls_change_nothing(rng, case, stalls):
    vectors, labels, _, k, source = case
    values = random_integers(rng, source, (20, *vectors, labels))
    values[3:6] = values[3, ..., :1]  # all labels tie
    run = streamed(select(*case), values, stall_in=stalls[0], stall_out=stalls[1], seed=5)
    np.testing.assert_array_equal(run.outputs[0], top(values, k))


@pytest.mark.parametrize("case", CASES)
def test_a_frame_takes_the_expected_cycles(rng, case):
    vectors, labels, _, _, source = case
    model = select(*case)
    values = random_integers(rng, source, (6, *vectors, labels))
    assert streamed(model, values).interval() == op_of(model).get_exp_cycles()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PE": 4}, "LabelSelect_rtl_0: PE=4 does not divide elements=10"),
        ({"K": 11}, "LabelSelect_rtl_0: K=11 is not 1 to 10"),
        ({"outputDataType": "UINT3"}, "LabelSelect_rtl_0: UINT3 does not hold label 9"),
        ({"inputDataType": "FLOAT32"}, "LabelSelect_rtl_0: FLOAT32 is no integer type"),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(changes, message):
    with pytest.raises(MsqError, match=message):
        generated(select(*CASES[0], **changes))
