"""The foldings of layers that are worth considering for a cycle target."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import TypeVar

import numpy as np

from msq_finn.lanes import LaneCounts, LaneKind
from msq_finn.lanes.constants import MAX_FOLDS
from msq_finn.lanes.divisors import divides
from msq_finn.plan.cost.cost_model import Cost, CostModel, add
from msq_finn.plan.cost.lane_costs import EMBEDDED, LaneCosts
from msq_finn.plan.frontend.network import Fold, Layer, Network
from msq_finn.plan.frontend.pixels import pixel_cycles, whole_windows, windows_at
from msq_finn.plan.search.backs import Back
from msq_finn.plan.search.design import Design
from msq_finn.plan.search.foldings import foldings_that_meet
from msq_finn.plan.search.fronts import Front
from msq_finn.plan.search.node_costs import NodeCosts
from msq_finn.plan.search.option import (
    COLUMNS,
    Around,
    Block,
    FloatArray,
    Item,
    Table,
    item_of,
)
from msq_finn.plan.search.pareto import unbeaten
from msq_finn.plan.search.side_by_side import SideBySide, foldable
from msq_finn.plan.search.splits import constants, splits
from msq_finn.plan.search.streams import Streams
from msq_finn.plan.search.targets import CycleTargets

#: Foldings of more multipliers than this many times the fewest that meet the target evenly are left
#: out: a multiplier costs more than the converters that another folding saves, FINN's or ours.
SLACK, OWN_SLACK = 3, 2

#: Foldings with padding are looked at where they take fewer multipliers than any without, which is
#: what they are for; at most so many, those of the fewest.
MOST_UNEVEN = 8

#: A window, thresholds, and what both cost.
Outside = tuple[Front, Back, Cost]

_Choice = TypeVar("_Choice", Outside, Around)


class Catalogue:
    """Options of a network's layers, remembered between targets.

    Args:
        network: what to build.
        design: kinds of lanes to use.
        model: costs.
    """

    def __init__(self, network: Network, design: Design, model: CostModel) -> None:
        self.network = foldable(network, design)
        self.design = design
        self.model = model
        self.side_by_side = SideBySide(design)
        self.targets = CycleTargets(self.network, design, self.side_by_side)
        self.streams = Streams(model, design.uneven, design.searches)
        self._backs = cache(self.streams.backs)
        self._node_costs = NodeCosts(model, self.streams)
        self._lane_costs: dict[Layer, LaneCosts] = {}
        self._splits: dict[tuple[Layer, int, int], list[list[LaneCounts]]] = {}
        self._held: dict[tuple[Layer, bool], LaneKind | None] = {}
        self._computed: dict[tuple[Layer, int, int, bool], list[FloatArray]] = {}
        self._tables: dict[int, list[tuple[Table, ...]]] = {}
        self._items: dict[int, list[Item]] = {}
        self._following = {a.name: b for a, b in pairwise(network.layers)}

    def groups(self) -> list[list[Layer]]:
        """Layers that are folded together: those that share the order of their rows."""
        if not self.design.mixes:
            return [[layer] for layer in self.network.layers]
        order: dict[str, list[Layer]] = {}
        for layer in self.network.layers:
            order.setdefault(layer.group or layer.name, []).append(layer)
        return list(order.values())

    def tables(self, cycles: int) -> list[tuple[Table, ...]]:
        """Options of every group's layers for a cycle target; equal groups have the same tables.

        Args:
            cycles: target, cycles a frame.
        """
        if cycles not in self._tables:
            made: dict[tuple[Layer, int], Table] = {}
            groups: dict[tuple[tuple[Layer, int], ...], tuple[Table, ...]] = {}
            found = []
            for group in self.groups():
                keys = tuple(self.key(layer, cycles) for layer in group)
                for key in keys:
                    if key not in made:
                        made[key] = Table.of(self._blocks(*key, cycles))
                found.append(groups.setdefault(keys, tuple(made[key] for key in keys)))
            self._tables[cycles] = found
        return self._tables[cycles]

    def items(self, cycles: int) -> list[Item]:
        """What there is to choose from for a cycle target.

        Layers of a group get equal lanes, so that one order of rows suits all.

        Args:
            cycles: target, cycles a frame.

        Returns:
            per group its ways, none better in every resource than another, and none at all where a
            layer cannot meet the target; groups of equal layers have one item in common. Last, all
            nodes that are no layers, which have one way, or none.
        """
        if cycles not in self._items:
            groups = self.tables(cycles)
            made = {id(tables): item_of(tables) for tables in {id(g): g for g in groups}.values()}
            items = [made[id(tables)] for tables in groups]
            self._items[cycles] = [*items, self._nodes_item(cycles)]
        return self._items[cycles]

    def nodes(self, cycles: int) -> list[tuple[Fold, Cost]]:
        """How nodes that are no layers are folded for a cycle target, and what that costs.

        Args:
            cycles: target, cycles a frame.
        """
        nodes = self.network.nodes
        return [(f, self._node_costs.cost(n, f)) for n, f in ((n, n.fold(cycles)) for n in nodes)]

    def _nodes_item(self, cycles: int) -> Item:
        folded = self.nodes(cycles)
        ways = int(all(fold.cycles <= cycles for fold, _ in folded))
        costs = np.array([add(cost for _, cost in folded)] * ways, dtype=float)
        return Item((), np.empty((ways, 0), dtype=np.int64), costs.reshape(ways, COLUMNS))

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
        return layer.unnamed, self._link_after(layer, cycles)

    def _link_after(self, layer: Layer, cycles: int) -> int:
        following = self._following.get(layer.name)
        if following is None:
            return 0
        pixels = self.side_by_side.fewest(following.unnamed, cycles)
        return self.streams.link(following, cycles, pixels)

    def _blocks(self, layer: Layer, following: int, cycles: int) -> list[Block]:
        """Options that meet a target, with those that others beat."""
        pixels = self.side_by_side.fewest(layer, cycles)
        if windows := whole_windows(layer, pixels):
            return self._whole_windows(layer, following, cycles, pixels, windows)
        blocks = []
        for serial in (False, True):
            for simd, pe in self._pairs(layer, cycles, serial):
                planes = layer.act_bits if serial else 1
                own = layer.cycles(simd, pe, planes)
                every = self._lanes(layer, simd, pe, serial)
                outside = self._outside(layer, simd, pe, planes, following, cycles, pixels)
                if outside:
                    around = [self._around(layer, simd, lanes[0], outside) for lanes in every]
                    computed = self._compute(layer, simd, pe, serial)
                    blocks += [
                        Block(simd, lanes, compute, choices, own, pixels)
                        for lanes, compute, choices in zip(every, computed, around, strict=True)
                    ]
        return blocks

    def _whole_windows(
        self, layer: Layer, following: int, cycles: int, pixels: int, windows: int
    ) -> list[Block]:
        """The options where whole windows leave, several at once: lanes for each, of all rows."""
        lanes, simd, own = self.side_by_side.lanes(layer), layer.mw, layer.vectors // windows
        if lanes is None or max(own, pixel_cycles(layer, pixels)) > cycles:
            return []
        compute = windows * np.array([self._costs(layer).compute(simd, lanes)], dtype=float)
        outside = self._outside(layer, simd, lanes.pe, 1, following, cycles, pixels)
        around = self._around(layer, simd, lanes, outside, windows)
        return [Block(simd, [lanes], compute, around, own, pixels)] if around else []

    def _pairs(self, layer: Layer, cycles: int, serial: bool) -> list[tuple[int, int]]:
        """SIMD and PE that meet a target with few multipliers, and for which there are lanes."""
        if serial and not self._constant(layer, serial):
            return []
        words = cycles // layer.act_bits if serial else cycles
        pairs = foldings_that_meet(layer, self.design.uneven, words)
        pairs.sort(key=lambda pair: pair[0] * pair[1])
        found: list[tuple[int, int]] = []
        most, padding = math.inf, 0
        for simd, pe in pairs:
            even = divides(simd, layer.mw) and divides(pe, layer.mh)
            if not even and (padding == MOST_UNEVEN or most < math.inf):
                continue
            if (simd * pe <= most or layer.depthwise) and self._lanes(layer, simd, pe, serial):
                found.append((simd, pe))
                padding += not even
                if even:
                    slack = OWN_SLACK if self.design.uneven else SLACK
                    most = min(most, slack * simd * pe)
        return found

    def _outside(
        self,
        layer: Layer,
        simd: int,
        pe: int,
        planes: int,
        following: int,
        cycles: int,
        pixels: int,
    ) -> list[Outside]:
        """Window and thresholds of a folding: the choices that nothing beats."""
        windows = windows_at(layer, pixels) or 1
        fronts = self.streams.fronts(layer, simd, pe, cycles, planes, pixels)
        backs = self._backs(layer, pe, following, cycles, windows)
        found = [(f, b, add((f.cost, b.cost))) for f in fronts for b in backs]
        return _unbeaten(found)

    def _around(
        self, layer: Layer, simd: int, lanes: LaneCounts, outside: list[Outside], windows: int = 1
    ) -> list[Around]:
        """The same with the lanes' memory, for each of so many windows."""
        styles = (EMBEDDED,) if lanes.is_constant else ("distributed", "block")
        memories = [self._costs(layer).memory(simd, lanes, s).times(windows) for s in styles]
        found = [
            (style, front, back, add((memory, cost)))
            for style, memory in zip(styles, memories, strict=True)
            for front, back, cost in outside
        ]
        return _unbeaten(found)

    def _constant(self, layer: Layer, serial: bool) -> LaneKind | None:
        if (layer, serial) not in self._held:
            self._held[layer, serial] = constants(layer, self.design, serial)
        return self._held[layer, serial]

    def _lanes(self, layer: Layer, simd: int, pe: int, serial: bool) -> list[list[LaneCounts]]:
        """Choices of lanes, together where the words of their weight memories are as wide."""
        kind, fits = self._constant(layer, serial), layer.folds(simd, pe) <= MAX_FOLDS
        held = [[LaneCounts({kind.name: pe})]] if kind is not None and fits else []
        return held if serial else [*self._code_lanes(layer, simd, pe), *held]

    def _code_lanes(self, layer: Layer, simd: int, pe: int) -> list[list[LaneCounts]]:
        key = (layer, simd if layer.depthwise else 1, pe)
        if key not in self._splits:
            costs = self._costs(layer)
            by_width: dict[int, list[LaneCounts]] = {}
            for lanes in splits(layer, self.design, simd, pe, costs.pack, costs.beats):
                by_width.setdefault(costs.word_bits(1, lanes), []).append(lanes)
            self._splits[key] = list(by_width.values())
        return self._splits[key]

    def _compute(self, layer: Layer, simd: int, pe: int, serial: bool) -> list[FloatArray]:
        key = (layer, simd, pe, serial)
        if key not in self._computed:
            costs = self._costs(layer)
            self._computed[key] = [
                np.array([costs.compute(simd, lanes) for lanes in choices], dtype=float)
                for choices in self._lanes(layer, simd, pe, serial)
            ]
        return self._computed[key]

    def _costs(self, layer: Layer) -> LaneCosts:
        if layer not in self._lane_costs:
            self._lane_costs[layer] = LaneCosts(self.model, layer)
        return self._lane_costs[layer]


def _unbeaten(choices: list[_Choice]) -> list[_Choice]:
    """Those whose costs, which stand last, nothing beats."""
    if not choices:
        return []
    return [choices[index] for index in unbeaten(np.array([choice[-1] for choice in choices]))]
