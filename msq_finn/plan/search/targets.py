"""Cycles a frame that are worth aiming at."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from itertools import islice

from msq_finn.lanes.constants import MAX_FOLDS
from msq_finn.lanes.divisors import divisors, folds
from msq_finn.plan.frontend.network import Layer, Network
from msq_finn.plan.frontend.pixels import pixel_cycles, windows_at
from msq_finn.plan.frontend.windows import front_cycles, window_cycles
from msq_finn.plan.search.design import Design
from msq_finn.plan.search.foldings import foldings, fronts_that_meet, lane_folds, row_parts
from msq_finn.plan.search.side_by_side import SideBySide
from msq_finn.plan.search.splits import constants

#: Targets are at least this far from each other, as a share.
RESOLUTION = 0.006


class CycleTargets:
    """Cycles a frame of a network, each answer found once.

    Args:
        network: what to build.
        design: kinds of lanes to use.
        side_by_side: how many pixels go into its layers.
    """

    def __init__(self, network: Network, design: Design, side_by_side: SideBySide) -> None:
        self.network = network
        self.design = design
        self.side_by_side = side_by_side
        self.of_lanes = cache(self._of_lanes)
        self.fastest = cache(self._fastest)

    def reachable(self) -> list[int]:
        """Those that a layer or another node can take, ascending, not too near to each other."""
        found = {fold.cycles for node in self.network.nodes for fold in node.folds}
        for layer in self._layers():
            found |= self.of_lanes(layer) | set(self._of_streams(layer))
            found |= {pixel_cycles(layer, pixels) for pixels in self.side_by_side.numbers(layer)}
        targets: list[int] = []
        for cycles in sorted(found):
            if not targets or cycles > (1 + RESOLUTION) * targets[-1]:
                targets.append(cycles)
        return targets

    def _fastest(self) -> int:
        """Those of the slowest layer or other node at its fastest: nothing takes fewer."""
        fewest = [min(fold.cycles for fold in node.folds) for node in self.network.nodes]
        for layer in self._layers():
            together = [pixel_cycles(layer, pixels) for pixels in self.side_by_side.numbers(layer)]
            fewest.append(min(self.of_lanes(layer)))
            if (conv := layer.conv) is not None and conv.is_needed:
                ours = self.design.uneven
                reached = sorted(set(self._of_streams(layer)))
                alone = (c for c in reached if any(fronts_that_meet(layer, conv, c, ours)))
                fewest.append(min([*together, *islice(alone, 1)], default=0))
        return max(fewest)

    def _of_lanes(self, layer: Layer) -> set[int]:
        """Those that a layer's lanes can take."""
        if layer.recurrence:
            return {layer.cycles(simd, pe) for simd, pe in foldings(layer)}
        words = lane_folds(layer, self.design.uneven)
        found = {layer.vectors * each for each in words}
        together = (windows_at(layer, pixels) for pixels in self.side_by_side.numbers(layer))
        found |= {layer.vectors // windows for windows in together if windows}
        if constants(layer, self.design, serial=True):
            planes = layer.vectors * layer.act_bits
            found |= {planes * each for each in words if each <= MAX_FOLDS}
        return found

    def _of_streams(self, layer: Layer) -> Iterator[int]:
        """Those that the windows and thresholds of a layer can take, a pixel a cycle."""
        conv = layer.conv
        if conv is not None and conv.is_needed:
            for simd in divisors(conv.channels):
                if self.design.uneven:
                    yield front_cycles(conv, simd, False)
                else:
                    yield window_cycles(conv, simd, False, layer.depthwise)
                    yield math.prod(conv.padded) * conv.channels // simd
            yield window_cycles(conv, conv.channels, True)
        if layer.steps:
            for lanes in row_parts(layer, self.design.uneven):
                yield layer.vectors * folds(layer.mh, lanes)

    def _layers(self) -> set[Layer]:
        return {layer.unnamed for layer in self.network.layers}
