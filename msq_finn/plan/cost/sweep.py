"""The design points that the cost model is fitted to."""

from __future__ import annotations

from dataclasses import replace

from msq_finn.lanes import LaneCounts
from msq_finn.plan.cost.point_kinds import (
    Add,
    Depthwise,
    Dwc,
    Fifo,
    LookupTable,
    Memstream,
    Msq,
    Mvu,
    Padding,
    Point,
    Pool,
    Repack,
    Thresholds,
    WeightRom,
    Window,
)


def of(**lanes: int) -> LaneCounts:
    """Lanes by kind.

    Args:
        lanes: how many of each.
    """
    return LaneCounts(lanes)


def fitted() -> list[Point]:
    """Points that the cost model is fitted to."""
    return [
        *_streams(),
        *_memories(),
        *_thresholds(),
        *_windows(),
        *_finn_mvus(),
        *_lut_lanes(),
        *_dsp_lanes(),
        *_embedded_lanes(),
        *_serial_lanes(),
        *_depthwise(),
        *_other_lanes(),
    ]


#: Bits of an element, elements of input and output words, and of a vector.
_NARROWING = (
    (4, 8, 4, 8),
    (4, 16, 4, 16),
    (4, 32, 4, 32),
    (14, 8, 1, 8),
    (4, 48, 1, 48),
    (4, 7, 3, 64),
    (4, 27, 16, 144),
    (4, 16, 6, 62),
    (4, 13, 8, 61),
    (14, 5, 4, 6),
)
_WIDENING = (
    (4, 1, 4, 4),
    (4, 4, 16, 64),
    (4, 4, 16, 62),
    (4, 2, 64, 128),
    (4, 6, 18, 72),
    (4, 6, 18, 18),
    (4, 3, 7, 63),
    (4, 8, 12, 96),
    (4, 9, 16, 144),
    (4, 13, 64, 256),
)


def _streams() -> list[Point]:
    return [
        *(Dwc(a, b) for a, b in ((16, 4), (64, 16), (112, 14), (28, 14), (60, 20), (128, 16))),
        *(
            Dwc(a, b)
            for a, b in (
                (4, 16),
                (16, 64),
                (8, 72),
                (20, 60),
                (36, 48),
                (48, 36),
                (90, 60),
                (24, 36),
            )
        ),
        *(Repack(*sizes) for sizes in _NARROWING + _WIDENING),
        *(Fifo(width, depth) for width, depth in ((4, 32), (16, 16), (32, 32), (64, 32))),
        *(Fifo(width, depth) for width, depth in ((16, 64), (16, 128), (32, 256))),
        Fifo(16, 1024, "block"),
        Fifo(72, 512, "block"),
        *(Pool(elements) for elements in (1, 8)),
        *(Add(elements) for elements in (1, 8)),
        *(
            LookupTable(e, i, o)
            for e, i, o in ((1, 8, 8), (4, 8, 4), (8, 6, 4), (2, 7, 6), (4, 4, 4))
        ),
        *(Padding(c, s, d) for c, s, d in ((16, 4, 16), (64, 1, 32), (16, 16, 8), (32, 8, 56))),
    ]


def _memories() -> list[Point]:
    few, many = ((64, 1), (64, 4)), ((64, 16), (64, 32), (128, 36), (64, 64), (64, 128), (32, 256))
    block = ((64, 64), (128, 512), (80, 1024), (8, 4096), (144, 288))
    return [
        *(Memstream(width, depth, "distributed") for width, depth in few + many),
        *(Memstream(width, depth, "block") for width, depth in (*block, (40, 512), (36, 2048))),
        # Of one word that nobody writes nothing is left, and of four next to nothing.
        *(WeightRom(width, depth, "distributed") for width, depth in many),
        *(WeightRom(width, depth, "block") for width, depth in (*block, (24, 100), (36, 900))),
    ]


def _thresholds() -> list[Point]:
    points = (
        *((8, 8, 12), (16, 4, 10), (32, 4, 12), (32, 2, 14), (64, 2, 12), (64, 1, 16)),
        *(
            (24, 4, 16),
            (8, 4, 10),
            (64, 8, 14),
            (128, 4, 14),
            (12, 12, 9),
            (16, 1, 5),
            (128, 2, 12),
        ),
    )
    return [
        *(Thresholds(channels, pe, in_bits) for channels, pe, in_bits in points),
        Thresholds(128, 1, 14),
        Thresholds(256, 1, 14),
        Thresholds(64, 2, 12, bram_from=128),
        Thresholds(16, 2, 12, steps=255),
        Thresholds(16, 4, 10, steps=255),
    ]


def _windows() -> list[Point]:
    return [
        *(Window(c, s, d) for c, s, d in ((16, 4, 16), (64, 4, 16), (16, 16, 34), (3, 3, 34))),
        *(Window(c, s, d, stride=2) for c, s, d in ((32, 8, 34), (16, 2, 10))),
        Window(64, 8, 30, kernel=2, stride=2),
        Window(32, 4, 16, kernel=1, stride=2),
        Window(64, 16, 32, style="block"),
        *(Window(c, c, d, parallel=True) for c, d in ((3, 34), (16, 18), (8, 34))),
        Window(4, 4, 18, act_bits=8),
        Window(64, 4, 28, kernel=2, stride=2, depthwise=True),
        Window(64, 8, 18, depthwise=True),
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
