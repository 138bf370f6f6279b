"""What a node's LUTs are proportional to, and the DSPs and block RAMs it takes.

Every function returns named quantities with a physical meaning (bits of memory, compressor columns,
accumulator bits); the cost model finds the LUT sites of one unit of each by least squares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from msq_finn.lanes import LaneCounts, Shape
from msq_finn.lanes.dsp import DspBlock
from msq_finn.lanes.kind import Features
from msq_finn.plan.cost.lane_features import group_of, offsets, unit
from msq_finn.plan.cost.memories import bits, bram36, ram_sites
from msq_finn.plan.cost.memory_features import memstream, weight_rom
from msq_finn.plan.cost.point_kinds import (
    Add,
    Depthwise,
    Dwc,
    Fifo,
    LookupTable,
    Memstream,
    Msq,
    Mvu,
    PaddedWindow,
    Padding,
    Point,
    Pool,
    Repack,
    SerialThresholds,
    Thresholds,
    Unit,
    WeightRom,
    Window,
    WordWindow,
)
from msq_finn.plan.cost.repack_features import repack
from msq_finn.plan.cost.threshold_features import (
    serial_brams,
    serial_thresholds,
    threshold_brams,
    thresholds,
)
from msq_finn.plan.cost.window_features import (
    is_parallel,
    padded_window,
    padding,
    window,
    window_brams,
)


def _dwc(point: Dwc) -> Features:
    unit = math.gcd(point.in_bits, point.out_bits)
    steps_in, steps_out = point.in_bits // unit, point.out_bits // unit
    down, up = steps_out == 1, steps_in == 1
    return {
        "bits down": down * point.in_bits,
        "bits down times ratio": down * point.in_bits * steps_in,
        "bits up": up * point.out_bits,
        "bits mixed": (not up and not down) * point.in_bits,
        "bits mixed times steps": (not up and not down) * point.in_bits * steps_out,
        "counter bits": bits(max(steps_in, steps_out)),
        "node": 1,
    }


def _fifo(point: Fifo) -> Features:
    style = fifo_style(point)
    depth = point.depth - 1
    return {
        "shift bits": point.width * (0.5 if depth <= 16 else math.ceil(depth / 32))
        * (style == "shift"),
        "memory": ram_sites(point.width, depth) if style == "distributed" else 0,
        "width": point.width,
        "address bits": bits(point.depth),
        "pointers": style != "shift",
        "node": 1,
    }  # fmt: skip


def _pool(point: Pool) -> Features:
    return {"bits": point.elements * point.act_bits, "node": 1}


def _add(point: Add) -> Features:
    return {"bits": point.elements * point.act_bits, "node": 1}


def _table(point: LookupTable) -> Features:
    # Of five bits and fewer, some bits of entries share a LUT.
    luts = max(2.0 ** (point.in_bits - 6), 0.75)
    return {"bits of entries": point.elements * point.out_bits * luts, "node": 1}


_FEATURES: dict[type[Point], Callable[[Any], Features]] = {
    Memstream: memstream,
    WeightRom: weight_rom,
    Thresholds: thresholds,
    SerialThresholds: serial_thresholds,
    Window: window,
    WordWindow: window,
    Padding: padding,
    Dwc: _dwc,
    Repack: repack,
    Fifo: _fifo,
    Pool: _pool,
    Add: _add,
    LookupTable: _table,
}


def features(point: Point, block: DspBlock) -> Features:
    """Quantities that a node's LUTs are proportional to.

    Args:
        block: the device's DSP slice.
    """
    if isinstance(point, PaddedWindow):
        return padded_window(point, block)
    if not isinstance(point, Unit | Mvu):
        return _FEATURES[type(point)](point)
    lanes, shape = _lanes(point, block)
    found = unit(lanes, shape, isinstance(point, Depthwise))
    if isinstance(point, Msq) and point.add_offset:
        found |= offsets(lanes.pe, point.acc_bits, point.mh // lanes.pe)
    return found


def _lanes(point: Unit | Mvu, block: DspBlock) -> tuple[LaneCounts, Shape]:
    if isinstance(point, Unit):
        return point.lanes, point.shape(block)
    lanes = LaneCounts({"finn_dsp": point.pe})
    unit_of = Msq(point.mw, point.mh, point.simd, lanes, point.act_bits, point.act_signed)
    return lanes, replace(unit_of, acc_bits=point.acc_bits).shape(block)


def group(point: Point) -> str:
    """Points of one group share coefficients."""
    if isinstance(point, Window):
        return "swg parallel" if is_parallel(point) else "swg"
    if isinstance(point, Memstream | WeightRom | PaddedWindow | SerialThresholds):
        return f"{point.node} {point.style}"
    if isinstance(point, Repack):
        return "narrow" if point.narrows else "widen"
    if isinstance(point, Unit):
        return group_of(point.lanes.kinds[0], isinstance(point, Depthwise))
    return point.node


def fifo_style(point: Fifo) -> str:
    """What a FIFO is made of (finn-rtllib's fifo.sv)."""
    if point.depth <= 33:
        return "shift"
    if point.style != "auto":
        return point.style
    if point.depth <= 64 and point.width < 12:
        return "shift"
    return "distributed" if point.depth <= 257 or point.width < 5 else "block"


def dsps(point: Point, block: DspBlock) -> int:
    """DSP slices; exact, they are instantiated one by one.

    Args:
        block: the device's DSP slice.
    """
    if not isinstance(point, Unit | Mvu):
        return 0
    lanes, shape = _lanes(point, block)
    return lanes.slices(shape)


def brams(point: Point) -> float:
    """Block RAMs of 36 kbit."""
    if isinstance(point, Thresholds):
        return threshold_brams(point)
    if isinstance(point, Fifo):
        deep = bits(max(512, point.depth - 1))
        return bram36(point.width, 2**deep) if fifo_style(point) == "block" else 0
    if getattr(point, "style", "") != "block":
        return 0
    if isinstance(point, SerialThresholds):
        return serial_brams(point)
    if isinstance(point, Window):
        return window_brams(point)
    if isinstance(point, Memstream | WeightRom | PaddedWindow):
        return bram36(point.width, point.depth)
    return 0
