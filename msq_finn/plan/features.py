"""What a node's LUTs are proportional to, and the DSPs and block RAMs it takes.

Every function returns named quantities with a physical meaning (bits of memory, compressor columns,
accumulator bits); the cost model finds the LUT sites of one unit of each by least squares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from msq_finn.plan import trees
from msq_finn.plan.points import (
    Add,
    Dwc,
    Embedded,
    Fifo,
    Memory,
    Msq,
    Mvu,
    Padding,
    Point,
    Pool,
    Thresholds,
    Window,
)

Features = dict[str, float]

#: Words from which on a read-only memory of no stated style becomes block RAM.
BRAM_FROM = 1024

#: Multiplier ports behind the pre-adder, in bits: DSP48E1 and DSP48E2.
_PORT_BITS = {"DSP48E1": 25, "DSP48E2": 27}


def lanes_per_dsp(dsp_block: str, act_bits: int, act_signed: bool) -> int:
    """Fixed(4) lanes that share a DSP slice (``dsp_packing`` in msq_finn/rtl/msq_pkg.sv).

    >>> lanes_per_dsp("DSP48E1", 4, False), lanes_per_dsp("DSP48E1", 8, False)
    (4, 2)
    """
    return 1 + (_PORT_BITS.get(dsp_block, 27) - 4) // trees.spacing(act_bits, act_signed)


def finn_lanes_per_dsp(dsp_block: str, act_bits: int) -> int:
    """Lanes of narrow 4-bit weights that share a DSP slice in FINN (mvu.sv's NUM_LANES).

    >>> finn_lanes_per_dsp("DSP48E1", 4), finn_lanes_per_dsp("DSP48E1", 8)
    (4, 2)
    """
    return 1 + (_PORT_BITS.get(dsp_block, 27) - 4) // (act_bits + 3)


def bits(number: int) -> int:
    """Bits that count to ``number``.

    >>> [bits(n) for n in (1, 2, 5)]
    [0, 1, 3]
    """
    return (number - 1).bit_length()


def rom_sites(depth: int) -> float:
    """LUT sites of one bit of memory that one address reads (and writes).

    >>> [rom_sites(depth) for depth in (16, 64, 65, 512)]
    [0.5, 1, 2, 9]
    """
    return 0.5 if depth <= 32 else math.ceil(depth / 64) + _mux_sites(math.ceil(depth / 256))


def ram_sites(width: int, depth: int) -> float:
    """LUT sites of a memory with two addresses: four sites hold six bits of 32, or three of 64.

    >>> ram_sites(16, 32), ram_sites(16, 64), ram_sites(16, 128)
    (12, 24, 64)
    """
    if depth <= 32:
        return 4 * math.ceil(width / 6)
    banks = math.ceil(depth / 64)
    return 4 * math.ceil(width / 3) * banks + width * _mux_sites(banks)


def _mux_sites(inputs: int) -> int:
    """LUTs that select one of several bits: four to a LUT."""
    return math.ceil((inputs - 1) / 3)


def bram36(width: int, depth: int) -> float:
    """Block RAMs of a memory, in halves, as the mapper tiles it: each shape, the best.

    >>> bram36(128, 512), bram36(8, 4096), bram36(36, 512)
    (2.0, 1.0, 0.5)
    """
    best = math.inf
    for tile_bits, tile_depth, tiles in (
        (72, 512, 1.0), (36, 1024, 1.0), (18, 2048, 1.0), (9, 4096, 1.0), (4, 8192, 1.0),
        (2, 16384, 1.0), (1, 32768, 1.0),
        (36, 512, 0.5), (18, 1024, 0.5), (9, 2048, 0.5), (4, 4096, 0.5), (2, 8192, 0.5),
        (1, 16384, 0.5),
    ):  # fmt: skip
        best = min(best, tiles * math.ceil(width / tile_bits) * math.ceil(depth / tile_depth))
    return best


def lut_lane(booth: bool, mw: int, simd: int, act_bits: int, acc_bits: int) -> Features:
    """One LUT lane of SP2(4), or, with Booth's rows, of Fixed(4)."""
    acc_bits = min(acc_bits, trees.lut_lane_sum_bits(booth, mw, act_bits))
    row_bits = act_bits + (1 if booth else math.ceil(act_bits / 2))
    return {
        "Booth row bits" if booth else "SP2 row bits": simd * row_bits,
        "compressor columns": trees.lut_lane_columns(booth, simd, act_bits, acc_bits),
        "accumulator bits": acc_bits,
    }


def embedded_lane(folds: int, mw: int, simd: int, act_bits: int, acc_bits: int) -> Features:
    """One lane of embedded weights."""
    lane = trees.embedded_lane(folds, mw // simd, simd, act_bits)
    return {
        "table outputs": lane.outputs,
        "compressor columns": lane.columns,
        "accumulator bits": min(acc_bits, lane.sum_bits),
    }


def embedded_frame(folds: int, mw: int, simd: int, act_bits: int) -> Features:
    """What embedded lanes share."""
    words, passes = mw // simd, folds // (mw // simd)
    return {"fold bits": bits(folds), **_replay(words, passes, simd * act_bits)}


def _embedded(point: Embedded) -> Features:
    lane = embedded_lane(point.folds, point.mw, point.simd, point.act_bits, point.acc_bits)
    return {name: point.pe * value for name, value in lane.items()} | embedded_frame(
        point.folds, point.mw, point.simd, point.act_bits
    )


def dsp_pack(lanes: int, simd: int, act_bits: int, act_signed: bool, acc_bits: int) -> Features:
    """DSP lanes that share slices."""
    columns = sum(
        trees.dsp_lane_columns(simd, act_bits, act_signed, acc_bits, lane == 0)
        for lane in range(lanes)
    )
    return {
        "DSP low products": (lanes - 1) * simd,
        "DSP carries": lanes * ((simd + 1) // 2),
        "DSP lanes": lanes,
        "compressor columns": columns,
        "accumulator bits": lanes * acc_bits,
    }


def msq_frame(point: Msq) -> Features:
    """What lanes share, and the offsets that are added to their sums."""
    offset_bits = point.add_offset * point.pe * point.acc_bits
    return {
        "offset bits": offset_bits,
        "offset memory": offset_bits * rom_sites(point.mh // point.pe),
        **_replay_of(point),
    }


def packs(lanes: int, pack: int) -> list[int]:
    """How many lanes each pack of DSP slices holds.

    >>> packs(10, 4)
    [4, 4, 2]
    """
    return [min(pack, lanes - first) for first in range(0, lanes, pack)]


def _msq(point: Msq) -> Features:
    act, acc, simd = point.act_bits, point.acc_bits, point.simd
    pack = lanes_per_dsp("DSP48E1", act, point.act_signed)
    parts = [(1, msq_frame(point))]
    if point.sp2_lut:
        parts.append((point.sp2_lut, lut_lane(False, point.mw, simd, act, acc)))
    if point.fixed_lut:
        parts.append((point.fixed_lut, lut_lane(True, point.mw, simd, act, acc)))
    for lanes in packs(point.fixed_dsp, pack):
        parts.append((1, dsp_pack(lanes, simd, act, point.act_signed, acc)))
    total = dict.fromkeys(_MSQ_FEATURES, 0.0)
    for count, part in parts:
        for name, value in part.items():
            total[name] += count * value
    return total


_MSQ_FEATURES = (
    *("SP2 row bits", "Booth row bits", "compressor columns", "accumulator bits"),
    *("DSP low products", "DSP carries", "DSP lanes", "offset bits", "offset memory"),
    *("replay memory", "replay bits", "counter bits", "layer"),
)


def _replay_of(point: Msq | Mvu) -> Features:
    words, passes = point.mw // point.simd, point.mh // point.pe
    return _replay(words, passes, point.simd * point.act_bits)


def _replay(words: int, passes: int, width: int) -> Features:
    """An activation buffer in front of the lanes, and their common control."""
    kept = passes > 1
    return {
        "replay memory": width * rom_sites(words) if kept else 0,
        "replay bits": width if kept else 0,
        "counter bits": bits(words) + bits(passes),
        "layer": 1,
    }


def _mvu(point: Mvu) -> Features:
    macs = point.pe * point.simd
    return {
        "MACs": macs,
        "MAC bits": macs * point.act_bits,
        "accumulator bits": point.pe * point.acc_bits,
        "lanes": point.pe,
        "lane levels": point.pe * bits(point.simd),
        **_replay_of(point),
    }


def _memory(point: Memory) -> Features:
    stored = point.style == "distributed"
    return {
        "memory": point.width * rom_sites(point.depth) if stored else 0,
        "width": point.width,
        "address bits": bits(point.depth),
        "node": 1,
    }


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


def _window(point: Window) -> Features:
    width = point.simd * point.act_bits
    out = window_out(point)
    folds = point.channels // point.simd
    if is_parallel(point):
        depth = max(1, (point.dim - point.kernel) * folds)
        stored = (point.kernel - 1) * ram_sites(width, depth)
        return {
            "memory": stored if point.style == "distributed" else 0,
            "window bits": point.kernel**2 * width,
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


FEATURES: dict[type[Point], Callable[[Any], Features]] = {
    Msq: _msq,
    Embedded: _embedded,
    Mvu: _mvu,
    Memory: _memory,
    Thresholds: _thresholds,
    Window: _window,
    Padding: _padding,
    Dwc: _dwc,
    Fifo: _fifo,
    Pool: _pool,
    Add: _add,
}


def group(point: Point) -> str:
    """Points of one group share coefficients."""
    if isinstance(point, Window):
        return "swg parallel" if is_parallel(point) else "swg"
    if isinstance(point, Memory):
        return f"memory {point.style}"
    return point.node


def threshold_depths(point: Thresholds) -> list[int]:
    """Words of the memory of every stage of a lane's binary search."""
    folds = point.channels // point.pe
    return [folds * 2**stage for stage in range(bits(point.steps + 1))]


def window_out(point: Window) -> int:
    """Pixels of the result in one direction."""
    return (point.dim - point.kernel) // point.stride + 1


def is_parallel(point: Window) -> bool:
    """Whether a window leaves at once (FINN's "parallel" style)."""
    return point.parallel or point.kernel == 1


def window_depth(point: Window) -> int:
    """Words of the addressable buffer (convolutioninputgenerator_rtl.py, get_buffer_depth)."""
    folds = point.channels // point.simd
    whole = (point.kernel - 1) * point.dim + point.kernel
    ahead = max(0, point.stride - 1 - point.kernel**2)
    ahead += max(0, (point.stride - 1) * point.dim - point.kernel**2)
    return (whole + ahead) * folds


def fifo_style(point: Fifo) -> str:
    """What a FIFO is made of (finn-rtllib's fifo.sv)."""
    if point.depth <= 33:
        return "shift"
    if point.style != "auto":
        return point.style
    if point.depth <= 64 and point.width < 12:
        return "shift"
    return "distributed" if point.depth <= 257 or point.width < 5 else "block"


def dsps(point: Point, dsp_block: str = "DSP48E1") -> int:
    """DSP slices; exact, they are instantiated one by one."""
    if isinstance(point, Msq):
        pack = lanes_per_dsp(dsp_block, point.act_bits, point.act_signed)
        return math.ceil(point.fixed_dsp / pack) * point.simd
    if isinstance(point, Mvu):
        return math.ceil(point.pe / finn_lanes_per_dsp(dsp_block, point.act_bits)) * point.simd
    return 0


def brams(point: Point) -> float:
    """Block RAMs of 36 kbit."""
    if isinstance(point, Memory) and point.style == "block":
        return bram36(point.width, point.depth)
    if isinstance(point, Thresholds):
        deep = [d for d in threshold_depths(point) if d >= (point.bram_from or BRAM_FROM)]
        return point.pe * sum(bram36(point.in_bits, depth) for depth in deep)
    if isinstance(point, Window) and point.style == "block":
        width = point.simd * point.act_bits
        if is_parallel(point):
            folds = point.channels // point.simd
            lines = max(1, (point.dim - point.kernel) * folds)
            return (point.kernel - 1) * bram36(width, lines)
        return bram36(width, window_depth(point))
    if isinstance(point, Fifo) and fifo_style(point) == "block":
        return bram36(point.width, 2 ** bits(max(512, point.depth - 1)))
    return 0
