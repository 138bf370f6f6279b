"""mvau_msq against the golden model: values under stalls, throughput, reset."""

from dataclasses import replace

import harness
import numpy as np
import pytest
from mvau import OTHER_DSP_BITS, OTHERS, Unit, outputs, random_job

MIXED = Unit(16, 12, 4, sp2=2, booth=1, dsp=3)

# Every lane kind alone and mixed, SIMD 1 and odd, one fold and many, packs that are not full,
# activations of all widths and signs, both DSPs, carries too wide to share rows with borrows.
UNITS = {
    "mixed": MIXED,
    "mixed primitives": replace(MIXED, primitives=True),
    "signed, odd SIMD": Unit(12, 10, 3, sp2=2, booth=1, dsp=2, act_signed=True),
    "SP2 only, 3 bits": Unit(22, 4, 11, sp2=2, act_bits=3, primitives=True),
    "Booth only, 5 bits": Unit(14, 2, 7, booth=2, act_bits=5, act_signed=True, primitives=True),
    "DSP only, 8 bits": Unit(10, 6, 5, dsp=3, act_bits=8, acc_bits=24, primitives=True),
    "DSP48E2, 8 bits signed": replace(
        Unit(8, 5, 4, sp2=1, dsp=4, act_bits=8, act_signed=True, acc_bits=24),
        dsp_version=2,
        primitives=True,
    ),
    "SIMD 1, one fold": Unit(1, 3, 1, sp2=1, booth=1, dsp=1, act_bits=7),
    "2 bits, wide carries": Unit(22, 2, 22, dsp=2, act_bits=2, primitives=True),
    "narrow sums": Unit(12, 6, 6, sp2=1, booth=1, dsp=1, act_bits=6, acc_bits=5),
    "embedded, one fold": Unit(7, 4, 7, embedded=4, primitives=True),
    "embedded, signed, 3 folds": Unit(15, 3, 5, embedded=3, act_signed=True, act_bits=3),
    "embedded, 16 folds": Unit(12, 8, 3, embedded=2, act_bits=2, primitives=True),
    "embedded among others": Unit(
        12, 12, 6, sp2=1, booth=1, dsp=2, embedded=2, act_bits=5, act_signed=True, acc_bits=24
    ),
    "embedded beside DSPs": Unit(9, 10, 9, dsp=3, embedded=2, act_bits=8, primitives=True),
    "other LUT lanes": Unit(
        12, 2 * len(OTHERS) + 4, 6, sp2=1, dsp=1, others=tuple((n, 1) for n in OTHERS), acc_bits=24
    ),
    "other LUT lanes, signed": Unit(
        10,
        2 * len(OTHERS),
        5,
        others=tuple((name, 2) for name in OTHERS),
        act_bits=3,
        act_signed=True,
        acc_bits=24,
        primitives=True,
    ),
    "8-bit weights and activations": Unit(
        7, 4, 7, booth=1, others=(("fixed_8", 1),), act_bits=8, acc_bits=25
    ),
    "DSPs for 8-bit rows": Unit(
        12, 10, 6, sp2=2, dsp=2, other_dsp=((8, 1),), act_bits=8, acc_bits=28, primitives=True
    ),
    "DSPs for rows of all widths": Unit(
        15,
        17,
        5,
        booth=1,
        dsp=5,
        embedded=1,
        other_dsp=tuple((bits, 1 + bits % 3) for bits in OTHER_DSP_BITS),
        acc_bits=26,
        act_signed=True,
        dsp_version=3,
        primitives=True,
    ),
    "DSP chains": Unit(18, 9, 9, sp2=2, chain=7, primitives=True),
    "DSP chains, signed": Unit(
        13, 10, 13, dsp=2, chain=3, act_bits=5, act_signed=True, dsp_version=2, primitives=True
    ),
    "DSP chains, narrow sums": Unit(
        14, 12, 7, booth=1, dsp=1, chain=4, act_bits=2, act_signed=True, acc_bits=6, dsp_version=3
    ),
    "DSPs, narrow sums": Unit(
        9, 12, 3, sp2=1, other_dsp=((3, 2), (7, 3)), act_bits=2, acc_bits=7, dsp_version=2
    ),
    "sums in three parts": replace(MIXED, embedded=2, mh=16, acc_bits=40, primitives=True),
    "offsets": replace(MIXED, acc_bits=13, offset=tuple(range(-3000, 3000, 500))),
}
BUSY = (0.3, 0.2, 0.4)


def check(unit: Unit, vectors: int, seed: int, **how) -> harness.Result:
    job = random_job(unit, vectors, seed)
    result = harness.run(
        harness.build(unit.wrapper(job.values)),
        job.acts,
        job.weights,
        len(job.expected),
        seed=seed,
        **how,
    )
    np.testing.assert_array_equal(outputs(unit, result), job.expected)
    return result


@pytest.mark.parametrize("name", UNITS)
def test_values_under_stalls(name):
    for seed in range(3):
        check(UNITS[name], 40, seed, stalls=BUSY)
    check(UNITS[name], 40, 9, stalls=(0.0, 0.7, 0.0))
    check(UNITS[name], 40, 10, stalls=(0.7, 0.0, 0.0))
    check(UNITS[name], 40, 11, stalls=(0.0, 0.0, 0.7))


@pytest.mark.parametrize("name", UNITS)
def test_a_vector_every_sf_nf_cycles_under_full_load(name):
    unit = UNITS[name]
    result = check(unit, 20, 5)
    nf = unit.mh // unit.pe
    steady = result.cycles[nf - 1 :: nf]
    np.testing.assert_array_equal(np.diff(steady), unit.folds)


@pytest.mark.parametrize("name", ["mixed", "offsets", "embedded among others"])
def test_reset_at_any_time_starts_over(name):
    for reset_at in range(4, 60, 3):
        check(UNITS[name], 6, reset_at, stalls=BUSY, reset_at=reset_at)


def test_a_million_macs_per_lane_kind():
    lanes = 4  # of each kind
    unit = Unit(
        64,
        lanes * (4 + len(OTHERS) + len(OTHER_DSP_BITS)),
        16,
        sp2=lanes,
        booth=lanes,
        dsp=lanes,
        embedded=lanes,
        others=tuple((name, lanes) for name in OTHERS),
        other_dsp=tuple((bits, lanes) for bits in OTHER_DSP_BITS),
        acc_bits=24,
    )
    for seed in range(2):  # each has tables, and a bench, of its own
        check(unit, 10**6 // (2 * lanes * unit.mw) + 1, seed, stalls=(0.02, 0.02, 0.02))


@pytest.mark.slow
@pytest.mark.parametrize(
    "lanes",
    [
        *({kind: 4} for kind in ("sp2", "booth", "dsp", "embedded")),
        *({"others": ((name, 4),), "acc_bits": 24} for name in OTHERS),
        *({"other_dsp": ((bits, 4),), "acc_bits": 28} for bits in OTHER_DSP_BITS),
        *({"dsp": 4, "dsp_version": version} for version in (2, 3)),
        *({"chain": 4, "dsp_version": version} for version in (1, 2, 3)),
        {"other_dsp": ((8, 4),), "act_bits": 8, "acc_bits": 28},
        {"other_dsp": ((8, 4),), "act_bits": 8, "acc_bits": 28, "dsp_version": 3},
    ],
    ids=str,
)
def test_ten_million_macs_per_lane_kind(lanes):
    unit = replace(Unit(128, 4, 16, primitives=True), **lanes)
    for seed in range(20):
        check(unit, 1000, seed, stalls=(0.02, 0.02, 0.02))
