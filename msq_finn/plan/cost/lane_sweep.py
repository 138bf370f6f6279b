"""The design points of units with lanes that the cost model is fitted to."""

from __future__ import annotations

from dataclasses import replace

from msq_finn.lanes import LaneCounts
from msq_finn.plan.cost.point_kinds import Depthwise, Msq, Mvu, Point


def of(**lanes: int) -> LaneCounts:
    """Lanes by kind.

    Args:
        lanes: how many of each.
    """
    return LaneCounts(lanes)


def of_lanes() -> list[Point]:
    """Points of FINN's unit, of ours with lanes of every kind, and of the depthwise one."""
    return [
        *_finn_mvus(),
        *_lut_lanes(),
        *_dsp_lanes(),
        *_embedded_lanes(),
        *_serial_lanes(),
        *_depthwise(),
        *_other_lanes(),
    ]


def _finn_mvus() -> list[Point]:
    points = ((16, 8, 4, 4), (32, 16, 8, 4), (64, 8, 16, 4), (64, 16, 8, 8), (128, 4, 32, 4))
    return [
        *(Mvu(mw, mh, simd, pe) for mw, mh, simd, pe in points),
        Mvu(48, 8, 3, 2),
        Mvu(64, 32, 16, 8, acc_bits=16),
        Mvu(27, 8, 3, 4, act_bits=8, act_signed=True, acc_bits=16),
        Mvu(72, 8, 9, 4, act_bits=8, act_signed=True, acc_bits=17),
        Mvu(72, 8, 8, 1, acc_bits=15),
    ]


def _lut_lanes() -> list[Point]:
    shapes = (
        # MW, MH, SIMD, PE, activation bits, signed, accumulator bits
        (16, 8, 1, 4, 4, False, 12),
        (16, 8, 2, 4, 4, False, 12),
        (27, 8, 3, 4, 8, True, 16),
        (64, 8, 8, 2, 4, False, 14),
        (64, 8, 16, 4, 4, False, 14),
        (32, 8, 4, 4, 2, False, 10),
        (256, 4, 32, 2, 4, False, 16),
        (72, 8, 9, 4, 4, False, 14),
        (64, 4, 4, 4, 6, True, 14),
    )
    points: list[Point] = []
    for index, (mw, mh, simd, pe, act, signed, acc) in enumerate(shapes):
        point = Msq(mw, mh, simd, of(sp2_4_lut=pe), act, signed, acc)
        points.append(point)
        if index < 6:
            points.append(replace(point, lanes=of(fixed_4_lut=pe)))
    return points


def _dsp_lanes() -> list[Point]:
    return [
        Msq(16, 8, 1, of(fixed_4_dsp=4), acc_bits=12),
        Msq(16, 8, 2, of(fixed_4_dsp=4), acc_bits=12),
        Msq(32, 16, 4, of(fixed_4_dsp=4), acc_bits=13),
        Msq(64, 8, 8, of(fixed_4_dsp=4)),
        Msq(64, 16, 8, of(fixed_4_dsp=8)),
        Msq(72, 12, 9, of(fixed_4_dsp=3)),
        Msq(64, 8, 16, of(fixed_4_dsp=4)),
        Msq(256, 4, 32, of(fixed_4_dsp=4), acc_bits=16),
        Msq(64, 8, 16, of(fixed_4_dsp=1)),
        Msq(27, 8, 3, of(fixed_4_dsp=4), act_bits=8, act_signed=True, acc_bits=16),
        Msq(32, 4, 8, of(fixed_4_dsp=2), act_bits=8, acc_bits=16),
        # Three lanes share a DSP48E2, and have no room between them; two a DSP48E1.
        Msq(36, 6, 9, of(fixed_4_dsp=6), act_bits=8, acc_bits=17),
        # Chains of one to four slices, some of them shorter than the others.
        Msq(16, 6, 2, of(fixed_4_dsp_chain=3), acc_bits=12),
        Msq(64, 12, 8, of(fixed_4_dsp_chain=3)),
        Msq(72, 12, 9, of(fixed_4_dsp_chain=6)),
        Msq(56, 8, 14, of(fixed_4_dsp_chain=4)),
        Msq(60, 12, 20, of(fixed_4_dsp_chain=3), acc_bits=15),
        Msq(256, 6, 32, of(fixed_4_dsp_chain=6), acc_bits=16),
        Msq(32, 4, 8, of(fixed_4_dsp_chain=4), act_bits=8, acc_bits=16),
        Msq(64, 12, 8, of(sp2_4_lut=3, fixed_4_dsp_chain=3)),
        Msq(64, 16, 8, of(sp2_4_lut=4, fixed_4_dsp=4)),
        Msq(32, 12, 4, of(sp2_4_lut=2, fixed_4_lut=2, fixed_4_dsp=2), acc_bits=13),
        Msq(64, 10, 8, of(sp2_4_lut=2), add_offset=True, acc_bits=16),
        Msq(64, 10, 8, of(fixed_4_dsp=2, sp2_4_lut=3), add_offset=True, acc_bits=16),
    ]


def _embedded_lanes() -> list[Point]:
    return [
        Msq(16, 4, 16, of(embedded_lut=4), acc_bits=12),
        Msq(9, 8, 9, of(embedded_lut=8), acc_bits=11),
        Msq(72, 4, 72, of(embedded_lut=4)),
        Msq(32, 4, 16, of(embedded_lut=4), acc_bits=13),
        Msq(36, 8, 36, of(embedded_lut=4), acc_bits=13),
        Msq(27, 8, 9, of(embedded_lut=8), act_bits=8, act_signed=True, acc_bits=16),
        Msq(64, 8, 32, of(embedded_lut=4)),
        Msq(16, 16, 16, of(embedded_lut=4), acc_bits=12),
        Msq(144, 4, 36, of(embedded_lut=4), acc_bits=15),
        Msq(48, 4, 8, of(embedded_lut=4), acc_bits=13),
        Msq(64, 8, 16, of(embedded_lut=4)),
        Msq(8, 8, 4, of(embedded_lut=2), acc_bits=11),
        Msq(64, 16, 16, of(embedded_lut=4)),
        Msq(36, 8, 12, of(embedded_lut=2), act_bits=2, acc_bits=10),
        Msq(24, 12, 6, of(embedded_lut=4), act_bits=6, acc_bits=15),
    ]


def _serial_lanes() -> list[Point]:
    return [
        # A word a sum, in one pass and in several.
        Msq(16, 4, 16, of(serial_lut=4), acc_bits=12),
        Msq(64, 4, 64, of(serial_lut=4)),
        Msq(144, 8, 144, of(serial_lut=8), acc_bits=15),
        Msq(36, 16, 36, of(serial_lut=8), acc_bits=13),
        Msq(64, 16, 64, of(serial_lut=4)),
        Msq(27, 16, 27, of(serial_lut=2), acc_bits=13),
        Msq(48, 16, 48, of(serial_lut=1)),
        # Several.
        Msq(64, 4, 32, of(serial_lut=4)),
        Msq(64, 4, 16, of(serial_lut=4)),
        Msq(144, 8, 72, of(serial_lut=4), acc_bits=15),
        Msq(288, 16, 72, of(serial_lut=8), acc_bits=16),
        Msq(128, 8, 16, of(serial_lut=8), acc_bits=15),
        Msq(96, 4, 12, of(serial_lut=2)),
        Msq(256, 4, 16, of(serial_lut=4), acc_bits=16),
        Msq(576, 2, 72, of(serial_lut=1), acc_bits=17),
        # Other activations.
        Msq(72, 4, 36, of(serial_lut=4), act_bits=2, acc_bits=12),
        Msq(60, 6, 60, of(serial_lut=3), act_bits=3, acc_bits=13),
        Msq(54, 4, 27, of(serial_lut=4), act_bits=5, acc_bits=15),
        Msq(64, 8, 32, of(serial_lut=4), act_bits=6, acc_bits=16),
        Msq(64, 8, 64, of(serial_lut=8), act_bits=8, act_signed=True, acc_bits=18),
        Msq(72, 8, 18, of(serial_lut=4), act_bits=8, act_signed=True, acc_bits=18),
        Msq(64, 8, 32, of(serial_lut=4), add_offset=True),
    ]


def _depthwise() -> list[Point]:
    return [
        *(Depthwise(9, 16, 1, of(sp2_4_lut=pe)) for pe in (2, 16)),
        *(Depthwise(9, 16, 1, of(fixed_4_lut=pe)) for pe in (2, 16)),
        *(Depthwise(9, 16, 1, of(int_5_dsp=pe)) for pe in (2, 16)),
        Depthwise(9, 16, 3, of(sp2_4_lut=16), acc_bits=13),
        Depthwise(9, 16, 3, of(fixed_4_lut=16), acc_bits=13),
        Depthwise(9, 8, 9, of(sp2_4_lut=8), acc_bits=13),
        Depthwise(9, 8, 9, of(fixed_4_lut=8), acc_bits=13),
        Depthwise(25, 64, 1, of(int_5_dsp=4), acc_bits=14),
        Depthwise(9, 32, 1, of(int_5_dsp=16), acc_bits=13),
        Depthwise(9, 32, 1, of(sp2_4_lut=4, int_5_dsp=4)),
        Depthwise(9, 32, 1, of(fixed_4_lut=6, int_5_dsp=2), acc_bits=13),
        Depthwise(9, 16, 1, of(int_8_dsp=8), acc_bits=17),
        Depthwise(9, 16, 1, of(int_5_dsp=8), act_bits=8, acc_bits=17),
        Depthwise(9, 16, 1, of(sp2_4_lut=4), act_bits=8, acc_bits=16),
        Depthwise(9, 12, 1, of(fixed_4_lut=4), act_bits=8, acc_bits=16),
    ]


def _other_lanes() -> list[Point]:
    """Kinds beside the paper's pair."""
    return [
        Msq(64, 8, 8, of(pot_4_lut=4), acc_bits=18),
        Msq(27, 8, 3, of(pot_4_lut=4), act_bits=8, act_signed=True, acc_bits=20),
        Msq(64, 8, 16, of(apot_4_lut=2), acc_bits=15),
        Msq(72, 8, 9, of(sp2_5_lut=4), acc_bits=15),
        Msq(64, 8, 8, of(sp2_6_lut=4), acc_bits=18),
        Msq(64, 8, 8, of(fixed_6_lut=4), acc_bits=16),
        Msq(32, 8, 4, of(fixed_8_lut=4), acc_bits=18),
        Msq(72, 4, 18, of(fixed_8_lut=2), acc_bits=19),
        Msq(64, 8, 8, of(fixed_8_dsp=4), acc_bits=18),
        Msq(64, 8, 8, of(fixed_5_dsp=4), acc_bits=15),
        Msq(64, 9, 16, of(fixed_6_dsp=3), acc_bits=16),
        Msq(72, 9, 9, of(fixed_3_dsp=9), acc_bits=12),
        Msq(72, 8, 8, of(fixed_8_dsp=2), act_bits=8, acc_bits=23),
        Depthwise(9, 16, 1, of(pot_4_lut=4), acc_bits=17),
        Depthwise(9, 16, 1, of(sp2_6_lut=4), acc_bits=17),
        Depthwise(9, 16, 3, of(fixed_8_lut=16), acc_bits=17),
    ]
