"""How many pixels go into the layers of a network side by side."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from msq_finn.lanes import LaneCounts
from msq_finn.plan.frontend.network import Fold, Layer, Network, Node
from msq_finn.plan.frontend.pixels import pixel_cycles, whole_windows, windows_at
from msq_finn.plan.frontend.windows import front_cycles
from msq_finn.plan.search.design import Design
from msq_finn.plan.search.foldings import fronts_that_meet
from msq_finn.plan.search.splits import at_once
from msq_finn.rtl.pixel_words import SIDE_BY_SIDE


class SideBySide:
    """What a design can do; each answer is found once.

    Args:
        design: kinds of lanes to use.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        self.lanes = cache(self._lanes)
        self.numbers = cache(self._numbers)
        self.fewest = cache(self._fewest)

    def _lanes(self, layer: Layer) -> LaneCounts | None:
        """Lanes of a layer that do a vector in a cycle; several such may be side by side."""
        return at_once(layer, self.design)

    def _numbers(self, layer: Layer) -> list[int]:
        """Numbers of pixels, of two and more, that may go into a layer."""
        if not self.design.widens:
            return []
        found = [pixels for pixels in SIDE_BY_SIDE[1:] if windows_at(layer, pixels)]
        return [n for n in found if self.lanes(layer) or not whole_windows(layer, n)]

    def _fewest(self, layer: Layer, cycles: int) -> int:
        """The fewest pixels with which a layer meets a cycle target; 1 where none is enough."""
        fast = (n for n in self.numbers(layer) if pixel_cycles(layer, n) <= cycles)
        return 1 if _meets(layer, cycles) else next(fast, 1)


def foldable(network: Network, design: Design) -> Network:
    """A network whose other nodes have a design's foldings only: FINN's take a pixel a cycle.

    FINN's generators of windows are also slower than ours, which foldings are of.

    Args:
        network: any.
        design: what foldings are of.
    """

    def can(fold: Fold) -> bool:
        return (fold.pixels == 1 or design.widens) and (not fold.serial or design.searches)

    def as_built(node: Node, fold: Fold) -> Fold:
        if design.uneven or node.conv is None:
            return fold
        depthwise = node.kind == "Pool"
        cycles = front_cycles(node.conv, fold.pe, fold.parallel, depthwise, ours=False)
        return replace(fold, cycles=cycles)

    def folds(node: Node) -> tuple[Fold, ...]:
        return tuple(as_built(node, fold) for fold in node.folds if can(fold))

    nodes = (replace(node, folds=folds(node)) for node in network.nodes)
    return replace(network, nodes=tuple(nodes))


def _meets(layer: Layer, cycles: int) -> bool:
    """Whether one pixel a cycle is enough for a layer and its windows."""
    conv = layer.conv
    if (
        conv is not None
        and conv.is_needed
        and not any(fronts_that_meet(layer, conv, cycles, ours=True))
    ):
        return False
    return layer.vectors <= cycles
