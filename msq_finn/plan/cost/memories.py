"""Sizes of memories: LUT sites and block RAMs."""

from __future__ import annotations

import math


def bits(number: int) -> int:
    """Bits that count to ``number``.

    Args:
        number: how many values there are to count.

    >>> [bits(n) for n in (1, 2, 5)]
    [0, 1, 3]
    """
    return (number - 1).bit_length()


def rom_sites(depth: int) -> float:
    """LUT sites of one bit of memory that one address reads (and writes).

    Args:
        depth: words of the memory.

    >>> [rom_sites(depth) for depth in (16, 64, 65, 512)]
    [0.5, 1, 2, 9]
    """
    return 0.5 if depth <= 32 else math.ceil(depth / 64) + _mux_sites(math.ceil(depth / 256))


def table_sites(words: int) -> float:
    """LUT sites of one bit of a memory that nobody writes, of any number of words.

    A table of 64 words is a LUT. Two, and two of these again, are selected from without a LUT, but
    only where both are as deep (see ``synth/rom_tables.py``).

    >>> [table_sites(words) for words in (32, 64, 96, 112, 256, 272)]
    [0.5, 1, 2.5, 2, 4, 5.5]
    """
    return _table(words)[0]


def _table(words: int) -> tuple[float, int]:
    """LUT sites, and the inputs of the table unless a LUT selects what it gives."""
    inputs = bits(words)
    if inputs <= 6:
        return (0.5 if inputs <= 5 else 1), inputs
    (low, deep), (high, as_deep) = (
        _table(part) for part in (2 ** (inputs - 1), words - 2 ** (inputs - 1))
    )
    free = deep == as_deep and deep in (6, 7)
    return (low + high, inputs) if free else (low + high + 1, 0)


def ram_sites(width: int, depth: int) -> float:
    """LUT sites of a memory with two addresses, and of what selects among its banks.

    Args:
        width: bits of a word.
        depth: words.

    >>> ram_sites(16, 32), ram_sites(16, 64), ram_sites(16, 128)
    (12, 24, 64)
    """
    return ram_cells(width, depth) + bank_sites(width, depth)


def ram_cells(width: int, depth: int, eights: bool = False) -> int:
    """LUT sites that hold bits: four of them six bits of 32 words, or three of 64.

    Args:
        width: bits of a word.
        depth: words.
        eights: whether eight sites are one memory, as on UltraScale+: of 14 bits, or seven.

    >>> ram_cells(16, 128), ram_cells(64, 64, eights=True)
    (48, 80)
    """
    sites, short, long = (8, 14, 7) if eights else (4, 6, 3)
    if depth <= 32:
        return sites * math.ceil(width / short)
    return sites * math.ceil(width / long) * math.ceil(depth / 64)


def bank_sites(width: int, depth: int) -> int:
    """LUT sites that select among the banks of a memory with two addresses.

    Args:
        width: bits of a word.
        depth: words.

    >>> bank_sites(16, 64), bank_sites(16, 128)
    (0, 16)
    """
    return width * _mux_sites(math.ceil(depth / 64))


def _mux_sites(inputs: int) -> int:
    """LUTs that select one of several bits: four to a LUT."""
    return math.ceil((inputs - 1) / 3)


def registered_ram(width: int, depth: int) -> tuple[float, float]:
    """LUT sites and block RAMs of a memory whose words leave through a register.

    Deeper ones are block RAM in Yosys and in Vivado alike.

    Args:
        width: bits of a word.
        depth: words.

    >>> registered_ram(64, 40), registered_ram(64, 800)
    ((88, 0.0), (0, 2.0))
    """
    return (ram_sites(width, depth), 0.0) if depth <= 64 else (0, bram36(width, depth))


def bram36(width: int, depth: int) -> float:
    """Block RAMs of a memory, in halves, as the mapper tiles it: each shape, the best.

    Args:
        width: bits of a word.
        depth: words.

    >>> bram36(128, 512), bram36(8, 4096), bram36(36, 512)
    (2.0, 1.0, 0.5)
    """
    best = math.inf
    for tile_bits, tile_depth, tiles in (
        (72, 512, 1.0), (36, 1024, 1.0), (18, 2048, 1.0), (9, 4096, 1.0), (4, 8192, 1.0),
        (2, 16384, 1.0), (1, 32768, 1.0),
        (36, 512, 0.5), (18, 1024, 0.5), (9, 2048, 0.5), (4, 4096, 0.5), (2, 8192, 0.5),
        (1, 16384, 0.5),
    ):  # fmt: skip
        best = min(best, tiles * math.ceil(width / tile_bits) * math.ceil(depth / tile_depth))
    return best
