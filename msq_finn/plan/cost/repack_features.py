"""What the LUTs of a width converter of ours are proportional to."""

from __future__ import annotations

import math

from msq_finn.lanes.divisors import folds
from msq_finn.lanes.kind import Features
from msq_finn.plan.cost.memories import bits
from msq_finn.plan.cost.point_kinds import Repack

#: Places up to which a multiplexer is two LUTs deep.
_SHALLOW = 16


def _multiplexers(word: int, places: int) -> Features:
    """Bits that come from one of several places: two share a LUT6 of two places, four fill one.

    Places that are no power of two take what the next one does.
    """
    places = 1 << bits(places)
    luts = 0.5 if places == 2 else (places - 1) / 3
    deep = places > _SHALLOW
    return {"multiplexers": word * luts * (not deep), "wide multiplexers": word * luts * deep}


def repack(point: Repack) -> Features:
    """Quantities that a converter's LUTs and flip-flops are proportional to."""
    unit = math.gcd(point.taken, point.given)
    taken, given = point.taken // unit, point.given // unit
    words_in, words_out = folds(point.length, point.taken), folds(point.length, point.given)
    word, over = point.given * point.bits, words_out * point.given - point.length
    common: Features = {
        "zeroed bits": over * point.bits,
        "counter bits": bits(words_out) + bits(words_in),
        "node": 1,
    }
    if point.narrows:
        crosses = (words_out - 1) * point.given // point.taken != words_in - 1
        return common | {
            **_multiplexers(word, min(taken, words_out)),
            "straight bits": word * crosses,
            "kept bits": point.taken * point.bits,
        }
    several = taken > 1
    return common | {
        "kept bits": word - point.taken * point.bits,
        "words kept": given,
        "alternatives": several * word * taken / 3,
        "choices": several * taken * given,
        **_multiplexers(word, min(taken, words_out)),
        "ending bits": word * ((words_in * point.taken) % point.given != 0),
    }
