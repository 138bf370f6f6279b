"""Resources of lanes before synthesis."""

from __future__ import annotations

import math

from msq_finn.errors import MsqError
from msq_finn.ops.layout import LaneLayout
from msq_finn.rtl.dsp import DspBlock
from msq_finn.rtl.embedded import MAX_FOLDS, fold_bits

#: LUT sites of a lane: per MAC, and once for its accumulator and the merge before it.
SITES_PER_MAC = {
    "sp2_4_lut": 11.0,
    "fixed_4_lut": 11.5,
    "pot_4_lut": 13.8,
    "apot_4_lut": 13.0,
    "sp2_5_lut": 13.5,
    "sp2_6_lut": 21.5,
    "fixed_6_lut": 19.0,
    "fixed_8_lut": 25.0,
    "fixed_4_dsp": 5.5,
    "fixed_3_dsp": 4.3,
    "fixed_5_dsp": 2.8,
    "fixed_6_dsp": 5.0,
    "fixed_7_dsp": 3.0,
    "fixed_8_dsp": 3.4,
}
SITES_PER_LANE = dict.fromkeys(SITES_PER_MAC, 28.0) | {
    "fixed_4_dsp": 24.0,
    "fixed_3_dsp": 19.0,
    "fixed_5_dsp": 9.0,
    "fixed_6_dsp": 16.0,
    "fixed_7_dsp": 9.0,
    "fixed_8_dsp": 9.0,
    "embedded_lut": 16.0,
}

#: The same for embedded lanes, by the bits of the fold's address.
EMBEDDED_SITES_PER_MAC = (3.8, 5.1, 6.5, 8.4, 14.4)

#: LUT sites that a small memory of codes takes, a MAC.
CODE_SITES_PER_MAC = 2.0


def lut_sites(layout: LaneLayout, simd: int, folds: int) -> int:
    """LUT sites of a layer's lanes, and of their weights.

    Args:
        layout: the lanes.
        simd: columns a cycle.
        folds: cycles a vector. A memory of more than 64 words is block RAM.

    Raises:
        MsqError: more folds than embedded lanes hold.
    """
    memory = 0.0 if folds > 64 else CODE_SITES_PER_MAC * math.ceil(folds / 32)
    total = 0.0
    for kind, lanes in zip(layout.kinds, layout.counts, strict=True):
        if kind.streams_codes:
            mac = SITES_PER_MAC[kind.name] + memory * kind.scheme.bits / 4
        else:
            mac = _embedded_sites_per_mac(folds) if lanes else 0.0
        total += lanes * (simd * mac + SITES_PER_LANE[kind.name])
    return math.ceil(total)


def _embedded_sites_per_mac(folds: int) -> float:
    if folds > MAX_FOLDS:
        raise MsqError(
            f"embedded lanes hold the weights of {MAX_FOLDS} folds, not of {folds}; "
            "use more PE or SIMD, or other lanes"
        )
    return EMBEDDED_SITES_PER_MAC[fold_bits(folds)]


def dsps(layout: LaneLayout, simd: int, block: DspBlock, act_bits: int, act_signed: bool) -> int:
    """DSP slices of a layer's lanes; exact, they are instantiated one by one.

    Args:
        layout: the lanes.
        simd: columns a cycle.
        block: the FPGA's kind of slice.
        act_bits: of an activation.
        act_signed: whether activations are two's complement.

    Raises:
        MsqError: weights or activations are wider than the slice's ports.
    """
    total = 0
    for kind, lanes in zip(layout.kinds, layout.counts, strict=True):
        if kind.engine == "dsp":
            total += math.ceil(lanes / block.lanes(kind.scheme.bits, act_bits, act_signed))
    return total * simd
