"""Literals in generated Verilog, and how long they may be."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Bits of a vector that every tool has to take (IEEE 1364-2005, 4.3.1; IEEE 1800-2017, 6.9.1).
MOST_BITS = 65_536

_SIZE = re.compile(r"\b(\d+)'[bdho]")
_REMARK = re.compile(r"^// A literal of (\d+) bits", re.MULTILINE)


def array(values: Iterable[int], bits: int) -> str:
    """Numbers side by side as one literal, the first in the lowest bits.

    Args:
        values: negative ones become two's complement.

    >>> array([1, -1], 4)
    "8'hf1"
    """
    numbers = [int(value) % (1 << bits) for value in values]
    return f"{len(numbers) * bits}'h{sum(v << i * bits for i, v in enumerate(numbers)):x}"


def remarked(text: str) -> str:
    """Say in front of a source which of its literals a tool need not take.

    Args:
        text: Verilog.

    Returns:
        the same with a comment for each such size, if there are any.

    >>> print(remarked("localparam X = 70000'h1;"))
    // A literal of 70000 bits: a tool has to take 65536 (IEEE 1364-2005, 4.3.1), most take more.
    localparam X = 70000'h1;
    >>> remarked("localparam X = 64'h1;")
    "localparam X = 64'h1;"
    """
    sizes = sorted({size for size in map(int, _SIZE.findall(text)) if size > MOST_BITS})
    remarks = (
        f"// A literal of {size} bits: a tool has to take {MOST_BITS} (IEEE 1364-2005, 4.3.1), "
        "most take more.\n"
        for size in sizes
    )
    return "".join(remarks) + text


def remarked_sizes(text: str) -> set[int]:
    """Sizes that :func:`remarked` has said in a source.

    Args:
        text: Verilog.

    >>> remarked_sizes(remarked("localparam X = 70000'h1;"))
    {70000}
    """
    return set(map(int, _REMARK.findall(text)))
