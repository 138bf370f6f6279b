"""Integers to the words of a stream, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_UNSIGNED = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


def pack(values: NDArray[np.integer[Any]], bits: int) -> NDArray[np.uint8]:
    """Put integers side by side into words, element 0 in the low bits.

    Args:
        values: [words, elements]; negative ones become two's complement.
        bits: of an element, up to 64.

    Returns:
        [words, bytes], the lowest byte first, padded with zeros above.

    Raises:
        ValueError: a value does not fit.

    >>> pack(np.array([[1, -1]]), 4)
    array([[241]], dtype=uint8)
    """
    values = np.asarray(values)
    low, high = (values.min(initial=0), values.max(initial=0))
    if not 1 <= bits <= 64 or high >= 1 << bits or low < -(1 << bits - 1):
        raise ValueError(f"values from {low} to {high} do not fit into {bits} bits")
    unsigned = values.astype(np.int64 if values.dtype.kind == "i" else np.uint64).view(np.uint64)
    if bits in _UNSIGNED:
        narrow = unsigned.astype(_UNSIGNED[bits]).astype(f"<u{bits // 8}")
        return narrow.view(np.uint8).reshape(len(values), values.shape[1] * bits // 8)
    lanes = np.ascontiguousarray(unsigned.astype("<u8"))[..., None].view(np.uint8)
    planes = np.unpackbits(lanes, axis=-1, count=bits, bitorder="little")
    return np.packbits(
        planes.reshape(len(values), values.shape[1] * bits), axis=-1, bitorder="little"
    )


def unpack(words: NDArray[np.uint8], bits: int, elements: int, signed: bool) -> NDArray[np.int64]:
    """Take words apart, the inverse of :func:`pack`.

    Args:
        words: [words, bytes], the lowest byte first; bits above the elements are ignored.
        bits: of an element, up to 64 (up to 63 where unsigned).
        signed: whether elements are two's complement.

    Returns:
        [words, elements].

    Raises:
        ValueError: the words are too short for their elements, or the elements too wide.

    >>> unpack(np.array([[241]], dtype=np.uint8), 4, 2, True)
    array([[ 1, -1]])
    """
    if not 1 <= bits <= 63 + signed or words.shape[1] * 8 < bits * elements:
        raise ValueError(f"words of {words.shape[1]} bytes hold no {elements} x {bits} bits")
    planes = np.unpackbits(words, axis=-1, count=bits * elements, bitorder="little")
    planes = planes.reshape(len(words), elements, bits)
    lanes = np.packbits(planes, axis=-1, bitorder="little")
    wide = np.zeros((len(words), elements, 8), np.uint8)
    wide[..., : lanes.shape[-1]] = lanes
    values = wide.view("<i8")[..., 0]
    if signed and bits < 64:
        shift = 64 - bits
        values = (values << shift) >> shift
    return values.astype(np.int64)
