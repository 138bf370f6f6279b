"""ElementwiseAddInt_rtl against NumPy sums."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.errors import MsqError

from .nodes import executed, generated, one_node, op_of, random_integers, streamed, through_finn

pytestmark = pytest.mark.usefixtures("finn")

# shape, PE, left, right and output type
CASES = [
    ([1, 2, 3, 6], 3, "UINT4", "UINT4", "UINT5"),
    ([4, 5], 5, "INT3", "UINT6", "INT8"),
    ([1, 4], 1, "INT8", "INT4", "INT9"),
    ([3, 4], 2, "UINT2", "INT5", "INT32"),
]


def add(shape, pe, lhs, rhs, out, op_type="ElementwiseAddInt_rtl", **attributes):
    given = {
        "lhs_shape": shape,
        "rhs_shape": shape,
        "out_shape": shape,
        "lhs_dtype": lhs,
        "rhs_dtype": rhs,
        "out_dtype": out,
        "PE": pe,
    } | attributes
    sides = [(given["lhs_shape"], lhs), (given["rhs_shape"], rhs)]
    return one_node(op_type, sides, [(shape, out)], **given)


def operands(rng, case, frames):
    shape, _, lhs, rhs, _ = case
    return [random_integers(rng, side, (frames, *shape)) for side in (lhs, rhs)]


@pytest.mark.parametrize("case", CASES)
def test_finns_rtlsim_and_python_equal_numpy(rng, case):
    (lhs,), (rhs,) = operands(rng, case, 1)
    for run in (through_finn, executed):
        (out,) = run(add(*case), lhs, rhs)
        np.testing.assert_array_equal(out, lhs + rhs)


@pytest.mark.parametrize("case", CASES[:3])
@pytest.mark.parametrize("seed", range(2))
def test_stalls_change_nothing(rng, case, seed):
    lhs, rhs = operands(rng, case, 8)
    run = streamed(add(*case), lhs, rhs, stall_in=0.4, stall_out=0.3, seed=seed)
    np.testing.assert_array_equal(run.outputs[0], lhs + rhs)


@pytest.mark.parametrize("case", CASES[:2])
def test_a_frame_takes_the_expected_cycles(rng, case):
    model = add(*case)
    assert streamed(model, *operands(rng, case, 3)).interval() == op_of(model).get_exp_cycles()


def test_finns_minimal_output_type_is_wide_enough(rng):
    """MinimizeAccumulatorWidth sets it before code generation."""
    model = add([2, 4], 2, "UINT6", "INT3", "INT32")
    assert op_of(model).minimize_accumulator_width(model).name == "INT8"
    lhs, rhs = (random_integers(rng, t, (2, 4)) for t in ("UINT6", "INT3"))
    lhs[0], rhs[0] = (0, 63, 0, 63), (-4, -4, 3, 3)
    np.testing.assert_array_equal(through_finn(model, lhs, rhs)[0], lhs + rhs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PE": 4}, "ElementwiseAddInt_rtl_0: PE=4 does not divide elements=6"),
        ({"lhs_style": "const"}, "ElementwiseAddInt_rtl_0: lhs is a constant"),
        ({"rhs_shape": [1, 1, 1, 6]}, r"rhs of shape \[1, 1, 1, 6\] is broadcast to"),
        ({"rhs_dtype": "FLOAT32"}, "FLOAT32 is no integer type"),
        ({"out_dtype": "UINT4"}, "UINT4 does not hold a sum of 30"),
    ],
)
def test_what_the_hardware_cannot_do_is_refused(changes, message):
    with pytest.raises(MsqError, match=message):
        generated(add(*CASES[0], **changes))
