"""What the LUTs of memories that weights stream from are proportional to."""

from __future__ import annotations

from msq_finn.lanes.kind import Features
from msq_finn.plan.cost.memories import bits, rom_sites
from msq_finn.plan.cost.point_kinds import Memstream, WeightRom

#: Words up to which a table's LUT also holds back the register behind it, and then shares no site.
WITH_ENABLE = 8


def memstream(point: Memstream) -> Features:
    """What the LUTs of FINN's memory are proportional to."""
    stored = point.style == "distributed"
    return {
        "memory": point.width * rom_sites(point.depth) if stored else 0,
        "width": point.width,
        "address bits": bits(point.depth),
        "node": 1,
    }


def weight_rom(point: WeightRom) -> Features:
    """What the LUTs of ours are proportional to."""
    columns, sites = point.width, 0.0
    if point.style == "distributed":
        # Of few words there are few different columns.
        columns = min(columns, 2**point.depth - 2)
        sites = 1.0 if point.depth <= WITH_ENABLE else rom_sites(point.depth)
    return {
        "memory": columns * sites,
        "width": columns,
        "address bits": bits(point.depth),
        # Of a power of two, the counter ends by itself.
        "last word": bits(point.depth) * (point.depth & point.depth - 1 != 0),
        "node": point.depth > 1,
    }
