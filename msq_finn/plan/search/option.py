"""Ways to build one layer, singly and as tables of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from msq_finn.lanes import LaneCounts
from msq_finn.plan.cost.cost_model import Cost, add
from msq_finn.plan.search.backs import Back
from msq_finn.plan.search.fronts import Front
from msq_finn.plan.search.pareto import unbeaten

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


#: Resources of a cost.
COLUMNS = len(Cost._fields)


@dataclass(frozen=True)
class Option:
    """A way to build one layer.

    Attributes:
        simd: elements a lane takes a cycle.
        lanes: of each kind.
        memory: style of the weight memory, "distributed", "block", or "embedded" for none.
        front: the window before the lanes.
        back: the thresholds behind.
        lane_cycles: a frame, of the lanes.
        cycles: a frame, of the slowest of them.
        cost: of everything.
        pixels: that go into the layer side by side.
    """

    simd: int
    lanes: LaneCounts
    memory: str
    front: Front
    back: Back
    lane_cycles: int
    cycles: int
    cost: Cost
    pixels: int = 1

    @property
    def slowest(self) -> str:
        """What takes most cycles: "window" or "thresholds", or "lanes" if they are as slow."""
        if self.cycles == self.back.cycles > self.front.cycles and self.lane_cycles < self.cycles:
            return "thresholds"
        return "window" if self.lane_cycles < self.cycles else "lanes"


#: One option a layer, for layers that have to agree.
Bundle = tuple[Option, ...]

Around = tuple[str, Front, Back, Cost]


@dataclass(frozen=True)
class Block:
    """Options of one SIMD and PE: any of the lanes with any of what is around them.

    Attributes:
        simd: elements that a lane takes a cycle.
        lanes: choices of lanes.
        compute: their costs, one a row.
        around: choices of what is around them, with their costs.
        cycles: a frame, of the lanes.
        pixels: that go into the layer side by side.
    """

    simd: int
    lanes: Sequence[LaneCounts]
    compute: FloatArray
    around: Sequence[Around]
    cycles: int
    pixels: int = 1

    @property
    def costs(self) -> FloatArray:
        """Costs, lanes major."""
        outer = np.array([choice[3] for choice in self.around])
        result: FloatArray = (self.compute[:, None, :] + outer[None, :, :]).reshape(-1, COLUMNS)
        return result

    def option(self, index: int) -> Option:
        """The option of a row of ``costs``.

        Args:
            index: of the row.
        """
        lane, around = divmod(index, len(self.around))
        memory, front, back, cost = self.around[around]
        cycles = max(self.cycles, front.cycles, back.cycles)
        lut, dsp, *rest = map(float, self.compute[lane])
        total = add((Cost(lut, int(dsp), *rest), cost))
        own = self.cycles
        lanes, pixels = self.lanes[lane], self.pixels
        return Option(self.simd, lanes, memory, front, back, own, cycles, total, pixels)


@dataclass(frozen=True)
class Table:
    """Options of a layer as numbers.

    Attributes:
        blocks: what they were made from.
        starts: first row of every block, shape (blocks,).
        costs: of every option, shape (options, resources).
    """

    blocks: Sequence[Block]
    starts: IntArray
    costs: FloatArray

    @classmethod
    def of(cls, blocks: Sequence[Block]) -> Table:
        """Put blocks together.

        Args:
            blocks: options of one SIMD and PE each.
        """
        costs = np.concatenate([block.costs for block in blocks] or [np.empty((0, COLUMNS))])
        starts = np.cumsum([0, *(len(b.lanes) * len(b.around) for b in blocks)])
        return cls(blocks, starts, costs)

    @cached_property
    def lanes(self) -> list[LaneCounts]:
        """Choices of lanes of all blocks."""
        return [lanes for block in self.blocks for lanes in block.lanes]

    @cached_property
    def segments(self) -> IntArray:
        """First row of each choice of lanes, shape (choices,)."""
        return np.cumsum([0, *(len(b.around) for b in self.blocks for _ in b.lanes)])[:-1]

    @cached_property
    def by_lanes(self) -> dict[LaneCounts, IntArray]:
        """Choice of lanes -> rows that none of the same lanes beats."""
        rows: dict[LaneCounts, list[IntArray]] = {}
        bounds = np.append(self.segments, len(self.costs))
        for lanes, (start, end) in zip(self.lanes, pairwise(bounds), strict=True):
            rows.setdefault(lanes, []).append(np.arange(start, end))
        merged = {lanes: np.concatenate(parts) for lanes, parts in rows.items()}
        return {lanes: found[unbeaten(self.costs[found])] for lanes, found in merged.items()}

    def option(self, row: int) -> Option:
        """The option of a row.

        Args:
            row: in ``costs``.
        """
        block = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.blocks[block].option(int(row - self.starts[block]))


@dataclass(frozen=True, eq=False)
class Item:
    """Ways to build layers that have to agree, of which none beats another.

    Attributes:
        tables: one a layer.
        rows: of every table, shape (ways, layers).
        costs: of every way, shape (ways, resources).
    """

    tables: Sequence[Table]
    rows: IntArray
    costs: FloatArray

    def __len__(self) -> int:
        return len(self.rows)

    def bundle(self, way: int) -> Bundle:
        """The options of a way.

        Args:
            way: its number.
        """
        rows = self.rows[way].tolist()
        return tuple(table.option(row) for table, row in zip(self.tables, rows, strict=True))


def item_of(tables: Sequence[Table]) -> Item:
    """Combine layers that need equal lanes; of the sums, keep what nothing beats.

    Args:
        tables: one a layer.
    """
    if len(tables) == 1:
        costs = tables[0].costs
        kept = unbeaten(costs)
        return Item(tables, kept[:, None], costs[kept])
    rows = [np.empty((0, len(tables)), dtype=np.int64)]
    sums = [np.empty((0, COLUMNS))]
    for lanes in tables[0].by_lanes:
        if not all(lanes in table.by_lanes for table in tables[1:]):
            continue
        chosen = np.empty((1, 0), dtype=np.int64)
        total = np.zeros((1, COLUMNS))
        for table in tables:
            more = table.by_lanes[lanes]
            total = (total[:, None, :] + table.costs[more][None, :, :]).reshape(-1, COLUMNS)
            kept = unbeaten(total)
            left, right = np.divmod(kept, len(more))
            total, chosen = total[kept], np.column_stack([chosen[left], more[right]])
        rows.append(chosen)
        sums.append(total)
    choices, costs = np.concatenate(rows), np.concatenate(sums)
    best = unbeaten(costs)
    return Item(tables, choices[best], costs[best])
