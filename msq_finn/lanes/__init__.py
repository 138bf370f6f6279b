"""Kinds of lanes: one table that says what each takes, computes and costs.

A new kind is an entry of the table (and a SystemVerilog module where its arithmetic is new): RTL
parameters, planner, plan files and reports follow from it.
"""

from msq_finn.lanes.counts import LaneCounts
from msq_finn.lanes.hardware import sources
from msq_finn.lanes.kind import DENSE, DEPTHWISE, FINN, LaneKind, Shape
from msq_finn.lanes.table import get, kinds, register

__all__ = [
    "DENSE",
    "DEPTHWISE",
    "FINN",
    "LaneCounts",
    "LaneKind",
    "Shape",
    "get",
    "kinds",
    "register",
    "sources",
]
