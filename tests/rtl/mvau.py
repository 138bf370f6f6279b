"""Golden model of mvau_msq and its wrapper, from first principles: no code of the package."""

from __future__ import annotations

from dataclasses import dataclass, field

import harness
import numpy as np

# SP2(4) codes {sign, q1, q2}: q1 is 0, 1, 2 or 4, q2 is 0 or 4; sign 1 negates.
SP2_VALUE = np.array([0, 4, 1, 5, 2, 6, 4, 8, 0, -4, -1, -5, -2, -6, -4, -8])
# Two's complement, narrow: code 8 (-8) does not occur.
FIXED_VALUE = np.array([0, 1, 2, 3, 4, 5, 6, 7, 0, -7, -6, -5, -4, -3, -2, -1])
FIXED_CODES = np.array([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15])


@dataclass(frozen=True)
class Unit:
    """Parameters of one mvau_msq."""

    mw: int
    mh: int
    simd: int
    sp2: int = 0
    booth: int = 0
    dsp: int = 0
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
    def folds(self) -> int:
        """Cycles per vector."""
        return (self.mw // self.simd) * (self.mh // self.pe)

    def lane_kind(self, row: int) -> str:
        lane = row % self.pe
        if lane < self.sp2:
            return "sp2"
        return "booth" if lane < self.sp2 + self.booth else "dsp"

    def wrapper(self) -> str:
        act, weight, out = (
            -(-bits // 8) * 8
            for bits in (
                self.simd * self.act_bits,
                self.pe * self.simd * 4,
                self.pe * self.acc_bits,
            )
        )
        mask = (1 << self.acc_bits) - 1
        packed = sum((v & mask) << (r * self.acc_bits) for r, v in enumerate(self.offset))
        return harness.wrap(act, weight, out, f"""
  mvau_msq #(
    .MW({self.mw}), .MH({self.mh}), .SIMD({self.simd}),
    .PeSp2Lut({self.sp2}), .PeFixedLut({self.booth}), .PeFixedDsp({self.dsp}),
    .ActBits({self.act_bits}), .ActSigned({int(self.act_signed)}), .AccBits({self.acc_bits}),
    .DspVersion({self.dsp_version}), .UsePrimitives({int(self.primitives)}),
    .AddOffset({int(bool(self.offset))}),
    .Offset({self.mh * self.acc_bits}'h{packed:x})
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
    expected: np.ndarray  # (vectors * NF, PE) unsigned


def alpha(kind: str, codes: np.ndarray, act_bits: int, act_signed: bool) -> np.ndarray:
    """What a lane adds for each weight.

    A one's complement is the negative less one, and an unsigned row of n bits reads it as 2^n more.
    """
    if kind == "dsp":
        return np.zeros_like(codes)
    if kind == "sp2":
        negative_low = negative_high = codes >> 3 & 1
        low_bits, high_bits = act_bits + 2, act_bits
    else:
        negative_low = codes >> 1 & 1  # digit c0 - 2 c1
        negative_high = (codes >> 3 & 1) & ((codes >> 1 & 3) != 3)  # digit c1 + c2 - 2 c3
        low_bits = high_bits = act_bits + 1
    wrap_low, wrap_high = (0, 0) if act_signed else (1 << low_bits, 1 << high_bits)
    return negative_low * (wrap_low - 1) + 4 * negative_high * (wrap_high - 1)


def random_job(unit: Unit, vectors: int, seed: int) -> Job:
    """Random weights and activations, a quarter of the rows and vectors at extremes."""
    rng = np.random.default_rng(seed)
    low, high = 0, (1 << unit.act_bits) - 1
    if unit.act_signed:
        low, high = -(1 << (unit.act_bits - 1)), (1 << (unit.act_bits - 1)) - 1
    acts = rng.integers(low, high + 1, size=(vectors, unit.mw))
    for v in range(0, vectors, 2):
        acts[v] = rng.choice([low, high], size=unit.mw) if v % 4 else (low, high)[v // 4 % 2]

    codes = np.empty((unit.mh, unit.mw), dtype=np.int64)
    values = np.empty_like(codes)
    offsets = np.empty_like(codes)
    for row in range(unit.mh):
        kind = unit.lane_kind(row)
        extremes = [7, 15, 0, 8] if kind == "sp2" else [7, 9, 0]
        if rng.random() < 0.25:
            codes[row] = rng.choice(extremes, size=unit.mw) if rng.random() < 0.5 else extremes[
                rng.integers(2)]  # fmt: skip
        elif kind == "sp2":
            codes[row] = rng.integers(16, size=unit.mw)
        else:
            codes[row] = rng.choice(FIXED_CODES, size=unit.mw)
        values[row] = (SP2_VALUE if kind == "sp2" else FIXED_VALUE)[codes[row]]
        offsets[row] = alpha(kind, codes[row], unit.act_bits, unit.act_signed)

    sums = acts @ values.T + offsets.sum(axis=1)
    if unit.offset:
        sums = sums + np.asarray(unit.offset)
    expected = (sums & ((1 << unit.acc_bits) - 1)).reshape(-1, unit.pe)

    sf, nf = unit.mw // unit.simd, unit.mh // unit.pe
    act_words = harness.pack(
        acts.reshape(vectors * sf, unit.simd) & ((1 << unit.act_bits) - 1), unit.act_bits
    )
    folded = codes.reshape(nf, unit.pe, sf, unit.simd).transpose(0, 2, 1, 3)
    weight_words = harness.pack(folded.reshape(nf * sf, unit.pe * unit.simd), 4)
    return Job(act_words, np.tile(weight_words, (vectors, 1)), expected)


def outputs(unit: Unit, result: harness.Result) -> np.ndarray:
    return harness.unpack(result.words, unit.acc_bits, unit.pe)
