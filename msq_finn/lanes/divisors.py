"""What a parallelism may be, and how often it is needed for what there is."""

from __future__ import annotations

from functools import cache

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


def folds(whole: int, part: int) -> int:
    """Words that something takes, of which the last may be filled up with padding.

    Args:
        whole: rows, columns or channels.
        part: of them a cycle (PE, SIMD).

    >>> folds(12, 4), folds(13, 4)
    (3, 4)
    """
    return -(-whole // part)


def padded(whole: int, part: int) -> int:
    """Size of something with the padding that fills its last word up.

    Args:
        whole: rows, columns or channels.
        part: of them a cycle (PE, SIMD).

    >>> padded(12, 4), padded(13, 4)
    (12, 16)
    """
    return folds(whole, part) * part


@cache
def smallest_parts(whole: int) -> tuple[int, ...]:
    """For every number of folds that something can have, the least that is enough; ascending.

    Args:
        whole: a positive integer.

    >>> smallest_parts(12)
    (1, 2, 3, 4, 6, 12)
    >>> smallest_parts(13)
    (1, 2, 3, 4, 5, 7, 13)
    """
    return tuple(sorted({folds(whole, number) for number in range(1, whole + 1)}))


@cache
def divisors(whole: int) -> tuple[int, ...]:
    """All that divides, ascending.

    Args:
        whole: a positive integer.

    >>> divisors(12)
    (1, 2, 3, 4, 6, 12)
    """
    return tuple(part for part in range(1, whole + 1) if divides(part, whole))


def check_within(where: object, field: str, part: int, of: str, whole: int) -> None:
    """Refuse a parallelism that is none, or more than there is; it need not divide.

    Args:
        where: node or layer, for the error.
        field: name of the parallelism, such as SIMD.
        part: elements, rows or channels a cycle.
        of: name of what they are some of, such as MW.
        whole: how many there are.

    Raises:
        MsqError: it is not from 1 to that.
    """
    if not 1 <= part <= whole:
        raise MsqError(
            f"{field}={part} is not between 1 and {of}={whole}",
            where=where,
            field=field,
            value=part,
        )


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
