"""Schemes against enumerations of the papers' definitions, made here from fractions."""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_finn import schemes
from msq_finn.errors import MsqError
from msq_finn.schemes import Fixed, Scheme

ALL = [
    schemes.get(f"{family}_{m}") for family in ("fixed", "sp2", "pot", "apot") for m in range(3, 9)
]
HALF = Fraction(1, 2)


def signed(magnitudes):
    return sorted({s * v for v in magnitudes for s in (1, -1)})


def sp2_levels(m):
    """MSQ, equation 8."""
    m1 = next(m1 for m1 in range(m) if m1 - (m - 1 - m1) in (0, 1))
    terms = [{Fraction(0)} | {HALF**i for i in range(1, 2**n)} for n in (m1, m - 1 - m1)]
    return signed(a + b for a, b in product(*terms))


def pot_levels(m):
    return signed({Fraction(0)} | {HALF**i for i in range(2 ** (m - 1) - 1)})


def fixed_levels(m):
    top = 2 ** (m - 1) - 1
    return [Fraction(i, top) for i in range(-top, top + 1)]


def apot_levels(m):
    """Li et al., equation 5 with k = 2, for even numbers of magnitude bits."""
    n = (m - 1) // 2
    terms = [{Fraction(0)} | {HALF ** (i + j * n) for j in range(3)} for i in range(n)]
    sums = [sum(choice) for choice in product(*terms)]
    return signed(value / max(sums) for value in sums)


REFERENCE = [
    *[(f"sp2_{m}", sp2_levels(m)) for m in range(3, 9)],
    *[(f"pot_{m}", pot_levels(m)) for m in range(3, 9)],
    *[(f"fixed_{m}", fixed_levels(m)) for m in range(3, 9)],
    *[(f"apot_{m}", apot_levels(m)) for m in (3, 5, 7)],
]


@pytest.mark.parametrize(("name", "expected"), REFERENCE, ids=[name for name, _ in REFERENCE])
def test_levels_are_the_papers(name, expected):
    scheme = schemes.get(name)
    assert scheme.levels().tolist() == [float(level) for level in expected]
    assert [Fraction(int(i), scheme.grid_max) for i in scheme.grid()] == expected


def test_sp2_4_levels_are_the_papers_list():
    magnitudes = [0, 1 / 8, 1 / 4, 1 / 2, 5 / 8, 3 / 4, 1]
    assert schemes.get("sp2_4").levels().tolist() == signed(magnitudes)


def test_sp2_counts():
    counts = [len(schemes.get(f"sp2_{m}").levels()) for m in range(3, 9)]
    assert counts == [5, 13, 15, 47, 59, 187]


def test_apot_4_levels_are_the_authors():
    """Three magnitude bits: the authors' terms are {0, 1/2, 1/4, 1/16} and {0, 1/8}."""
    terms = [0, HALF, HALF**2, HALF**4], [0, HALF**3]
    sums = [a + b for a, b in product(*terms)]
    expected = [float(level) for level in signed(value / max(sums) for value in sums)]
    assert schemes.get("apot_4").levels().tolist() == expected


@pytest.mark.parametrize(
    ("name", "grid_max", "grid_bits"),
    [("sp2_4", 8, 5), ("fixed_4", 7, 4), ("pot_4", 64, 8), ("apot_4", 10, 5), ("sp2_8", 32768, 17)],
)
def test_grid_width_holds_the_grid(name, grid_max, grid_bits):
    scheme = schemes.get(name)
    assert (scheme.grid_max, scheme.grid_bits) == (grid_max, grid_bits)
    assert -(2 ** (grid_bits - 1)) <= -grid_max
    assert grid_max <= 2 ** (grid_bits - 1) - 1
    assert grid_max > 2 ** (grid_bits - 2) - 1


def test_sp2_4_code_is_sign_q1_q2():
    for code in range(16):
        magnitude = [0, 1, 2, 4][code >> 1 & 3] + [0, 4][code & 1]
        value = -magnitude if code >> 3 else magnitude
        assert schemes.get("sp2_4").decode([code]) == value
    assert schemes.get("sp2_4").encode([0, 4, -4, 8]).tolist() == [0, 1, 9, 7]


def test_fixed_code_is_twos_complement():
    ints = np.arange(-7, 8)
    assert Fixed(4).encode(ints).tolist() == [int(i) & 15 for i in ints]


@pytest.mark.parametrize("scheme", ALL, ids=lambda s: s.name)
def test_codes_round_trip(scheme):
    grid = scheme.grid()
    codes = scheme.encode(grid)
    assert codes.max() < 2**scheme.bits
    assert scheme.decode(codes).tolist() == grid.tolist()
    most_negative = 2 ** (scheme.bits - 1)
    unused = {most_negative} if scheme.name.startswith("fixed") else set()
    legal = [code for code in range(2**scheme.bits) if code not in unused]
    assert set(scheme.decode(legal).tolist()) == set(grid.tolist())


@pytest.mark.parametrize("scheme", ALL, ids=lambda s: s.name)
def test_holds_exactly_the_grid(scheme):
    candidates = np.arange(-min(scheme.grid_max, 1000) - 2, min(scheme.grid_max, 1000) + 3)
    grid = set(scheme.grid().tolist())
    assert scheme.holds(candidates).tolist() == [int(i) in grid for i in candidates]
    assert scheme.holds(candidates.reshape(-1, 1)).shape == (len(candidates), 1)
    assert not scheme.holds([0.5]).any()


weights = st.floats(-4, 4).filter(lambda w: w == 0 or abs(w) > 1e-9)
alphas = st.floats(0.01, 100)


@pytest.mark.parametrize("scheme", ALL, ids=lambda s: s.name)
@given(w=weights, alpha=alphas)
def test_project_is_nearest(scheme, w, alpha):
    got = float(scheme.project([w], alpha)[0])
    distances = np.abs(w - alpha * scheme.levels())
    assert got in alpha * scheme.levels()
    assert abs(w - got) <= distances.min() * (1 + 1e-12) + 1e-300


@pytest.mark.parametrize("scheme", ALL, ids=lambda s: s.name)
@given(w=weights, alpha=alphas, shift=st.integers(-8, 8))
def test_project_is_idempotent_odd_and_equivariant(scheme, w, alpha, shift):
    once = scheme.project([w], alpha)
    assert scheme.project(once, alpha) == once
    assert scheme.project([-w], alpha) == -once
    assert scheme.project([w * 2.0**shift], alpha * 2.0**shift) == once * 2.0**shift


@pytest.mark.parametrize("scheme", ALL, ids=lambda s: s.name)
def test_halfway_goes_to_the_even_index(scheme):
    magnitudes = [int(i) for i in scheme.grid() if i >= 0]
    for i, (low, high) in enumerate(pairwise(magnitudes)):
        even = low if i % 2 == 0 else high
        halfway = (low + high) / 2
        assert scheme.project_ints([halfway, -halfway], scheme.grid_max).tolist() == [even, -even]


def test_fixed_rounds_half_to_even():
    w = np.arange(-6.5, 7)
    assert Fixed(4).project_ints(w, 7.0).tolist() == np.round(w).astype(int).tolist()


def test_alpha_broadcasts_over_rows():
    w = np.array([[1.0, 0.5], [2.0, 1.0]])
    assert Fixed(4).project_ints(w, [[1.0], [2.0]]).tolist() == [[7, 4], [7, 4]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_is_refused(bad):
    with pytest.raises(MsqError, match=r"index \(1, 0\) is not a finite number"):
        schemes.get("sp2_4").project([[0.0, 1.0], [bad, 1.0]], 1.0)


@pytest.mark.parametrize("alpha", [0.0, -1.0, np.nan, np.inf])
def test_bad_alpha_is_refused(alpha):
    with pytest.raises(MsqError, match="alpha must be positive and finite"):
        schemes.get("fixed_4").project_ints([1.0], alpha)


def test_values_off_the_grid_have_no_code():
    with pytest.raises(MsqError, match="sp2_4 has no code for 3"):
        schemes.get("sp2_4").encode([1, 3, 7])
    with pytest.raises(MsqError, match="fixed_4 has no code for -8"):
        schemes.get("fixed_4").encode([-8])


@pytest.mark.parametrize("code", [8, 16, -1])
def test_codes_that_stand_for_nothing_are_refused(code):
    with pytest.raises(MsqError, match=f"{code} is no 4-bit code of fixed_4"):
        schemes.get("fixed_4").decode([0, code])


@pytest.mark.parametrize("family", [schemes.SP2, schemes.Fixed, schemes.PoT, schemes.APoT])
@pytest.mark.parametrize("bits", [1, 9])
def test_bits_out_of_range_are_refused(family, bits):
    with pytest.raises(MsqError, match=f"{bits} bits per weight; choose 2 to 8"):
        family(bits)


class Lopsided(Scheme):
    def code_values(self):
        return [0, 1, 2, -1]


class Odd(Scheme):
    """A third party's scheme: odd integers and zero."""

    def code_values(self):
        return [0, 1, 3, 5, None, -1, -3, -5]


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(schemes, "_REGISTRY", dict(schemes._REGISTRY))


@pytest.mark.usefixtures("registry")
def test_third_party_scheme_is_registered_by_name():
    schemes.register(Odd("odd_3", 3))
    odd = schemes.get("odd_3")
    assert odd.grid().tolist() == [-5, -3, -1, 0, 1, 3, 5]
    assert odd.project_ints([2.1, -4.9, 0.4], 5.0).tolist() == [3, -5, 0]
    assert odd.decode(odd.encode([-3, 0])).tolist() == [-3, 0]
    assert "odd_3" in schemes.names()


@pytest.mark.usefixtures("registry")
def test_name_clash_is_refused():
    with pytest.raises(MsqError, match="sp2_4 is registered already"):
        schemes.register(Odd("sp2_4", 4))


def test_unknown_name_is_refused():
    with pytest.raises(MsqError, match="no scheme is named 'sp2_2'"):
        schemes.get("sp2_2")


def test_asymmetric_code_values_are_refused():
    with pytest.raises(MsqError, match="lopsided: code values must contain 0 and be symmetric"):
        Lopsided("lopsided", 3).grid()
