"""How many sequences a recurrent layer has under way, and how long each takes then.

A step waits for the state of the one before. Meanwhile the lanes can multiply a step of another
sequence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: Cycles from a state that is complete until the next step's first word, beyond what a layer of one
#: sequence takes.
_TURN = 1

#: A layer takes several sequences if one alone takes longer than its products by this factor; else
#: their memories gain too little.
_GAIN = 1.25


@dataclass(frozen=True)
class Turns:
    """The steps of sequences on the lanes of a layer.

    Attributes:
        steps: of a sequence.
        products: cycles in which the lanes multiply a step.
        latency: cycles from a step's last products until its state can be read.
        inputs: words of a step's inputs.
        results: words of a step's state that leave; 0 if only that of the last step does.
    """

    steps: int
    products: int
    latency: int
    inputs: int
    results: int

    @property
    def alone(self) -> int:
        """Cycles of a sequence that has the lanes for itself.

        A step's inputs are multiplied before the state is there.
        """
        wait = max(0, self.latency - self.inputs)
        return self.steps * self.products + (self.steps - 1) * wait

    @property
    def places(self) -> int:
        """Sequences to have under way: as many as the lanes need in order not to wait.

        >>> Turns(steps=8, products=36, latency=24, inputs=1, results=0).places
        3
        >>> Turns(steps=8, products=360, latency=24, inputs=1, results=0).places
        1
        """
        least = self.steps * self.products
        return 1 if self.alone <= _GAIN * least else max(2, math.ceil(self._own / least))

    def cycles(self, places: int) -> int:
        """Cycles from one sequence to the next.

        Args:
            places: sequences under way.

        >>> Turns(steps=8, products=36, latency=24, inputs=1, results=0).cycles(3)
        288
        """
        if places == 1:
            return self.alone
        return max(self.steps * self.products, math.ceil(self._own / places))

    @property
    def _own(self) -> int:
        """Cycles from the begin of a sequence to that of the next one in its place.

        They begin one after the other, as fast as the lanes multiply, and each has one step in a
        round; a round has as many as there are products during a step and what it waits for.
        """
        way = self.products + self.latency + _TURN
        turn = math.ceil(way / self.products) * self.products
        # The next one comes in once the last step's inputs are read, and begins when all of it is
        # there; results have left by then.
        taken = self.inputs * (self.steps + 1)
        left = self.results and way + self.steps * self.results
        # Whoever misses its turn begins a round later.
        return self.steps * turn + max(turn, taken, left) + _TURN
