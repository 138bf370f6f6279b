import numpy as np
import pytest

from msq_finn.transforms.row_schemes import row_schemes

from .graphs import mixed_weights

CANDIDATES = ("sp2_4", "fixed_4")


def test_rows_are_recovered_from_their_integers(rng):
    kinds = ["sp2", "fixed", "fixed", "sp2", "fixed"]
    found = row_schemes(mixed_weights(rng, 20, kinds), CANDIDATES)
    assert found == [(f"{kind}_4",) for kind in kinds]


def test_rows_on_both_grids_may_be_either():
    assert row_schemes(np.array([[1], [-6], [0]]), CANDIDATES) == [CANDIDATES]


@pytest.mark.parametrize("row", [[8, 3], [-8, 7], [9, 0], [-12, 1]])
def test_a_row_of_no_scheme_is_found(row):
    weights = np.array([[1, row[0]], [2, row[1]]])
    assert row_schemes(weights, CANDIDATES) == [CANDIDATES, ()]
