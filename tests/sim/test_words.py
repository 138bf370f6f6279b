import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_finn.sim.words import pack, unpack


@st.composite
def tables(draw):
    signed = draw(st.booleans())
    bits = draw(st.integers(1, 64 if signed else 63))
    words, elements = draw(st.integers(0, 5)), draw(st.integers(1, 9))
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    column = st.lists(st.integers(low, high), min_size=elements, max_size=elements)
    rows = draw(st.lists(column, min_size=words, max_size=words))
    return np.array(rows, dtype=np.int64).reshape(words, elements), bits, signed


@given(tables())
def test_pack_puts_element_zero_lowest_and_unpack_inverts(case):
    values, bits, signed = case
    words = pack(values, bits)
    for word, row in zip(words, values, strict=True):
        expected = sum((int(v) % (1 << bits)) << (bits * i) for i, v in enumerate(row))
        assert int.from_bytes(word.tobytes(), "little") == expected
    np.testing.assert_array_equal(unpack(words, bits, values.shape[1], signed), values)


@pytest.mark.parametrize("value", [8, -9, 16])
def test_values_that_do_not_fit_are_refused(value):
    if value == 8:
        pack(np.array([[value]]), 4)  # fits as an unsigned number
    else:
        with pytest.raises(ValueError, match="do not fit into 4 bits"):
            pack(np.array([[value]]), 4)


def test_short_words_are_refused():
    with pytest.raises(ValueError, match="hold no 3 x 4 bits"):
        unpack(np.zeros((1, 1), np.uint8), 4, 3, False)
