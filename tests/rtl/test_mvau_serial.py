"""mvau_serial against integers: values under stalls, throughput, reset, both forms of the LUTs."""

from dataclasses import dataclass, replace

import harness
import numpy as np
import pytest

from msq_finn.lanes.constants import layer_tables

BUSY = (0.3, 0.0, 0.4)


@dataclass(frozen=True)
class Unit:
    """Parameters of one mvau_serial; weights are up to `top` in magnitude."""

    mw: int
    mh: int
    simd: int
    pe: int
    act_bits: int = 4
    act_signed: bool = False
    acc_bits: int = 20
    top: int = 8
    dsp_version: int = 1
    primitives: bool = False
    offset: tuple[int, ...] = ()

    @property
    def folds(self) -> int:
        """Words of weights that a lane has."""
        return self.mw // self.simd * (self.mh // self.pe)

    def weights(self) -> np.ndarray:
        """Rows (MH, MW), the same for every seed: random, extreme, all of one sign, or zero."""
        rng = np.random.default_rng(self.mw * self.act_bits + self.mh)
        rows = rng.integers(-self.top, self.top + 1, size=(self.mh, self.mw))
        rows[0] = self.top * rng.choice([-1, 1], size=self.mw)
        rows[1 % self.mh] = -self.top
        rows[3 % self.mh] = 0
        return rows

    def wrapper(self) -> str:
        """A bench around the unit."""
        lanes = self.weights().reshape(-1, self.pe, self.mw // self.simd, self.simd)
        tables = layer_tables(lanes.transpose(1, 0, 2, 3).reshape(self.pe, self.folds, self.simd))
        sizes = {"Groups": tables.groups, "Members": tables.members, "TableBits": tables.table_bits}
        given = [f".{name}({value})" for name, value in sizes.items()]
        given += [f".{name}({n}'h{value:x})" for name, (value, n) in tables.parameters.items()]
        mask = (1 << self.acc_bits) - 1
        packed = sum((v & mask) << (r * self.acc_bits) for r, v in enumerate(self.offset))
        act, out = (-(-b // 8) * 8 for b in (self.simd * self.act_bits, self.pe * self.acc_bits))
        return harness.wrap(act, 8, out, f"""
  assign in1_ready_o = 1'b0;
  mvau_serial #(
    .MW({self.mw}), .MH({self.mh}), .SIMD({self.simd}), .PE({self.pe}), {", ".join(given)},
    .ActBits({self.act_bits}), .ActSigned({int(self.act_signed)}), .AccBits({self.acc_bits}),
    .DspVersion({self.dsp_version}), .UsePrimitives({int(self.primitives)}),
    .AddOffset({int(bool(self.offset))}), .Offset({self.mh * self.acc_bits}'h{packed:x})
  ) dut (
    .clk_i, .rst_ni,
    .act_data_i(in0), .act_valid_i(in0_valid_i), .act_ready_o(in0_ready_o),
    .out_data_o(out), .out_valid_o, .out_ready_i
  );""")  # fmt: skip


def check(unit: Unit, vectors: int, seed: int, **how) -> harness.Result:
    """Stream vectors, a part of them extreme, and compare all sums."""
    rng = np.random.default_rng(seed)
    low, high = 0, 2**unit.act_bits - 1
    if unit.act_signed:
        low, high = -(2 ** (unit.act_bits - 1)), 2 ** (unit.act_bits - 1) - 1
    acts = rng.integers(low, high + 1, size=(vectors, unit.mw))
    acts[::4], acts[1::8] = low, high
    acts[2::8] = rng.choice([low, high], size=unit.mw)
    weights = unit.weights()
    # A row's lowest sum is 0: the constant is what activations that pull down most would give.
    sums = acts @ weights.T - np.minimum(weights * low, weights * high).sum(axis=1)
    if unit.offset:
        sums = sums + np.array(unit.offset)
    expected = (sums & ((1 << unit.acc_bits) - 1)).reshape(-1, unit.pe)
    words = (acts & ((1 << unit.act_bits) - 1)).reshape(-1, unit.simd)
    result = harness.run(
        harness.build(unit.wrapper()),
        harness.pack(words, unit.act_bits),
        harness.pack(np.zeros((1, 1)), 1),
        len(expected),
        seed=seed,
        **how,
    )
    np.testing.assert_array_equal(
        harness.unpack(result.words, unit.acc_bits, unit.pe), expected, strict=True
    )
    return result


# A word a plane and several, one pass and several, 1 to 16 folds, tables of no, one and more than
# two rows, activations of all widths, weights of up to 8 bits, sums cut off.
UNITS = {
    "one fold": Unit(19, 4, 19, 4, primitives=True),
    "one fold, signed 5 bits": Unit(7, 3, 7, 3, act_bits=5, act_signed=True),
    "two passes, 3 bits, offsets": Unit(
        12, 6, 12, 3, act_bits=3, acc_bits=13, primitives=True, offset=tuple(range(-3000, 0, 500))
    ),
    "two words, signed 2 bits, narrow sums": Unit(
        12, 2, 6, 2, act_bits=2, act_signed=True, acc_bits=5, primitives=True
    ),
    "three words, two passes": Unit(27, 4, 9, 2, act_bits=6, primitives=True, dsp_version=2),
    "16 folds, 8-bit weights and activations": Unit(
        20, 8, 5, 2, act_bits=8, act_signed=True, top=127, acc_bits=26, primitives=True
    ),
    "SIMD 1": Unit(3, 4, 1, 4, act_bits=7, act_signed=True),
}


@pytest.mark.parametrize("name", UNITS)
def test_values_under_stalls(name):
    for seed, stalls in enumerate((BUSY, BUSY, (0.7, 0.0, 0.0), (0.0, 0.0, 0.7))):
        check(UNITS[name], 40, seed, stalls=stalls)


@pytest.mark.parametrize("name", UNITS)
def test_a_word_takes_a_cycle_a_plane_under_full_load(name):
    unit = UNITS[name]
    result = check(unit, 20, 5)
    passes = unit.mh // unit.pe
    steady = result.cycles[passes - 1 :: passes]
    np.testing.assert_array_equal(np.diff(steady), unit.folds * unit.act_bits)


@pytest.mark.parametrize("name", ["two passes, 3 bits, offsets", "three words, two passes"])
def test_reset_at_any_time_starts_over(name):
    for reset_at in range(4, 60, 3):
        check(UNITS[name], 6, reset_at, stalls=BUSY, reset_at=reset_at)


@pytest.mark.slow
@pytest.mark.parametrize("act_signed", [False, True])
@pytest.mark.parametrize("act_bits", range(2, 9))
def test_a_million_macs_of_every_activation(act_bits, act_signed):
    unit = Unit(72, 8, 36, 4, act_bits, act_signed, acc_bits=24, top=64)
    for primitives in (False, True):
        each = replace(unit, primitives=primitives)
        for seed in range(2):
            check(each, 900, seed, stalls=(0.02, 0.0, 0.02))
