import numpy as np
import pytest

from msq_finn.errors import MsqError
from msq_finn.lanes import LaneCounts

MIXED = LaneCounts({"fixed_4_dsp": 1, "sp2_4_lut": 2})

# SP2(4) codes by hand: sign, two bits for the first term (0, 1, 2, 4), one for the second (0, 4).
SP2_CODES = {
    0: 0,
    1: 2,
    2: 4,
    4: 1,
    5: 3,
    6: 5,
    8: 7,
    -1: 10,
    -2: 12,
    -4: 9,
    -5: 11,
    -6: 13,
    -8: 15,
}


def test_rows_interleave_over_lanes():
    names = [kind.name for kind in MIXED.row_kinds(6)]
    assert names == ["sp2_4_lut", "sp2_4_lut", "fixed_4_dsp"] * 2
    assert MIXED.pe == 3
    assert MIXED["fixed_4_dsp"] == 1


def test_each_row_is_encoded_for_its_lane():
    sp2 = np.array(list(SP2_CODES))
    fixed = np.resize(np.arange(-7, 8), sp2.size)
    codes = MIXED.encode(np.stack([sp2, sp2, fixed], axis=1))
    np.testing.assert_array_equal(codes[:, 0], list(SP2_CODES.values()))
    np.testing.assert_array_equal(codes[:, 2], fixed % 16)


def test_only_lut_lanes_leave_offsets():
    weights = np.array([[-8, 5, -7], [-1, 0, 7]])
    # Two negative weights on lane 0: 2 * (2**7 - 5) for 4-bit unsigned, 2 * -5 for signed inputs.
    np.testing.assert_array_equal(MIXED.row_offsets(weights, 4, False), [246, 0, 0])
    np.testing.assert_array_equal(MIXED.row_offsets(weights, 4, True), [-10, 0, 0])


def test_a_row_on_a_lane_of_another_scheme_is_refused():
    with pytest.raises(MsqError, match=r"row 1 .* sp2_4 does not hold its values \[3\]"):
        MIXED.encode(np.array([[1, 3, 1]]))


def test_the_last_lanes_have_a_row_less_where_pe_does_not_divide():
    names = [kind.name for kind in MIXED.row_kinds(8)]
    assert names == (["sp2_4_lut", "sp2_4_lut", "fixed_4_dsp"] * 3)[:8]
    for rows in range(1, 9):
        kinds = [kind.name for kind in MIXED.row_kinds(rows)]
        assert MIXED.rows_taken(rows) == {name: kinds.count(name) for name in MIXED}
