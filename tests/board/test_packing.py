"""The board's packing, against FINN's."""

from __future__ import annotations

import numpy as np
import pytest

from msq_finn.build.board.packing import element, pack, unpack

#: Every width of integers that has a container of its own, and their neighbours.
INTEGERS = [f"{sign}INT{b}" for sign in ("", "U") for b in (*range(2, 18), 23, 24, 25, 31, 32, 33)]
OTHERS = ["BINARY", "BIPOLAR", "TERNARY", "FIXED<8,4>", "FIXED<12,3>", "FIXED<5,1>"]
FLOATS = ["FLOAT16", "FLOAT32"]


def values_of(name, shape):
    """Values of a type that float32 holds, the least and the largest among them."""
    random, kind = np.random.default_rng(7), element(name)
    if kind.floating:
        return random.standard_normal(shape).astype(np.float16).astype(np.float32)
    values = random.integers(kind.low, kind.high, size=shape, endpoint=True)
    values.flat[:2] = kind.low, kind.high
    if name == "BIPOLAR":
        values[values == 0] = 1
    spare = max(0, kind.bits - 24)
    return (values >> spare << spare).astype(np.float32) * np.float32(kind.step)


@pytest.mark.parametrize("elements", [1, 3, 8])
@pytest.mark.parametrize("name", [*INTEGERS, *OTHERS, *FLOATS])
def test_bytes_are_those_of_finn(name, elements):
    from finn.util.data_packing import finnpy_to_packed_bytearray, packed_bytearray_to_finnpy
    from qonnx.core.datatype import DataType

    shape, options = (2, 3, elements), {"reverse_inner": True, "reverse_endian": True}
    values, kind, datatype = values_of(name, shape), element(f"DataType['{name}']"), DataType[name]
    assert kind.bits == datatype.bitwidth()
    words = pack(values, kind)
    expected = finnpy_to_packed_bytearray(values, datatype, **options)
    assert words.dtype == np.uint8
    np.testing.assert_array_equal(words, expected)
    found = unpack(words, kind, elements)
    assert found.shape == shape
    assert found.dtype == (np.float32 if kind.bits <= 24 or kind.floating else np.float64)
    np.testing.assert_array_equal(found, values)
    if name != "FIXED<8,4>":  # of which FINN's shortcut for whole bytes makes other numbers
        given = np.ascontiguousarray(expected)
        finns = packed_bytearray_to_finnpy(given, datatype, shape, **options)
        np.testing.assert_array_equal(found, finns.reshape(shape))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64, np.float64, bool])
def test_values_may_come_in_any_type(kind):
    values = np.array([[0, 1, 1, 0, 1]], dtype=kind)
    np.testing.assert_array_equal(pack(values, element("UINT4")), [[0x10, 0x01, 0x01]])


def test_wide_integers_keep_every_bit():
    values = np.array([[(1 << 40) + 1, -(1 << 52), 3]])
    kind = element("INT53")
    np.testing.assert_array_equal(unpack(pack(values, kind), kind, 3), values)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("UINT4", 16, r"16.0 at \[1, 2\] is no UINT4"),
        ("INT4", -9, r"-9.0 at \[1, 2\] is no INT4"),
        ("INT4", 0.5, r"0.5 at \[1, 2\] is no INT4"),
        ("UINT4", np.nan, r"nan at \[1, 2\] is no UINT4"),
        ("UINT4", -1, r"-1.0 at \[1, 2\] is no UINT4"),
        ("BIPOLAR", 0, r"0.0 at \[1, 2\] is no BIPOLAR"),
        ("FIXED<4,2>", 0.3, r"0.3 at \[1, 2\] is no FIXED<4,2>"),
    ],
)
def test_what_a_type_does_not_hold_is_refused(name, value, said):
    values = np.ones((2, 3))
    values[1, 2] = value
    with pytest.raises(ValueError, match=said):
        pack(values, element(name))


def test_numbers_only():
    with pytest.raises(ValueError, match="numbers are packed, not complex128"):
        pack(np.ones(3, dtype=complex), element("UINT4"))


@pytest.mark.parametrize("name", ["UINT", "INT0", "INT65", "FLOAT8", "FIXED<8>", "INT<4,2>", "X"])
def test_unknown_types_are_named(name):
    with pytest.raises(ValueError, match=f"'{name}' is no type that is packed here"):
        element(name)
