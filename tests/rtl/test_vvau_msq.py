"""vvau_msq against the golden model: values under stalls, throughput, reset, faults."""

from dataclasses import replace
from pathlib import Path

import harness
import numpy as np
import pytest
from test_rtl_checks import of
from vvau import Depthwise, outputs, random_job

MIXED = Depthwise(9, 12, sp2=2, booth=1, dsp=3)

# Every lane kind, one channel fold and several, SIMD 1 and 3, DSPs shared by two channels up to the
# last bit, half used, or of one channel, both DSPs, windows of one element.
UNITS = {
    "mixed": MIXED,
    "mixed primitives": replace(MIXED, primitives=True),
    "LUT lanes, signed, SIMD 3": Depthwise(9, 4, 3, sp2=1, booth=1, act_signed=True, weight_bits=4),
    "DSP48E2, 3 bits signed, 5x5": Depthwise(
        25, 6, dsp=3, act_bits=3, act_signed=True, weight_bits=4, dsp_version=2, primitives=True
    ),
    "DSP of one channel": Depthwise(9, 3, sp2=1, dsp=2, act_bits=8, weight_bits=8, acc_bits=24),
    "one element": Depthwise(1, 6, sp2=1, booth=1, dsp=1, act_bits=7, primitives=True),
    "sums in three parts": replace(MIXED, acc_bits=40, primitives=True),
    "narrow sums, offsets": replace(MIXED, acc_bits=7, offset=tuple(range(-60, 60, 10))),
}
BUSY = (0.3, 0.2, 0.4)


def check(unit: Depthwise, windows: int, seed: int, **how) -> harness.Result:
    job = random_job(unit, windows, seed)
    result = harness.run(
        harness.build(unit.wrapper()), job.acts, job.weights, len(job.expected), seed=seed, **how
    )
    np.testing.assert_array_equal(outputs(unit, result), job.expected)
    return result


@pytest.mark.parametrize("name", UNITS)
def test_values_under_stalls(name):
    for seed in range(3):
        check(UNITS[name], 60, seed, stalls=BUSY)
    check(UNITS[name], 40, 9, stalls=(0.0, 0.7, 0.0))
    check(UNITS[name], 40, 10, stalls=(0.7, 0.0, 0.0))
    check(UNITS[name], 40, 11, stalls=(0.0, 0.0, 0.7))


@pytest.mark.parametrize("name", UNITS)
def test_a_window_every_sf_nf_cycles_under_full_load(name):
    unit = UNITS[name]
    result = check(unit, 20, 5)
    nf = unit.channels // unit.pe
    np.testing.assert_array_equal(np.diff(result.cycles[nf - 1 :: nf]), unit.folds)


@pytest.mark.parametrize("name", ["mixed primitives", "narrow sums, offsets", "one element"])
def test_reset_at_any_time_starts_over(name):
    for reset_at in range(4, 60, 3):
        check(UNITS[name], 6, reset_at, stalls=BUSY, reset_at=reset_at)


def test_a_million_macs_per_lane_kind():
    unit = Depthwise(9, 48, sp2=16, booth=16, dsp=16)
    for seed in range(4):
        check(unit, 10**6 // (4 * 16 * unit.window) + 1, seed, stalls=(0.02, 0.02, 0.02))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sp2", "booth", "dsp"])
def test_ten_million_macs_per_lane_kind(kind):
    unit = replace(Depthwise(9, 16, primitives=True), **{kind: 8})
    for seed in range(70):
        check(unit, 1000, seed, stalls=(0.02, 0.02, 0.02))


# The room between fields, an interleaving, an offset: each breaks a copy.
FAULTS = {
    "spacing": ("msq_pkg.sv", "return $clog2(4 * window", "return $clog2(2 * window"),
    "interleaving": ("vvau_msq.sv", "word[j][i];", "word[j][PE-1-i];"),
    "offset": ("row_offsets.sv", "Offsets[fold_q][i]", "Offsets[0][i]"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_bench_finds_an_injected_fault(name, tmp_path):
    unit = replace(MIXED, primitives=True, offset=tuple(range(12)))
    file, old, new = FAULTS[name]
    sources = []
    for path in harness.rtl_sources():
        text = path.read_text()
        if path.name == file:
            assert text.count(old) == 1
            text = text.replace(old, new)
        copy = Path(tmp_path / path.name)
        copy.write_text(text)
        sources.append(copy)
    job = random_job(unit, 60, 3)
    try:
        result = harness.run(
            harness.build(unit.wrapper(), sources), job.acts, job.weights, len(job.expected),
            stalls=(0.3, 0.3, 0.3),
        )  # fmt: skip
    except AssertionError:
        return  # hung, or broke a handshake
    assert not np.array_equal(outputs(unit, result), job.expected)


GOOD = {"Window": 9, "Channels": 8} | of(sp2_4_lut=1, fixed_4_lut=1, int_5_dsp=2)
LUTS = of(sp2_4_lut=1, fixed_4_lut=1)
WIDE = of(sp2_4_lut=1, fixed_4_lut=1, int_8_dsp=2)


@pytest.mark.parametrize(
    "change",
    [
        {"UsePrimitives": 0},
        {"UsePrimitives": 1},
        {"UsePrimitives": 1, "DspVersion": 2, "ActSigned": 1},
        LUTS | {"Channels": 6, "SIMD": 9, "WeightBits": 4},
        WIDE | {"ActBits": 8, "WeightBits": 8, "AddOffset": 1},
    ],
    ids=["portable", "7-series", "UltraScale+", "LUT lanes", "8 bits"],
)
def test_verilator_has_no_warning(change):
    report = harness.lint("vvau_msq", GOOD | change)
    assert "Built from" in report
    assert "%Warning" not in report
    assert "%Error" not in report


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (LUTS | {"Window": 10, "SIMD": 3}, "Window = 10: must be a positive multiple of"),
        ({"Window": 0}, "Window = 0: must be a positive multiple"),
        ({"Channels": 6}, "Channels = 6: must be a positive multiple of the number of lanes, 4"),
        ({"SIMD": 0}, "SIMD = 0: must be at least 1"),
        ({"SIMD": 3}, "SIMD = 3: must be at least 1, and 1 where there are DSP lanes"),
        (of(), "Lanes = 0: at least one lane is needed"),
        ({"WeightBits": 3}, "WeightBits = 3: must be 4 to 8"),
        ({"WeightBits": 4}, "WeightBits = 4: a lane takes codes of 5 bits"),
        ({"ActBits": 9}, "ActBits = 9: must be 2 to 8"),
        ({"AccBits": 49}, "AccBits = 49: must be 1 to 48"),
        ({"DspVersion": 4}, "DspVersion = 4: must be 1 (DSP48E1), 2 (DSP48E2) or 3 (DSP58)"),
    ],
)
def test_illegal_parameters_are_named(change, message):
    assert message in harness.lint("vvau_msq", GOOD | change)


@pytest.mark.parametrize(
    ("window", "act_bits", "weight_bits", "fits"),
    [(9, 4, 5, True), (9, 5, 5, False), (9, 4, 8, False), (25, 4, 4, False), (25, 3, 4, True)],
)
def test_two_channels_share_a_dsp_only_where_their_sums_fit(window, act_bits, weight_bits, fits):
    # The middle field holds both cross products, of either sign; the upper activation and its sign
    # follow on an 18-bit port.
    largest = 2 * window * (2**act_bits - 1) * (2 ** (weight_bits - 1) - 1)
    assert (2 * largest + 1 <= 2 ** (18 - act_bits - 1)) == fits
    parameters = {"Window": window, "ActBits": act_bits, "WeightBits": weight_bits}
    report = harness.lint("dsp_channels", {"Channels": 2} | parameters)
    assert ("Channels = 2: the sums" in report) == (not fits)
