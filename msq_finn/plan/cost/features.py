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
from msq_finn.plan.cost.memories import (
    bank_sites,
    bits,
    bram36,
    ram_cells,
    ram_sites,
    table_sites,
)
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

#: Words from which on a read-only memory of no stated style becomes block RAM.
BRAM_FROM = 1024


def _thresholds(point: Thresholds) -> Features:
    stages = bits(point.steps + 1)
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


def _serial_thresholds(point: SerialThresholds) -> Features:
    folds, planes = point.channels // point.pe, bits(point.steps + 1)
    # Sums seldom come near the ends of their type: thresholds' two upper bits are their signs.
    compared = point.pe * max(1, point.in_bits - 2)
    # But where a tree has more words than thresholds, the largest value fills it.
    stored = compared if point.steps == 2**planes - 1 else point.pe * point.in_bits
    return {
        "memory": stored * table_sites(folds << planes) if point.style == "distributed" else 0,
        "bits compared": compared,
        "bits of results": point.pe * planes,
        "fold bits": bits(folds),
        "node": 1,
    }


def _window(point: Window) -> Features:
    width = point.simd * point.act_bits
    out = window_out(point)
    folds = point.channels // point.simd
    if is_parallel(point):
        depth = max(1, point.line * folds)
        stored = (point.kernel - 1) * ram_sites(width, depth)
        return {
            "memory": stored if point.style == "distributed" else 0,
            "window bits": point.taps * width,
            "line address bits": (point.kernel - 1) * bits(depth),
            "counter bits": 2 * bits(out) + bits(folds) + 2 * bits(point.dim**2 * folds),
            "node": 1,
        }
    depth = window_depth(point)
    return {
        "memory": ram_sites(width, depth) if point.style == "distributed" else 0,
        "width": width,
        "address bits": bits(depth),
        "counter bits": 2 * bits(out) + 2 * bits(point.kernel) + bits(folds),
        "element bits": bits(point.dim**2 * folds),
        "node": 1,
    }


def _padding(point: Padding) -> Features:
    folds = point.channels // point.simd
    return {
        "width": point.simd * point.act_bits,
        "counter bits": 2 * bits(point.dim + 2) + bits(folds),
        "node": 1,
    }


def _padded_window(point: PaddedWindow, block: DspBlock) -> Features:
    depth, windows = point.depth, point.windows
    in_luts, eights = point.style == "distributed", block.name != "DSP48E1"
    around = depth.bit_count() > 1  # addresses that wrap are compared and moved back
    kernel = bits(point.kernel_rows) + bits(point.kernel_pixels)
    height, width = point.rows + 2 * point.pad_rows, point.pixels + 2 * point.pad_pixels
    return {
        "memory": in_luts * ram_cells(point.width, depth, eights),
        "banks": in_luts * bank_sites(point.width, depth),
        "address bits": bits(depth),
        "wrapping bits": around * bits(depth),
        "counter bits": bits(height) + bits(width) + kernel + bits(point.folds),
        "width": point.width,
        "loops": sum(
            size > 1
            for size in (height, width, point.kernel_rows, point.kernel_pixels, point.folds)
        ),
        "uneven steps": len({*windows.moves}) - 1,
        "passes": point.depthwise and point.folds > 1,
        "node": 1,
    }


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
    Thresholds: _thresholds,
    SerialThresholds: _serial_thresholds,
    Window: _window,
    WordWindow: _window,
    Padding: _padding,
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
        point: the node.
        block: the device's DSP slice.
    """
    if isinstance(point, PaddedWindow):
        return _padded_window(point, block)
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
    """Points of one group share coefficients.

    Args:
        point: the node.
    """
    if isinstance(point, Window):
        return "swg parallel" if is_parallel(point) else "swg"
    if isinstance(point, Memstream | WeightRom | PaddedWindow | SerialThresholds):
        return f"{point.node} {point.style}"
    if isinstance(point, Repack):
        return "narrow" if point.narrows else "widen"
    if isinstance(point, Unit):
        return group_of(point.lanes.kinds[0], isinstance(point, Depthwise))
    return point.node


def threshold_depths(point: Thresholds) -> list[int]:
    """Words of the memory of every stage of a lane's binary search.

    Args:
        point: the node.
    """
    folds = point.channels // point.pe
    return [folds * 2**stage for stage in range(bits(point.steps + 1))]


def window_out(point: Window) -> int:
    """Pixels of the result in one direction.

    Args:
        point: the node.
    """
    return (point.dim - point.kernel) // point.stride + 1


def is_parallel(point: Window) -> bool:
    """Whether a window leaves at once (FINN's "parallel" style).

    Args:
        point: the node.
    """
    return point.parallel or point.kernel == 1


def window_depth(point: Window) -> int:
    """Words of the addressable buffer (convolutioninputgenerator_rtl.py, get_buffer_depth).

    Args:
        point: the node.
    """
    folds = point.channels // point.simd
    whole = (point.kernel - 1) * point.dim + point.kernel
    ahead = max(0, point.stride - 1 - point.kernel**2)
    ahead += max(0, (point.stride - 1) * point.dim - point.kernel**2)
    return (whole + ahead) * folds


def fifo_style(point: Fifo) -> str:
    """What a FIFO is made of (finn-rtllib's fifo.sv).

    Args:
        point: the node.
    """
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
        point: the node.
        block: the device's DSP slice.
    """
    if not isinstance(point, Unit | Mvu):
        return 0
    lanes, shape = _lanes(point, block)
    return lanes.slices(shape)


def brams(point: Point) -> float:
    """Block RAMs of 36 kbit.

    Args:
        point: the node.
    """
    if isinstance(point, Memstream | WeightRom) and point.style == "block":
        return bram36(point.width, point.depth)
    if isinstance(point, Thresholds):
        deep = [d for d in threshold_depths(point) if d >= (point.bram_from or BRAM_FROM)]
        return point.pe * sum(bram36(point.in_bits, depth) for depth in deep)
    if isinstance(point, SerialThresholds) and point.style == "block":
        depth = point.channels // point.pe << bits(point.steps + 1)
        return point.pe * bram36(point.in_bits, depth)
    if isinstance(point, Window) and point.style == "block":
        width = point.simd * point.act_bits
        if is_parallel(point):
            folds = point.channels // point.simd
            lines = max(1, point.line * folds)
            return (point.kernel - 1) * bram36(width, lines)
        return bram36(width, window_depth(point))
    if isinstance(point, PaddedWindow) and point.style == "block":
        return bram36(point.width, point.depth)
    if isinstance(point, Fifo) and fifo_style(point) == "block":
        return bram36(point.width, 2 ** bits(max(512, point.depth - 1)))
    return 0
