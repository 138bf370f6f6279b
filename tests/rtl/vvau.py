"""Golden model of vvau_msq, from first principles, and its wrapper."""

from __future__ import annotations

from dataclasses import dataclass, field

import harness
import numpy as np
from mvau import FIXED_CODES, FIXED_VALUE, SP2_VALUE, alpha

from msq_finn.lanes import LaneCounts
from msq_finn.lanes.hardware import lanes_parameter, literal


@dataclass(frozen=True)
class Depthwise:
    """Parameters of one vvau_msq."""

    window: int
    channels: int
    simd: int = 1
    sp2: int = 0
    booth: int = 0
    dsp: int = 0
    weight_bits: int = 5
    act_bits: int = 4
    act_signed: bool = False
    acc_bits: int = 20
    dsp_version: int = 1
    primitives: bool = False
    offset: tuple[int, ...] = field(default=())

    @property
    def pe(self) -> int:
        return self.sp2 + self.booth + self.dsp

    @property
    def lanes(self) -> LaneCounts:
        lut = {"sp2_4_lut": self.sp2, "fixed_4_lut": self.booth}
        return LaneCounts(lut | {f"fixed_{self.weight_bits}_dsp": self.dsp})

    @property
    def folds(self) -> int:
        """Cycles per window."""
        return (self.window // self.simd) * (self.channels // self.pe)

    def lane_kind(self, channel: int) -> str:
        lane = channel % self.pe
        if lane < self.sp2:
            return "sp2"
        return "booth" if lane < self.sp2 + self.booth else "dsp"

    def wrapper(self) -> str:
        act = self.pe * self.simd * self.act_bits
        weight = self.pe * self.simd * self.weight_bits
        out = self.pe * self.acc_bits
        mask = (1 << self.acc_bits) - 1
        packed = sum((v & mask) << (r * self.acc_bits) for r, v in enumerate(self.offset))
        return harness.wrap(act, weight, out, f"""
  vvau_msq #(
    .Window({self.window}), .Channels({self.channels}), .SIMD({self.simd}),
    .Lanes({literal(lanes_parameter(self.lanes))}),
    .WeightBits({self.weight_bits}),
    .ActBits({self.act_bits}), .ActSigned({int(self.act_signed)}), .AccBits({self.acc_bits}),
    .DspVersion({self.dsp_version}), .UsePrimitives({int(self.primitives)}),
    .AddOffset({int(bool(self.offset))}),
    .Offset({self.channels * self.acc_bits}'h{packed:x})
  ) dut (
    .clk_i, .rst_ni,
    .act_data_i(in0), .act_valid_i(in0_valid_i), .act_ready_o(in0_ready_o),
    .weight_data_i(in1), .weight_valid_i(in1_valid_i), .weight_ready_o(in1_ready_o),
    .out_data_o(out), .out_valid_o, .out_ready_i
  );""")  # fmt: skip


@dataclass(frozen=True)
class Job:
    """Streams for a unit, and the outputs it must give."""

    acts: np.ndarray  # stream words
    weights: np.ndarray
    expected: np.ndarray  # (windows * NF, PE) unsigned


def random_job(unit: Depthwise, windows: int, seed: int) -> Job:
    """Random weights and activations, half of the windows and a third of the rows at extremes."""
    rng = np.random.default_rng(seed)
    low, high = 0, (1 << unit.act_bits) - 1
    if unit.act_signed:
        low, high = -(1 << (unit.act_bits - 1)), (1 << (unit.act_bits - 1)) - 1
    shape = (windows, unit.window, unit.channels)
    acts = rng.integers(low, high + 1, size=shape)
    acts[::4] = rng.choice([low, high], size=acts[::4].shape)
    # Whole channels at one end: neighbours in a DSP are at the same and at opposite ends.
    acts[2::4] = rng.choice([low, high], size=(len(acts[2::4]), 1, unit.channels))

    codes = np.empty((unit.channels, unit.window), dtype=np.int64)
    values = np.empty_like(codes)
    offsets = np.empty_like(codes)
    narrow = (1 << (unit.weight_bits - 1)) - 1
    for row in range(unit.channels):
        kind = unit.lane_kind(row)
        if kind == "dsp":
            values[row] = rng.integers(-narrow, narrow + 1, size=unit.window)
            extremes = [-narrow, narrow]
            # Every third job puts the first word's lanes at one end: cross products peak there.
            if row < unit.pe and seed % 3 == 0:
                values[row] = extremes[seed // 3 % 2]
            elif rng.random() < 0.5:
                values[row] = rng.choice(extremes, size=unit.window)
            codes[row] = values[row] & ((1 << unit.weight_bits) - 1)
        else:
            # Bits above a LUT lane's code are not its business.
            garbage = rng.integers(1 << (unit.weight_bits - 4), size=unit.window) << 4
            legal = np.arange(16) if kind == "sp2" else FIXED_CODES
            extremes = [7, 15] if kind == "sp2" else [7, 9]
            codes[row] = rng.choice(legal if rng.random() < 0.7 else extremes, size=unit.window)
            values[row] = (SP2_VALUE if kind == "sp2" else FIXED_VALUE)[codes[row]]
        offsets[row] = alpha(kind, codes[row], unit.act_bits, unit.act_signed)
        if kind != "dsp":
            codes[row] |= garbage

    sums = np.einsum("vkc,ck->vc", acts, values) + offsets.sum(axis=1)
    if unit.offset:
        sums = sums + np.asarray(unit.offset)
    expected = (sums & ((1 << unit.acc_bits) - 1)).reshape(-1, unit.pe)

    sf, nf = unit.window // unit.simd, unit.channels // unit.pe
    # FINN's depthwise window generator: (vector, channel fold, element of the window, channel).
    folded = acts.reshape(windows, unit.window, nf, unit.pe).transpose(0, 2, 1, 3)
    act_words = harness.pack(
        folded.reshape(windows * nf * sf, unit.simd * unit.pe) & ((1 << unit.act_bits) - 1),
        unit.act_bits,
    )
    lanes = codes.reshape(nf, unit.pe, sf, unit.simd).transpose(0, 2, 1, 3)
    weight_words = harness.pack(lanes.reshape(nf * sf, unit.pe * unit.simd), unit.weight_bits)
    return Job(act_words, np.tile(weight_words, (windows, 1)), expected)


def outputs(unit: Depthwise, result: harness.Result) -> np.ndarray:
    return harness.unpack(result.words, unit.acc_bits, unit.pe)
