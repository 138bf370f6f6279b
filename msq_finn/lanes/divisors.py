"""What a parallelism may be: a divisor of what there is."""

from __future__ import annotations

from msq_finn.errors import MsqError


def divides(part: int, whole: int) -> bool:
    """Tell whether so many a cycle come out even.

    Args:
        part: elements, rows or channels a cycle (SIMD, PE).
        whole: how many there are (MW, MH, channels).

    >>> divides(3, 12), divides(5, 12), divides(0, 12)
    (True, False, False)
    """
    return part > 0 and whole % part == 0


def divisors(whole: int) -> list[int]:
    """All that divides, ascending.

    Args:
        whole: a positive integer.

    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]
    """
    return [part for part in range(1, whole + 1) if divides(part, whole)]


def check_divides(where: object, field: str, part: int, of: str, whole: int) -> None:
    """Refuse a parallelism that does not come out even.

    Args:
        where: node or layer, for the error.
        field: name of the parallelism, such as SIMD.
        part: elements, rows or channels a cycle.
        of: name of what it is to divide, such as MW.
        whole: how many there are.

    Raises:
        MsqError: it does not divide.
    """
    if not divides(part, whole):
        raise MsqError(
            f"{field}={part} does not divide {of}={whole}; choose a divisor of {whole}",
            where=where,
            field=field,
            value=part,
        )
