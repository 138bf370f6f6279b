import itertools

import pytest
from msq_finn.transforms.set_lanes import Folding, foldings

SP2, FIXED, EITHER = ("sp2_4",), ("fixed_4",), ("sp2_4", "fixed_4")


def brute_force(mw, rows):
    """Every (SIMD, SP2 lanes, fixed lanes) whose lanes can be filled with these rows exactly."""
    mh = len(rows)
    legal = set()
    for simd, sp2, fixed in itertools.product(range(1, mw + 1), range(mh + 1), range(mh + 1)):
        pe = sp2 + fixed
        if not pe or mw % simd or mh % pe:
            continue
        fold = mh // pe
        choices = itertools.product(*[[name[0] for name in row] for row in rows])
        if any(sum(c == "s" for c in choice) == sp2 * fold for choice in choices):
            legal.add((simd, sp2, fixed))
    return legal


@pytest.mark.parametrize(
    "rows",
    [
        [SP2] * 4 + [FIXED] * 4,
        [SP2] * 3 + [FIXED] * 5,
        [SP2] * 2 + [EITHER] * 3 + [FIXED] * 1,
        [EITHER] * 6,
        [FIXED] * 8,
        [SP2] * 8,
    ],
)
def test_foldings_are_legal_and_use_the_fewest_sp2_lanes(rows):
    legal = brute_force(6, rows)
    found = {(f.simd, f.pe_sp2, f.pe_fixed) for f in foldings(6, rows)}
    fewest = {}
    for simd, sp2, fixed in legal:
        key = (simd, sp2 + fixed)
        fewest[key] = min(fewest.get(key, sp2), sp2)
    assert found == {(simd, sp2, pe - sp2) for (simd, pe), sp2 in fewest.items()}


def test_lanes_count_multipliers():
    assert Folding(simd=3, pe_sp2=2, pe_fixed=4).lanes == 18
