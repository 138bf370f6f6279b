"""What thresholds are proportional to, and their block RAMs."""

from __future__ import annotations

from msq_finn.lanes.kind import Features
from msq_finn.plan.cost.memories import bits, bram36, table_sites
from msq_finn.plan.cost.point_kinds import SerialThresholds, Thresholds
from msq_finn.rtl.threshold_tree import planes

#: Words from which on a read-only memory of no stated style becomes block RAM.
BRAM_FROM = 1024


def thresholds(point: Thresholds) -> Features:
    """FINN's: a comparator and a memory a stage of the search."""
    stages = planes(point.steps)
    limit = point.bram_from or BRAM_FROM
    folds = point.channels // point.pe
    depths = [depth for depth in threshold_depths(point) if depth > 1]
    # A stage's address is the fold's beside that of the stage: words between them are decoded.
    in_luts = [depth // folds << bits(folds) for depth in depths if depth < limit]
    stored = point.pe * point.in_bits

    def words(low: int, high: int) -> float:
        """Words that memories in LUTs have between two depths, as shares of that range."""
        return sum(max(0, min(d, high) - low) for d in in_luts) / (high - low)

    # Contents are optimised with the logic: a word costs the more, the deeper its memory.
    return {
        "words to 16": stored * words(0, 16),
        "words to 64": stored * words(16, 64),
        "words to 256": stored * words(64, 256),
        "words beyond": stored * words(256, 512),
        "block memory": stored * (len(depths) - len(in_luts)),
        "comparator bits": stored * stages,
        "lane stages squared": point.pe * stages**2,
        "node": 1,
    }


def serial_thresholds(point: SerialThresholds) -> Features:
    """Ours: one comparator and one memory a lane, for all stages."""
    folds, levels = point.channels // point.pe, planes(point.steps)
    # Sums seldom come near the ends of their type: thresholds' two upper bits are their signs.
    compared = point.pe * max(1, point.in_bits - 2)
    # But where a tree has more words than thresholds, the largest value fills it.
    stored = compared if point.steps == 2**levels - 1 else point.pe * point.in_bits
    return {
        "memory": stored * table_sites(folds << levels) if point.style == "distributed" else 0,
        "bits compared": compared,
        "bits of results": point.pe * levels,
        "fold bits": bits(folds),
        "node": 1,
    }


def threshold_depths(point: Thresholds) -> list[int]:
    """Words of the memory of every stage of a lane's binary search."""
    folds = point.channels // point.pe
    return [folds * 2**stage for stage in range(planes(point.steps))]


def threshold_brams(point: Thresholds) -> float:
    """Block RAMs of 36 kbit, one or more a lane and stage that is deep enough."""
    deep = [d for d in threshold_depths(point) if d >= (point.bram_from or BRAM_FROM)]
    return point.pe * sum(bram36(point.in_bits, depth) for depth in deep)


def serial_brams(point: SerialThresholds) -> float:
    """Block RAMs of 36 kbit where memories are of these, a lane's in one."""
    depth = point.channels // point.pe << planes(point.steps)
    return point.pe * bram36(point.in_bits, depth)
