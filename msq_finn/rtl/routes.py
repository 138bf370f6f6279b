"""Which width converters a stream goes through: two where one would take many LUTs."""

from __future__ import annotations

from msq_finn.lanes.divisors import divides, divisors, folds

#: Elements of the words before and behind a converter, and of the vectors that it repacks.
Hop = tuple[int, int, int]


def route(taken: int, given: int, length: int, cycles: int) -> list[Hop]:
    """Choose the converters between two words, none where they are equal.

    Where one width divides the other, one converter is cheap. Else its multiplexers have a place
    for almost every element: to narrow words first, and widen them again, takes a fraction of that,
    and as many cycles a vector as it has narrow words.

    Args:
        taken: elements of a word that comes in.
        given: elements of a word that leaves.
        length: elements of a vector, each of which begins a word.
        cycles: that there are for a vector.

    >>> route(4, 8, 16, 4), route(9, 16, 144, 40), route(9, 16, 144, 16)
    ([(4, 8, 16)], [(9, 4, 144), (4, 16, 144)], [(9, 16, 144)])
    """
    if taken == given:
        return []
    whole = divides(min(taken, given), max(taken, given))
    for word in () if whole else divisors(given)[:-1]:
        if word < taken and folds(length, word) <= cycles:
            return [(taken, word, length), (word, given, length)]
    return [(taken, given, length)]
