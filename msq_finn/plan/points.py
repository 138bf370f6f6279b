"""All kinds of design points."""

from __future__ import annotations

from msq_finn.plan.lane_points import Depthwise, Embedded, Memory, Msq, Mvu
from msq_finn.plan.point import Point
from msq_finn.plan.stream_points import (
    Add,
    Dwc,
    Fifo,
    FinnNode,
    Padding,
    Pool,
    Thresholds,
    Window,
)

__all__ = [
    "NEED_FINN",
    "NODES",
    "Add",
    "Depthwise",
    "Dwc",
    "Embedded",
    "Fifo",
    "Memory",
    "Msq",
    "Mvu",
    "Padding",
    "Point",
    "Pool",
    "Thresholds",
    "Window",
]

NODES: dict[str, type[Point]] = {
    cls.node: cls
    for cls in (
        Msq,
        Embedded,
        Depthwise,
        Mvu,
        Memory,
        Thresholds,
        Window,
        Padding,
        Dwc,
        Fifo,
        Pool,
        Add,
    )
}

#: Nodes whose sources come with FINN.
NEED_FINN = (Mvu, Memory, FinnNode)
