"""Tables of embedded lanes: in whatever groups, they add up to the product and a constant."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_finn.errors import MsqError
from msq_finn.lanes.constants import lane_groups, layer_tables, share_out


def lookup(group, fold: int, bits: np.ndarray, size: int) -> int:
    """What a group's LUTs give for one bit of every activation."""
    address = (fold << size) + sum(int(bits[m]) << i for i, m in enumerate(group.members))
    return sum((word >> address & 1) << b for b, word in enumerate(group.table))


@given(st.integers(1, 16), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_tables_are_sums_less_their_minimum(folds, simd, seed):
    rng = np.random.default_rng(seed)
    weights = rng.integers(-rng.integers(1, 65), rng.integers(1, 65), size=(folds, simd))
    size = 5 - int(np.ceil(np.log2(folds)))
    groups = lane_groups(weights)
    for fold in range(folds):
        bits = rng.integers(2, size=simd)
        total = sum(lookup(group, fold, bits, size) for group in groups)
        assert total == weights[fold] @ bits - np.minimum(weights[fold], 0).sum()
    for group in groups:
        assert not any(group.table[: group.lo]) and len(group.table) == group.hi


def test_every_used_column_is_in_one_group():
    rng = np.random.default_rng(0)
    magnitudes = rng.integers(0, 3, size=(2, 40))
    groups = share_out(magnitudes, 4)
    assert (
        sorted(column for group in groups for column in group)
        == np.flatnonzero(magnitudes.any(axis=0)).tolist()
    )
    assert max(map(len, groups)) <= 4


def test_grouping_saves_bits_over_taking_columns_as_they_come():
    rng = np.random.default_rng(0)
    magnitudes = np.abs(rng.integers(-7, 8, size=(4, 16)))

    def bits(groups):
        return sum(int(magnitudes[:, g].sum(axis=1).max()).bit_length() for g in groups)

    assert bits(share_out(magnitudes, 3)) < bits(
        [range(i, min(16, i + 3)) for i in range(0, 16, 3)]
    )


def test_a_row_of_zeros_has_an_empty_table():
    (group,) = lane_groups(np.zeros((2, 4), dtype=int))
    assert not any(group.table)


def test_too_many_folds_are_refused():
    with pytest.raises(MsqError, match="17 folds do not fit into LUTs, which hold 16"):
        layer_tables(np.ones((1, 17, 2), dtype=int))
