"""All kinds of design points."""

from __future__ import annotations

from msq_finn.plan.cost.design_point import Point
from msq_finn.plan.cost.lane_points import Depthwise, Msq, Mvu, Unit
from msq_finn.plan.cost.memory_points import Memstream, WeightRom
from msq_finn.plan.cost.own_points import Add, OwnNode, PaddedWindow, Pool, Repack
from msq_finn.plan.cost.stream_points import (
    Dwc,
    Fifo,
    FinnNode,
    LookupTable,
    SerialThresholds,
    Thresholds,
)
from msq_finn.plan.cost.window_points import Padding, Window, WordWindow

__all__ = [
    "NEED_FINN",
    "NODES",
    "Add",
    "Depthwise",
    "Dwc",
    "Fifo",
    "LookupTable",
    "Memstream",
    "Msq",
    "Mvu",
    "OwnNode",
    "PaddedWindow",
    "Padding",
    "Point",
    "Pool",
    "Repack",
    "SerialThresholds",
    "Thresholds",
    "Unit",
    "WeightRom",
    "Window",
    "WordWindow",
]

NODES: dict[str, type[Point]] = {
    cls.node: cls
    for cls in (
        Msq,
        Depthwise,
        Mvu,
        Memstream,
        WeightRom,
        Thresholds,
        SerialThresholds,
        Window,
        Padding,
        PaddedWindow,
        Dwc,
        Repack,
        Fifo,
        Pool,
        Add,
        LookupTable,
    )
}

#: Nodes whose sources come with FINN.
NEED_FINN = (Mvu, Memstream, FinnNode)
