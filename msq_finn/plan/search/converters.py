"""What FIFOs and width converters between nodes cost."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

from msq_finn.plan.cost.cost_model import Cost, CostModel, add
from msq_finn.plan.cost.point_kinds import Dwc, Fifo, Repack
from msq_finn.rtl.routes import route

#: Words that a FIFO is given where streams only jitter; the simulation of a build leaves 2 to 7.
SHALLOW = 6


class Repacked(NamedTuple):
    """A stream whose words are to have another width.

    Attributes:
        bits: of an element.
        word: elements of a word.
        length: elements of a vector.
        cycles: that there are for a vector.
    """

    bits: int
    word: int
    length: int
    cycles: int


class Converters:
    """Costs of FIFOs and width converters, each computed once.

    Args:
        model: costs.
        uneven: whether folds may be padded, and width converters are ours.
        searches: whether thresholds may be compared one after another.
    """

    def __init__(self, model: CostModel, uneven: bool = False, searches: bool = False) -> None:
        self.cost = cache(model.cost)
        self.uneven = uneven
        self.searches = searches

    def dwc(self, stream: Repacked, given: int) -> Cost:
        """Width converters, with a FIFO between two, if any is needed.

        Args:
            stream: what comes in.
            given: elements of an output word.
        """
        if not self.uneven or stream.word == given:
            widths = (stream.bits * stream.word, stream.bits * given)
            return Cost() if stream.word == given else self.cost(Dwc(*widths))
        hops = route(stream.word, given, stream.length, stream.cycles)
        costs = [self.fifo(stream.bits * word) for word, *_ in hops[1:]]
        for taken, left, length in hops:
            whole = math.lcm(taken, left)
            point = Repack(stream.bits, taken, left, length if length % whole else whole)
            costs.append(self.cost(point))
        return add(costs)

    def fifo(self, width: int, depth: int = SHALLOW) -> Cost:
        """A FIFO as a build inserts them on every stream.

        Args:
            width: bits of a word.
            depth: words.
        """
        return self.cost(Fifo(8 * math.ceil(width / 8), max(2, depth)))

    def converted(self, stream: Repacked, given: int) -> Cost:
        """Width converters, if one is needed, and the FIFO that there then is behind.

        Args:
            stream: what comes in.
            given: elements of an output word.
        """
        if stream.word == given:
            return Cost()
        if given >= stream.length and stream.cycles > 1:
            # A vector's only word is taken before the next is there: builds leave such a FIFO out.
            return self.dwc(stream, given)
        return add((self.dwc(stream, given), self.fifo(stream.bits * given)))
