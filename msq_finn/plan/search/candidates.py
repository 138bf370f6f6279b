"""The foldings of layers that are worth considering for a cycle target."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from msq_finn.lanes import LaneCounts
from msq_finn.lanes.constants import MAX_FOLDS
from msq_finn.plan.cost.cost_model import CostModel, add
from msq_finn.plan.cost.lane_costs import EMBEDDED, LaneCosts
from msq_finn.plan.frontend.network import Layer, Network
from msq_finn.plan.search.design import Design
from msq_finn.plan.search.foldings import foldings
from msq_finn.plan.search.option import (
    Around,
    Block,
    Bundle,
    FloatArray,
    Table,
    bundles_of,
    unbeaten,
)
from msq_finn.plan.search.splits import constants, splits
from msq_finn.plan.search.streams import Streams, stream_cycles

#: Foldings of more multipliers than this many times the fewest that meet the target are left out:
#: a multiplier costs more than the converters that an even folding saves.
SLACK = 3


class Catalogue:
    """Options of a network's layers, remembered between targets.

    Args:
        network: what to build.
        design: kinds of lanes to use.
        model: costs.
    """

    def __init__(self, network: Network, design: Design, model: CostModel) -> None:
        self.network = network
        self.design = design
        self.model = model
        self.streams = Streams(model)
        self._lane_costs: dict[Layer, LaneCosts] = {}
        self._splits: dict[tuple[Layer, int, int], list[list[LaneCounts]]] = {}
        self._held: dict[tuple[Layer, int], LaneCounts | None] = {}
        self._computed: dict[tuple[Layer, int, int], list[FloatArray]] = {}
        self._following = {a.name: b for a, b in pairwise(network.layers)}

    def groups(self) -> list[list[Layer]]:
        """Layers that are folded together: those that share the order of their rows."""
        if not self.design.mixes:
            return [[layer] for layer in self.network.layers]
        order: dict[str, list[Layer]] = {}
        for layer in self.network.layers:
            order.setdefault(layer.group or layer.name, []).append(layer)
        return list(order.values())

    def items(self, cycles: int) -> list[list[Bundle]]:
        """What there is to choose from for a cycle target.

        Layers of a group get equal lanes, so that one order of rows suits all.

        Args:
            cycles: target, cycles a frame.

        Returns:
            per group its bundles, none better in every resource than another; an empty list where
            a layer cannot meet the target.
        """
        tables: dict[tuple[Layer, int], Table] = {}
        single: dict[tuple[Layer, int], list[Bundle]] = {}
        items = []
        for group in self.groups():
            keys = [self.key(layer, cycles) for layer in group]
            for key in keys:
                if key not in tables:
                    tables[key] = Table.of(self._blocks(*key, cycles))
            if len(keys) == 1:
                if keys[0] not in single:
                    single[keys[0]] = bundles_of([tables[keys[0]]])
                items.append(single[keys[0]])
            else:
                items.append(bundles_of([tables[key] for key in keys]))
        return items

    def reachable_cycles(self) -> list[int]:
        """Cycles a frame that a layer's lanes or the nodes around them can take, ascending."""
        found = set()
        for layer in self.network.layers:
            found |= self.lane_cycles(layer) | set(stream_cycles(layer))
        return sorted(found)

    def lane_cycles(self, layer: Layer) -> set[int]:
        """Cycles a frame that a layer's lanes can take.

        Args:
            layer: of the network.
        """
        return {layer.cycles(simd, pe) for simd, pe in foldings(layer)}

    def table(self, layer: Layer, cycles: int) -> Table:
        """All options of one layer for a cycle target; equal ones have equal keys.

        Args:
            layer: of the network.
            cycles: target, cycles a frame.
        """
        return Table.of(self._blocks(*self.key(layer, cycles), cycles))

    def key(self, layer: Layer, cycles: int) -> tuple[Layer, int]:
        """What a layer's options depend on: its shape, and the stream to the next layer.

        Args:
            layer: of the network.
            cycles: target, cycles a frame.
        """
        return _shape(layer), self._link_after(layer, cycles)

    def _link_after(self, layer: Layer, cycles: int) -> int:
        following = self._following.get(layer.name)
        return self.streams.link(following, cycles) if following else 0

    def _blocks(self, layer: Layer, following: int, cycles: int) -> list[Block]:
        """Options that meet a target, with those that others beat."""
        pairs = [
            (simd, pe)
            for simd, pe in foldings(layer)
            if layer.cycles(simd, pe) <= cycles and self._lanes(layer, simd, pe)
        ]
        fewest = min((simd * pe for simd, pe in pairs), default=0)
        blocks = []
        for simd, pe in pairs:
            if simd * pe > SLACK * fewest and not layer.depthwise:
                continue
            own = layer.cycles(simd, pe)
            every = self._lanes(layer, simd, pe)
            around = [self._around(layer, simd, lanes[0], following, cycles) for lanes in every]
            if all(around):
                computed = self._compute(layer, simd, pe)
                blocks += [
                    Block(simd, lanes, compute, choices, own)
                    for lanes, compute, choices in zip(every, computed, around, strict=True)
                ]
        return blocks

    def _around(
        self, layer: Layer, simd: int, lanes: LaneCounts, following: int, cycles: int
    ) -> list[Around]:
        """Memory, window and thresholds of a folding: the choices that nothing beats."""
        fronts = self.streams.fronts(layer, simd, lanes.pe, cycles)
        backs = self.streams.backs(layer, lanes.pe, following, cycles)
        styles = (EMBEDDED,) if lanes.is_constant else ("distributed", "block")
        choices = []
        for style in styles:
            memory = self._costs(layer).memory(simd, lanes, style)
            for front in fronts:
                for back in backs:
                    cost = add((memory, front.cost, back.cost))
                    choices.append((style, front, back, cost))
        if not choices:
            return []
        return [choices[index] for index in unbeaten(np.array([choice[3] for choice in choices]))]

    def _lanes(self, layer: Layer, simd: int, pe: int) -> list[list[LaneCounts]]:
        """Choices of lanes, together where the words of their weight memories are as wide."""
        key = (layer, simd if layer.depthwise else 1, pe)
        if key not in self._splits:
            costs = self._costs(layer)
            by_width: dict[int, list[LaneCounts]] = {}
            for lanes in splits(layer, self.design, simd, pe, costs.pack):
                by_width.setdefault(costs.word_bits(1, lanes), []).append(lanes)
            self._splits[key] = list(by_width.values())
        if (layer, pe) not in self._held:
            self._held[layer, pe] = constants(layer, self.design, pe)
        held = self._held[layer, pe]
        if held is None or layer.mw * layer.mh // (simd * pe) > MAX_FOLDS:
            return self._splits[key]
        return [*self._splits[key], [held]]

    def _compute(self, layer: Layer, simd: int, pe: int) -> list[FloatArray]:
        key = (layer, simd, pe)
        if key not in self._computed:
            costs = self._costs(layer)
            self._computed[key] = [
                np.array([costs.compute(simd, lanes) for lanes in choices], dtype=float)
                for choices in self._lanes(layer, simd, pe)
            ]
        return self._computed[key]

    def _costs(self, layer: Layer) -> LaneCosts:
        if layer not in self._lane_costs:
            self._lane_costs[layer] = LaneCosts(self.model, layer)
        return self._lane_costs[layer]


def _shape(layer: Layer) -> Layer:
    """The layer without what makes it another than its like."""
    return replace(layer, name="layer", group="")
