"""What the LUTs of matrix-vector units are proportional to, lane by lane."""

from __future__ import annotations

import math

from msq_finn.plan import trees
from msq_finn.plan.memories import bits, rom_sites
from msq_finn.plan.points import Depthwise, Embedded, Msq, Mvu
from msq_finn.rtl import dsp
from msq_finn.rtl.depthwise import channel_spacing, channels_per_dsp
from msq_finn.rtl.lanes import dsp_port_bits, lanes_per_dsp

#: Quantities by name, of which the cost model knows what a unit takes.
Features = dict[str, float]


def finn_lanes_per_dsp(dsp_block: str, act_bits: int) -> int:
    """Lanes of narrow 4-bit weights that share a DSP slice in FINN (mvu.sv's NUM_LANES).

    Args:
        dsp_block: kind of DSP slice, such as "DSP48E1".
        act_bits: bits of an activation.

    >>> finn_lanes_per_dsp("DSP48E1", 4), finn_lanes_per_dsp("DSP48E1", 8)
    (4, 2)
    """
    return 1 + (dsp_port_bits(dsp_block) - 4) // (act_bits + 3)


def lut_lane(booth: bool, mw: int, simd: int, act_bits: int, acc_bits: int) -> Features:
    """One LUT lane of SP2(4), or, with Booth's rows, of Fixed(4).

    Args:
        booth: whether the lane is Fixed(4) of Booth's rows, else SP2(4).
        mw: columns of the weight matrix.
        simd: elements that a lane takes a cycle.
        act_bits: bits of an activation.
        acc_bits: bits of a sum.
    """
    acc_bits = min(acc_bits, trees.lut_lane_sum_bits(booth, mw, act_bits))
    row_bits = act_bits + (1 if booth else math.ceil(act_bits / 2))
    return {
        "Booth row bits" if booth else "SP2 row bits": simd * row_bits,
        "compressor columns": trees.lut_lane_columns(booth, simd, act_bits, acc_bits),
        "accumulator bits": acc_bits,
    }


def embedded_lane(folds: int, mw: int, simd: int, act_bits: int, acc_bits: int) -> Features:
    """One lane of embedded weights.

    Args:
        folds: cycles a vector.
        mw: columns of the weight matrix.
        simd: elements that a lane takes a cycle.
        act_bits: bits of an activation.
        acc_bits: bits of a sum.
    """
    lane = trees.embedded_lane(folds, mw // simd, simd, act_bits)
    return {
        "table outputs": lane.outputs,
        "compressor columns": lane.columns,
        "accumulator bits": min(acc_bits, lane.sum_bits),
    }


def embedded_frame(folds: int, mw: int, simd: int, act_bits: int) -> Features:
    """What embedded lanes share.

    Args:
        folds: cycles a vector.
        mw: columns of the weight matrix.
        simd: elements that a lane takes a cycle.
        act_bits: bits of an activation.
    """
    words, passes = mw // simd, folds // (mw // simd)
    return {"fold bits": bits(folds), **_replay(words, passes, simd * act_bits)}


def embedded(point: Embedded) -> Features:
    """A layer of embedded lanes.

    Args:
        point: the node.
    """
    lane = embedded_lane(point.folds, point.mw, point.simd, point.act_bits, point.acc_bits)
    return {name: point.pe * value for name, value in lane.items()} | embedded_frame(
        point.folds, point.mw, point.simd, point.act_bits
    )


def dsp_pack(lanes: int, simd: int, act_bits: int, act_signed: bool, acc_bits: int) -> Features:
    """DSP lanes that share slices.

    Args:
        lanes: that share slices.
        simd: elements that a lane takes a cycle.
        act_bits: bits of an activation.
        act_signed: whether activations are signed.
        acc_bits: bits of a sum.
    """
    if dsp.get("DSP48E1").apart(4, act_bits, act_signed):
        return {
            "DSP lanes": lanes,
            "compressor columns": lanes * trees.apart_lane_columns(simd, act_bits, act_signed),
            "accumulator bits": lanes * acc_bits,
        }
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
    """What lanes share, and the offsets that are added to their sums.

    Args:
        point: the node.
    """
    offset_bits = point.add_offset * point.pe * point.acc_bits
    return {
        "offset bits": offset_bits,
        "offset memory": offset_bits * rom_sites(point.mh // point.pe),
        **_replay_of(point),
    }


def packs(lanes: int, pack: int) -> list[int]:
    """How many lanes each pack of DSP slices holds.

    Args:
        lanes: DSP lanes in all.
        pack: lanes that a slice has room for.

    >>> packs(10, 4)
    [4, 4, 2]
    """
    return [min(pack, lanes - first) for first in range(0, lanes, pack)]


def msq(point: Msq) -> Features:
    """A layer of lanes that take codes.

    Args:
        point: the node.
    """
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
        # A single word is kept in registers.
        "replay memory": width * rom_sites(words) if kept and words > 1 else 0,
        "replay bits": width if kept else 0,
        "counter bits": bits(words) + bits(passes),
        "layer": 1,
    }


def depthwise(point: Depthwise) -> Features:
    """A depthwise layer; its lanes share nothing but their control.

    Args:
        point: the layer.
    """
    act, acc = point.act_bits, max(point.acc_bits, point.act_bits + 4)
    lut_lanes = point.sp2_lut + point.fixed_lut
    fields = (point.window, act, point.act_signed, point.dsp_bits)
    lower_signs, spacing = channels_per_dsp(*fields) == 2, channel_spacing(*fields)
    total = {
        "DSP lanes": point.fixed_dsp,
        # Of two channels in a slice the lower one's sign is inverted, where it is read.
        "inverted signs": point.fixed_dsp // 2 * (lower_signs and acc >= spacing),
        # Sums of LUT lanes wait for those of DSP lanes beside them.
        "aligned bits": lut_lanes * acc * bool(point.fixed_dsp),
        "input bits": point.pe * point.simd * act,
        "counter bits": bits(point.window // point.simd) + bits(point.channels // point.pe),
        "layer": 1,
    } | dict.fromkeys(("SP2 row bits", "Booth row bits", "compressor columns"), 0.0)
    total["accumulator bits"] = 0.0
    for booth, count in ((False, point.sp2_lut), (True, point.fixed_lut)):
        for name, value in lut_lane(booth, point.window, point.simd, act, acc).items():
            total[name] += count * value
    return total


def mvu(point: Mvu) -> Features:
    """FINN's DSP layer.

    Args:
        point: the node.
    """
    macs = point.pe * point.simd
    return {
        "MACs": macs,
        "MAC bits": macs * point.act_bits,
        "accumulator bits": point.pe * point.acc_bits,
        "lanes": point.pe,
        "lane levels": point.pe * bits(point.simd),
        **_replay_of(point),
    }
