"""What window generators and padding are proportional to, and their block RAMs."""

from __future__ import annotations

from msq_finn.lanes.dsp import DspBlock
from msq_finn.lanes.kind import Features
from msq_finn.plan.cost.memories import bank_sites, bits, bram36, ram_cells, ram_sites
from msq_finn.plan.cost.point_kinds import PaddedWindow, Padding, Window


def window(point: Window) -> Features:
    """FINN's window generator."""
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


def padding(point: Padding) -> Features:
    """FINN's padding."""
    folds = point.channels // point.simd
    return {
        "width": point.simd * point.act_bits,
        "counter bits": 2 * bits(point.dim + 2) + bits(folds),
        "node": 1,
    }


def padded_window(point: PaddedWindow, block: DspBlock) -> Features:
    """Ours, with the padding inside.

    Args:
        block: the device's DSP slice, which tells its family.
    """
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


def window_brams(point: Window) -> float:
    """Block RAMs of 36 kbit where lines or the buffer are of these."""
    width = point.simd * point.act_bits
    if is_parallel(point):
        folds = point.channels // point.simd
        return (point.kernel - 1) * bram36(width, max(1, point.line * folds))
    return bram36(width, window_depth(point))
