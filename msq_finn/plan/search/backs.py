"""What is behind a layer's lanes: thresholds, and the sum with another stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

from msq_finn.lanes.divisors import divisors, folds, padded
from msq_finn.plan.cost.cost_model import Cost, add
from msq_finn.plan.cost.memories import bits
from msq_finn.plan.cost.point_kinds import Add, Point, SerialThresholds, Thresholds
from msq_finn.plan.frontend.network import Layer
from msq_finn.plan.search.converters import SHALLOW, Converters, Repacked
from msq_finn.plan.search.pareto import least_memory
from msq_finn.rtl.threshold_tree import memory_style, planes

#: Bits of a finished activation.
ACT_BITS = 4

#: Memories that thresholds may be compared from one after another; "none" for FINN's pipeline.
STYLES = ("none", "distributed", "block")


@dataclass(frozen=True)
class Back:
    """Thresholds with what follows them up to the next layer's stream.

    Attributes:
        pe: channels a cycle, 0 where nothing follows the lanes.
        cycles: a frame.
        cost: with the converters around them.
        serial: style of the memory that thresholds are compared from one after another, "none"
            where they are not.
    """

    pe: int
    cycles: int
    cost: Cost
    serial: str = "none"


class BehindLanes(Converters):
    """Costs of what is behind lanes."""

    def backs(
        self, layer: Layer, pe: int, following: int, cycles: int, windows: int = 1
    ) -> list[Back]:
        """Thresholds that meet a cycle target, with what follows.

        Args:
            layer: whose thresholds they are.
            pe: lanes of the layer.
            following: elements a cycle of the stream that must result, 0 for any.
            cycles: target.
            windows: vectors whose sums leave side by side.
        """
        if not layer.steps:
            return [Back(0, 0, Cost())]
        if windows > 1:
            layer, pe = _together(layer, windows), windows * pe
        found, most = list[Back](), cycles // layer.vectors
        each = [layer.mh] if windows > 1 else self._threshold_lanes(layer, pe, cycles)
        styles = STYLES if self.searches and windows == 1 else STYLES[:1]
        for lanes, serial in product(each, styles):
            spent = layer.vectors * folds(layer.mh, lanes)
            spent *= planes(layer.steps) if serial != "none" else 1
            if spent > cycles or (lanes > pe and found):
                continue
            channels = padded(layer.mh, lanes)
            parts = [
                self.dwc(Repacked(layer.acc_bits, pe, layer.mh, most), lanes),
                self.fifo(lanes * layer.acc_bits),
                self.cost(_thresholds(channels, lanes, layer.acc_bits, layer.steps, serial)),
            ]
            joined = lanes
            if layer.adds:
                joined = next(d for d in divisors(layer.mh) if layer.mh // d * lanes <= channels)
                operand = bits(layer.steps + 1)
                parts.append(self.converted(Repacked(operand, lanes, layer.mh, most), joined))
                parts += self._addition(layer, joined, most)
            parts.append(self.fifo(joined * ACT_BITS))
            if following:
                stream = Repacked(ACT_BITS, joined, layer.mh, most)
                parts.append(self.converted(stream, following))
            found.append(Back(lanes // windows, spent, add(parts), serial))
        return least_memory(found)

    def _threshold_lanes(self, layer: Layer, pe: int, cycles: int) -> list[int]:
        """Those that divide; and of others as many as there are lanes, and as few as will do."""
        most = cycles // layer.vectors
        if not (self.uneven and most):
            return list(divisors(layer.mh))
        return sorted({*divisors(layer.mh), pe, folds(layer.mh, min(most, layer.mh))})

    def _addition(self, layer: Layer, lanes: int, cycles: int) -> list[Cost]:
        """The sum with a second stream: its FIFO, its thresholds, and those of the sum.

        There are ``cycles`` for a vector.
        """
        operand = bits(layer.steps + 1)
        costs = [
            self.fifo(lanes * operand, SHALLOW + layer.skip_pixels * layer.mh // lanes),
            self.fifo(lanes * operand),
            self.cost(Add(lanes, operand)),
            self.fifo(lanes * (operand + 1)),
            self._cheapest(layer.mh, lanes, operand + 1, layer.sum_steps, cycles),
        ]
        if layer.skip_steps:
            costs.append(self._cheapest(layer.mh, lanes, ACT_BITS, layer.skip_steps, cycles))
        return costs

    def _cheapest(self, channels: int, lanes: int, in_bits: int, steps: int, cycles: int) -> Cost:
        """Thresholds as a build folds them that stand in no plan."""
        in_time = channels // lanes * planes(steps) <= cycles
        serial = memory_style(channels, lanes, steps) if self.searches and in_time else "none"
        return self.cost(_thresholds(channels, lanes, in_bits, steps, serial))


def _thresholds(channels: int, lanes: int, in_bits: int, steps: int, serial: str) -> Point:
    if serial == "none":
        return Thresholds(channels, lanes, in_bits, steps)
    return SerialThresholds(channels, lanes, in_bits, steps, serial)


def _together(layer: Layer, windows: int) -> Layer:
    """A layer as what is behind it sees it: fewer vectors of more rows."""
    return replace(
        layer,
        mh=windows * layer.mh,
        vectors=layer.vectors // windows,
        skip_pixels=folds(layer.skip_pixels, windows),
    )
