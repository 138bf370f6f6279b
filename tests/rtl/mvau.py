"""Golden model of mvau_msq, from first principles, and its wrapper."""

from __future__ import annotations

from dataclasses import dataclass, field

import harness
import numpy as np

from msq_finn.lanes import LaneCounts
from msq_finn.lanes.constants import layer_tables
from msq_finn.lanes.hardware import lanes_parameter, literal

# SP2(4) codes {sign, q1, q2}: q1 is 0, 1, 2 or 4, q2 is 0 or 4; sign 1 negates.
SP2_VALUE = np.array([0, 4, 1, 5, 2, 6, 4, 8, 0, -4, -1, -5, -2, -6, -4, -8])
# Two's complement, narrow: code 8 (-8) does not occur.
FIXED_VALUE = np.array([0, 1, 2, 3, 4, 5, 6, 7, 0, -7, -6, -5, -4, -3, -2, -1])
FIXED_CODES = np.array([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15])


def signed(first, second=(0,), third=(0,)):
    """Values by code {sign, field, field, field}, each field choosing a term."""
    sums = [a + b + c for a in first for b in second for c in third]
    return np.array([*sums, *(-s for s in sums)])


def twos_complement(bits):
    """Values by code; the lowest does not occur."""
    half = 1 << bits - 1
    return np.array([*range(half), 0, *range(1 - half, 0)])


POWERS = [0, 1, 2, 4, 8, 16, 32, 64]


@dataclass(frozen=True)
class Other:
    """Another kind of LUT lane: bits of a code, values, and rows (lowest column, added columns)."""

    bits: int
    values: np.ndarray
    rows: tuple[tuple[int, int], ...]


OWN = {
    "sp2_4": Other(4, SP2_VALUE, ((0, 2), (2, 0))),
    "fixed_4": Other(4, twos_complement(4), ((0, 1), (2, 1))),
}
OTHERS = {
    "pot_4": Other(4, signed(POWERS), ((0, 6),)),
    "apot_4": Other(4, signed([0, 1, 4, 8], [0, 2]), ((0, 3), (1, 0))),
    "sp2_5": Other(5, signed([0, 1, 2, 4], [0, 1, 2, 4]), ((0, 2), (0, 2))),
    "sp2_6": Other(6, signed(POWERS, [0, 16, 32, 64]), ((0, 6), (4, 2))),
    "apot_6": Other(6, signed([0, 2, 16, 64], [0, 1, 8, 32], [0, 4]), ((1, 5), (0, 5), (2, 0))),
    "fixed_6": Other(6, twos_complement(6), ((0, 1), (2, 1), (4, 1))),
    "fixed_8": Other(8, twos_complement(8), ((0, 1), (2, 1), (4, 1), (6, 1))),
}


OTHER_DSP_BITS = (3, 5, 6, 7, 8)


def dsp_bits(kind):
    """Bits of a code on a DSP lane; 0 for other lanes."""
    name, _, bits = kind.partition("_")
    return int(bits or 4) if name == "dsp" else 0


@dataclass(frozen=True)
class Unit:
    """Parameters of one mvau_msq."""

    mw: int
    mh: int
    simd: int
    sp2: int = 0
    booth: int = 0
    dsp: int = 0
    embedded: int = 0
    others: tuple[tuple[str, int], ...] = ()  # in the order of OTHERS
    other_dsp: tuple[tuple[int, int], ...] = ()  # bits of a code and lanes, in that order
    chain: int = 0
    act_bits: int = 4
    act_signed: bool = False
    acc_bits: int = 20
    dsp_version: int = 1
    primitives: bool = False
    offset: tuple[int, ...] = field(default=())

    @property
    def pe(self) -> int:
        return self.codes_pe + self.embedded

    @property
    def codes_pe(self) -> int:
        """Lanes that take codes."""
        others = sum(count for _, count in (*self.others, *self.other_dsp))
        return self.sp2 + self.booth + self.dsp + self.chain + others

    @property
    def lanes(self) -> LaneCounts:
        others = {f"{name}_lut": count for name, count in self.others}
        others |= {f"fixed_{bits}_dsp": count for bits, count in self.other_dsp}
        others["fixed_4_dsp_chain"] = self.chain
        own = {"sp2_4_lut": self.sp2, "fixed_4_lut": self.booth, "fixed_4_dsp": self.dsp}
        return LaneCounts(own | others | {"embedded_lut": self.embedded})

    @property
    def folds(self) -> int:
        """Cycles per vector."""
        return (self.mw // self.simd) * (self.mh // self.pe)

    def lane_kind(self, row: int) -> str:
        lane = row % self.pe
        if lane < self.sp2:
            return "sp2"
        names = ["booth"] * self.booth + [n for n, count in self.others for _ in range(count)]
        names += ["dsp"] * self.dsp + [f"dsp_{n}" for n, pe in self.other_dsp for _ in range(pe)]
        names += ["dsp"] * self.chain + ["embedded"] * self.embedded
        return names[lane - self.sp2]

    @property
    def code_bits(self) -> list[int]:
        """Bits of a code on every lane that takes codes."""
        kinds = (self.lane_kind(lane) for lane in range(self.codes_pe))
        return [OTHERS[kind].bits if kind in OTHERS else dsp_bits(kind) or 4 for kind in kinds]

    def wrapper(self, values: np.ndarray) -> str:
        """A bench around the unit, whose weights (MH, MW) embedded lanes hold."""
        act, weight, out = (
            -(-bits // 8) * 8
            for bits in (
                self.simd * self.act_bits,
                max(1, sum(self.code_bits) * self.simd),
                self.pe * self.acc_bits,
            )
        )
        mask = (1 << self.acc_bits) - 1
        packed = sum((v & mask) << (r * self.acc_bits) for r, v in enumerate(self.offset))
        tables = ""
        if self.embedded:
            folded = self.folded(values)[:, self.codes_pe :]
            lanes = folded.transpose(1, 0, 2, 3).reshape(self.embedded, self.folds, self.simd)
            layer = layer_tables(lanes)
            tables = f".Groups({layer.groups}), .Members({layer.members}), "
            tables += f".TableBits({layer.table_bits}), " + "".join(
                f".{name}({bits}'h{value:x}), " for name, (value, bits) in layer.parameters.items()
            )
        return harness.wrap(act, weight, out, f"""
  mvau_msq #(
    .MW({self.mw}), .MH({self.mh}), .SIMD({self.simd}),
    .Lanes({literal(lanes_parameter(self.lanes))}), {tables}
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

    def folded(self, values: np.ndarray) -> np.ndarray:
        """Values (MH, MW) as (NF, PE, SF, SIMD)."""
        return values.reshape(self.mh // self.pe, self.pe, self.mw // self.simd, self.simd)


@dataclass(frozen=True)
class Job:
    """Streams for a unit, and the outputs it must give."""

    values: np.ndarray  # weights (MH, MW)
    acts: np.ndarray  # stream words
    weights: np.ndarray
    expected: np.ndarray  # (vectors * NF, PE) unsigned


def alpha(kind: str, codes: np.ndarray, act_bits: int, act_signed: bool) -> np.ndarray:
    """What a lane adds for each weight.

    A one's complement is the negative less one, and an unsigned row of n bits reads it as 2^n more.
    """
    if dsp_bits(kind):
        return np.zeros_like(codes)
    if kind == "embedded":
        # The table's lowest entry is 0, at whatever activations.
        low, high = (-(1 << act_bits - 1), (1 << act_bits - 1) - 1) if act_signed else (
            0, (1 << act_bits) - 1)  # fmt: skip
        return -np.minimum(codes * low, codes * high)
    if kind in OTHERS:
        return _complemented(OTHERS[kind], codes, act_bits, act_signed)
    if kind == "sp2":
        negative_low = negative_high = codes >> 3 & 1
        low_bits, high_bits = act_bits + 2, act_bits
    else:
        negative_low = codes >> 1 & 1  # digit c0 - 2 c1
        negative_high = (codes >> 3 & 1) & ((codes >> 1 & 3) != 3)  # digit c1 + c2 - 2 c3
        low_bits = high_bits = act_bits + 1
    wrap_low, wrap_high = (0, 0) if act_signed else (1 << low_bits, 1 << high_bits)
    return negative_low * (wrap_low - 1) + 4 * negative_high * (wrap_high - 1)


def _complemented(kind: Other, codes: np.ndarray, act_bits: int, act_signed: bool) -> np.ndarray:
    """Constants of the rows that are complemented: all by the sign, or those of negative digits."""
    total = np.zeros_like(codes)
    for row, (base, added) in enumerate(kind.rows):
        if kind.values[-1] == -1:  # two's complement: the row of a Booth digit
            window = codes << 1 >> 2 * row & 7
            negative = (window >> 2) & (window != 7)
        else:
            negative = codes >> kind.bits - 1
        if added == 6:  # a long shift: a of n bits becomes 2^n - 1 - a before it, signed ones are
            # unsigned by adding half their range
            half = 1 << act_bits - 1 if act_signed else 0
            shifts = np.array([0, 1, 2, 4, 8, 16, 32, 64])[codes >> kind.bits - 4 & 7]
            total += shifts * np.where(negative, (1 << act_bits) - 1 - half, half)
            continue
        total += negative * ((0 if act_signed else 1 << act_bits + added) - 1) << base
    return total


def random_job(unit: Unit, vectors: int, seed: int) -> Job:
    """Random weights and activations, a quarter of the rows and vectors at extremes.

    Units with embedded weights have the same ones for every seed.
    """
    rng = np.random.default_rng(seed)
    low, high = 0, (1 << unit.act_bits) - 1
    if unit.act_signed:
        low, high = -(1 << (unit.act_bits - 1)), (1 << (unit.act_bits - 1)) - 1
    acts = rng.integers(low, high + 1, size=(vectors, unit.mw))
    for v in range(0, vectors, 2):
        acts[v] = rng.choice([low, high], size=unit.mw) if v % 4 else (low, high)[v // 4 % 2]

    if unit.embedded:
        rng = np.random.default_rng(unit.mw)
    codes = np.empty((unit.mh, unit.mw), dtype=np.int64)
    values = np.empty_like(codes)
    offsets = np.empty_like(codes)
    for row in range(unit.mh):
        kind = unit.lane_kind(row)
        extremes = {"sp2": [7, 15, 0, 8], "embedded": [-8, 8, 0]}.get(kind, [7, 9, 0])
        wide = OTHERS[kind].bits if kind in OTHERS else dsp_bits(kind)
        if wide:
            top = 1 << wide - 1
            extremes = [top - 1, top + 1, 2 * top - 1, 0]
        if rng.random() < 0.25:
            codes[row] = rng.choice(extremes, size=unit.mw) if rng.random() < 0.5 else extremes[
                rng.integers(2)]  # fmt: skip
        elif kind == "sp2":
            codes[row] = rng.integers(16, size=unit.mw)
        elif kind == "embedded":
            codes[row] = rng.integers(-9, 10, size=unit.mw)
        elif wide:
            codes[row] = rng.integers(1 << wide, size=unit.mw)
            codes[row][codes[row] == 1 << wide - 1] = 0
        else:
            codes[row] = rng.choice(FIXED_CODES, size=unit.mw)
        value = {"sp2": SP2_VALUE, "embedded": np.r_[0:65, -64:0]}.get(kind, FIXED_VALUE)
        if wide:
            value = OTHERS[kind].values if kind in OTHERS else twos_complement(wide)
        values[row] = value[codes[row]]
        offsets[row] = alpha(kind, codes[row], unit.act_bits, unit.act_signed)

    sums = acts @ values.T + offsets.sum(axis=1)
    if unit.offset:
        sums = sums + np.asarray(unit.offset)
    expected = (sums & ((1 << unit.acc_bits) - 1)).reshape(-1, unit.pe)

    sf, nf = unit.mw // unit.simd, unit.mh // unit.pe
    act_words = harness.pack(
        acts.reshape(vectors * sf, unit.simd) & ((1 << unit.act_bits) - 1), unit.act_bits
    )
    folded = unit.folded(codes)[:, : unit.codes_pe].transpose(0, 2, 1, 3)
    planes = [
        (folded[:, :, lane, :, None] >> np.arange(bits) & 1).reshape(nf * sf, -1)
        for lane, bits in enumerate(unit.code_bits)
    ]
    weight_words = harness.pack(
        np.concatenate(planes, axis=1) if planes else np.zeros((nf * sf, 1)), 1
    )
    return Job(values, act_words, np.tile(weight_words, (vectors, 1)), expected)


def outputs(unit: Unit, result: harness.Result) -> np.ndarray:
    return harness.unpack(result.words, unit.acc_bits, unit.pe)
