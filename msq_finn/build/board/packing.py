"""Arrays as the accelerator's DMAs read and write them: FINN's packed layout.

Of each innermost row of the folded shape one word: element 0 in the lowest bits, the next ones
above it without gaps, zeros up to a whole byte; the lowest byte comes first. Integer sizes are
spelled out, because NumPy's default integer has 32 bits on an armv7l board.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

_NAME = re.compile(r"(?:DataType\[')?(U?INT|FLOAT|FIXED<)(\d+)(?:,(\d+)>)?(?:'\])?$")

#: Types whose names have no number: bits, and whether they are signed.
_NAMED = {"BINARY": (1, False), "BIPOLAR": (1, False), "TERNARY": (2, True)}

#: Widest integers that float32, the driver's usual result, holds exactly.
_FLOAT32_BITS = 24


class Element(NamedTuple):
    """How one element is stored.

    Attributes:
        name: QONNX's name of its type.
        bits: of an element.
        signed: whether it is in two's complement.
        low: least value, in steps.
        high: largest value, in steps.
        step: value of the lowest bit, less than 1 for fixed point.
        floating: whether it is an IEEE number.
    """

    name: str
    bits: int
    signed: bool
    low: int
    high: int
    step: float
    floating: bool


def element(name: str) -> Element:
    """Read the name of a type, as QONNX or FINN's settings write it.

    Args:
        name: such as ``INT5``, ``DataType['UINT4']``, ``BIPOLAR``, ``FIXED<8,4>`` or ``FLOAT32``.

    Raises:
        ValueError: there is no such type, or it has more than 64 bits.

    >>> element("DataType['INT5']")[:5]
    ('INT5', 5, True, -16, 15)
    """
    plain = name[len("DataType['") : -len("']")] if name.startswith("DataType[") else name
    if plain in _NAMED:
        bits, signed = _NAMED[plain]
        low = {"BINARY": 0}.get(plain, -1)
        return Element(plain, bits, signed, low, 1, 1.0, False)
    found = _NAME.match(plain)
    if not found or bool(found[3]) != (found[1] == "FIXED<") or not 1 <= int(found[2]) <= 64:
        raise ValueError(f"{name!r} is no type that is packed here")
    kind, bits = found[1], int(found[2])
    if kind == "FLOAT":
        if bits not in (16, 32):
            raise ValueError(f"{name!r} is no type that is packed here")
        return Element(plain, bits, True, 0, 0, 1.0, True)
    if kind == "UINT":
        return Element(plain, bits, False, 0, (1 << bits) - 1, 1.0, False)
    step = 2.0 ** (int(found[3]) - bits) if kind == "FIXED<" else 1.0
    half = 1 << (bits - 1)
    return Element(plain, bits, True, -half, half - 1, step, False)


def pack(values: Any, kind: Element) -> Any:
    """Pack an array for the input DMA.

    Args:
        values: [..., elements], numbers that the type holds.
        kind: type of the elements.

    Returns:
        [..., bytes], uint8.

    Raises:
        ValueError: a value is none of the type's.

    >>> pack(np.array([[1, -2, 3]]), element("INT4")).tolist()
    [[225, 3]]
    """
    values = np.asarray(values)
    container = _container(kind.bits)
    if kind.floating:
        patterns = values.astype(f"<f{kind.bits // 8}").view(container)
    else:
        patterns = _patterns(values, kind).astype(container)
    octets = np.ascontiguousarray(patterns).view(np.uint8)
    if kind.bits == 8 * patterns.itemsize:
        return octets.reshape((*values.shape[:-1], -1))
    bits = np.unpackbits(octets, bitorder="little").reshape((*values.shape, -1))
    words = bits[..., : kind.bits].reshape((*values.shape[:-1], -1))
    return np.packbits(words, axis=-1, bitorder="little")


def unpack(octets: Any, kind: Element, elements: int) -> Any:
    """Unpack what the output DMA wrote.

    Args:
        octets: [..., bytes], uint8.
        kind: type of the elements.
        elements: of a row.

    Returns:
        [..., elements], float32, or float64 where integers of the type have more than 24 bits.

    >>> unpack(np.array([[225, 3]], dtype=np.uint8), element("INT4"), 3).tolist()
    [[1.0, -2.0, 3.0]]
    """
    octets = np.ascontiguousarray(octets, dtype=np.uint8)
    shape = (*octets.shape[:-1], elements)
    container = _container(kind.bits)
    if kind.bits == 8 * container.itemsize:
        patterns = octets.view(container)
    else:
        bits = np.unpackbits(octets, axis=-1, bitorder="little")[..., : elements * kind.bits]
        wide = np.zeros((*shape, 8 * container.itemsize), dtype=np.uint8)
        wide[..., : kind.bits] = bits.reshape((*shape, kind.bits))
        patterns = np.packbits(wide.reshape(-1), bitorder="little").view(container).reshape(shape)
    result = np.float32 if kind.floating or kind.bits <= _FLOAT32_BITS else np.float64
    if kind.floating:
        return patterns.view(f"<f{kind.bits // 8}").astype(result)
    if kind.name == "BIPOLAR":
        return patterns.astype(result) * 2 - 1
    if kind.signed:
        # Shifted to the top, the sign bit is that of the container's signed counterpart.
        shift = container.type(8 * container.itemsize - kind.bits)
        signed = np.dtype(f"<i{container.itemsize}")
        patterns = (patterns << shift).view(signed) >> signed.type(shift)
    return (patterns * result(kind.step)).astype(result)


def size(shape: tuple[int, ...]) -> int:
    """Count the elements of a shape, beyond 32 bits where need be.

    Args:
        shape: lengths of the axes.

    >>> size((70000, 70000))
    4900000000
    """
    product = 1
    for length in shape:
        product *= int(length)
    return product


def _container(bits: int) -> Any:
    """The least unsigned type that holds so many bits, its lowest byte first."""
    return np.dtype(f"<u{next(n for n in (1, 2, 4, 8) if bits <= 8 * n)}")


def _patterns(values: Any, kind: Element) -> Any:
    """Values as integers modulo 2**64, after a check that the type holds them."""
    steps = np.asarray(values / kind.step if kind.step != 1 else values)
    if steps.dtype.kind not in "biuf":
        raise ValueError(f"numbers are packed, not {steps.dtype}")
    wrong = (steps < kind.low) | (steps > kind.high)
    if steps.dtype.kind == "f":
        wrong |= steps != np.rint(steps)
    if kind.name == "BIPOLAR":
        wrong |= steps == 0
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{values[where]} at {list(where)} is no {kind.name}")
    if kind.name == "BIPOLAR":
        steps = steps > 0
    if steps.dtype.kind == "u":
        return steps.astype(np.uint64)
    if steps.dtype.kind == "f" and kind.bits == 64 and not kind.signed:
        return steps.astype(np.uint64)
    return steps.astype(np.int64).view(np.uint64)
