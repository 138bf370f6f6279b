"""Illegal parameters are named at elaboration, sources are clean, and the benches find faults."""

import harness
import numpy as np
import pytest
from mvau import Unit, outputs, random_job

from msq_finn.lanes import LaneCounts
from msq_finn.lanes.hardware import lanes_parameter, literal
from msq_finn.ops import weight_rom
from tests import yosys


def of(**lanes: int) -> dict[str, str]:
    return {"Lanes": literal(lanes_parameter(LaneCounts(lanes)))}


GOOD = {"MW": 8, "MH": 4, "SIMD": 2, "ActBits": 4, "AccBits": 16, "DspVersion": 1}
GOOD |= of(sp2_4_lut=1, fixed_4_dsp=1)

ONE_EACH = "32'h00010001"  # for either lane
OF_EACH_WIDTH = of(sp2_4_lut=1, fixed_4_dsp=1, fixed_3_dsp=4, fixed_5_dsp=2, fixed_6_dsp=1,
                   fixed_7_dsp=2, fixed_8_dsp=3, fixed_4_dsp_chain=4)  # fmt: skip
EMBEDDED = {"MH": 4, "MW": 4, "Members": 4, "LaneGroups": ONE_EACH, "Hi": ONE_EACH}
EMBEDDED |= of(sp2_4_lut=1, fixed_4_dsp=1, embedded_lut=2)


@pytest.mark.parametrize("primitives", [0, 1])
@pytest.mark.parametrize(
    "lanes",
    [
        of(sp2_4_lut=1, fixed_4_lut=2, fixed_4_dsp=1),
        of(sp2_4_lut=1, fixed_4_lut=2, fixed_4_dsp=1) | {"DspVersion": 2},
        OF_EACH_WIDTH | {"MH": 18, "DspVersion": 3},
        EMBEDDED,
    ],
    ids=["7-series", "UltraScale+", "DSPs of all widths", "constants"],
)
def test_verilator_has_no_warning(primitives, lanes):
    report = harness.lint("mvau_msq", GOOD | lanes | {"UsePrimitives": primitives})
    assert "Built from" in report
    assert "%Warning" not in report
    assert "%Error" not in report


SERIAL = {"MW": 4, "MH": 4, "SIMD": 2, "PE": 2, "Members": 3, "ActBits": 4, "AccBits": 16}
SERIAL |= {"LaneGroups": ONE_EACH, "Hi": ONE_EACH}


@pytest.mark.parametrize("change", [{}, {"UsePrimitives": 1}, {"SIMD": 4, "MH": 2, "Members": 5}])
def test_verilator_has_no_warning_of_serial_lanes(change):
    report = harness.lint("mvau_serial", SERIAL | change)
    assert "Built from" in report
    assert "%Warning" not in report
    assert "%Error" not in report


ROM = {"Width": 40, "Depth": 5, "Contents": '"words.dat"'}


@pytest.mark.parametrize("style", ["block", "distributed", "ultra", "auto"])
def test_verilator_has_no_warning_of_a_weight_memory(style):
    report = harness.lint("weight_rom", ROM | {"RamStyle": f'"{style}"'}, weight_rom.SOURCE)
    assert "Built from" in report
    assert "%Warning" not in report
    assert "%Error" not in report


@pytest.mark.parametrize("name", ["Width", "Depth"])
def test_a_weight_memory_of_nothing_is_named(name):
    size = ROM | {name: 0}
    message = f"Width = {size['Width']} and Depth = {size['Depth']}: must be at least 1"
    assert message in harness.lint("weight_rom", size, weight_rom.SOURCE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MW": 5}, "MW = 5: must be a positive multiple of SIMD = 2"),
        ({"MH": 5}, "MH = 5: must be a positive multiple of PE = 2"),
        ({"ActBits": 1}, "ActBits = 1: must be 2 to 8"),
        ({"AccBits": 49}, "AccBits = 49: must be 1 to 48"),
        ({"Members": 2}, "Members = 2: with 2 bits of a fold's address, tables must have 5"),
        ({"DspVersion": 4}, "DspVersion = 4: must be 1 (DSP48E1), 2 (DSP48E2) or 3 (DSP58)"),
    ],
)
def test_illegal_parameters_of_serial_lanes_are_named(change, message):
    assert message in harness.lint("mvau_serial", SERIAL | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"MW": 9}, "MW = 9: must be a positive multiple of SIMD = 2"),
        ({"MW": 0}, "MW = 0: must be a positive multiple"),
        ({"MH": 5}, "MH = 5: must be a positive multiple of the number of lanes, 2"),
        ({"SIMD": 0}, "SIMD = 0: must be at least 1"),
        (of(), "Lanes = 0: at least one lane is needed"),
        ({"ActBits": 1}, "ActBits = 1: must be 2 to 8"),
        ({"ActBits": 9}, "ActBits = 9: must be 2 to 8"),
        ({"AccBits": 0}, "AccBits = 0: must be 1 to 48"),
        ({"AccBits": 49}, "AccBits = 49: must be 1 to 48"),
        (
            EMBEDDED | {"Members": 2},
            "Members = 2: with 1 bits of a fold's address, tables must have 5",
        ),
        ({"DspVersion": 4}, "DspVersion = 4: must be 1 (DSP48E1), 2 (DSP48E2) or 3 (DSP58)"),
    ],
)
def test_illegal_parameters_are_named(change, message):
    assert message in harness.lint("mvau_msq", GOOD | change)


@pytest.mark.parametrize(
    ("top", "change", "message"),
    [
        ("dsp_lanes", {"WeightBits": 26}, "WeightBits = 26: the DSP's port A takes 2 to 25"),
        ("dsp_lanes", {"ActBits": 18}, "ActBits = 18: the DSP's port B takes 2 to 17"),
        (
            "dsp_lanes",
            {"ActBits": 24, "DspVersion": 3},
            "ActBits = 24: the DSP's port B takes 2 to 23",
        ),
        ("dsp_lanes", {"Chain": 1}, "Chain = 1: must be at least 2"),
        ("dsp_lanes", {"Chain": 4}, "Lanes = 4: the DSP's port A takes 1 to 3"),
        ("dsp_lanes", {"Lanes": 5}, "Lanes = 5: the DSP's port A takes 1 to 4"),
        ("dsp_lanes", {"WeightBits": 8, "Lanes": 3}, "Lanes = 3: the DSP's port A takes 1 to 2"),
        ("dsp_lanes", {"AccBits": 7}, "AccBits = 7: a product takes 8"),
        ("dsp_lanes", {"DspVersion": 4}, "DspVersion = 4: must be 1 (DSP48E1), 2 (DSP48E2) or 3"),
        (
            "dsp_channels",
            {"WeightBits": 28, "Channels": 1, "DspVersion": 2},
            "WeightBits = 28: the",
        ),
        (
            "dsp_channels",
            {"ActBits": 18, "Channels": 1},
            "ActBits = 18: the DSP's port B has 18 bits",
        ),
        ("dsp_channels", {"AccBits": 49}, "AccBits = 49: the DSP's port P has 48 bits"),
        ("dsp_channels", {"AccBits": 59, "DspVersion": 3}, "AccBits = 59: the DSP's port P has 58"),
        (
            "dsp_channels",
            {"ActBits": 8},
            "Channels = 2: the sums of Window = 9 products do not fit",
        ),
    ],
)
def test_what_does_not_fit_a_dsp_is_named(top, change, message):
    assert message in harness.lint(top, change)


@pytest.mark.parametrize(
    ("top", "lanes"),
    [
        ("mvau_msq", of(sp2_4_lut=2, fixed_4_lut=2, fixed_4_dsp=2)["Lanes"] + " -G MH=6"),
        ("vvau_msq", of(sp2_4_lut=1, fixed_4_lut=1, int_5_dsp=2)["Lanes"]),
    ],
    ids=["mvau_msq", "vvau_msq"],
)
def test_yosys_reads_all_versions(top, lanes):
    commands = []
    versions = [(0, 1), (1, 1), (1, 2), (1, 3)]
    for primitives, version in versions:
        settings = f"-G Lanes={lanes} -G UsePrimitives={primitives} -G DspVersion={version}"
        read = yosys.read(top, harness.design_files(), settings, harness.CELLS)
        commands += ["design -reset", read, f"hierarchy -check -top {top}", "check -assert"]
    run = yosys.run(*commands)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("Found and reported 0 problems") == len(versions)


# A table bit, a carry, a stuck valid, a borrow, a start value, a replay: each breaks a copy.
FAULTS = {
    "sp2_4_rows.sv": ("entries[k] = ((upper", "entries[k] = (k == 12) ^ ((upper"),
    "booth_4_rows.sv": ("entries[k] = digit(k[4:2], k[1], k[0]);",
                        "entries[k] = (k == 9) ^ digit(k[4:2], k[1], k[0]);"),
    "carry_chain.sv": ("assign below = carry[k-1][Bits-1];", "assign below = 1'b0;"),
    "row_compressor.sv": ("32'hE8E8_E8E8", "32'hE8E8_E8E0"),
    "accumulator_columns.sv": ("Start[k] ? 8'hC3 : 8'h3C", "8'h3C"),
    "dsp_chain.sv": ("- low[k+1] +", "- 2'd0 +"),
    "dsp_mac.sv": ("Chained ? 3'b001 :", "Chained ? 3'b000 :"),
    "dsp_lane_sum.sv": ("~below_i[r]", "below_i[r]"),
    "vector_replay.sv": ("valid_o <= step;", "valid_o <= 1'b1;"),
    "embedded_lane.sv": ("^ (ActSigned && k == ActBits - 1)", "^ ActSigned"),
    "mvau_msq.sv": (".acc_valid_i(valid[LutDepth]),", ".acc_valid_i(1'b1),"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_the_bench_finds_an_injected_fault(name, tmp_path):
    unit = Unit(8, 10, 4, sp2=1, booth=1, dsp=2, embedded=1, act_signed=True, primitives=True)
    sources = harness.broken(name, *FAULTS[name], tmp_path)
    job = random_job(unit, 40, 3)
    try:
        result = harness.run(
            harness.build(unit.wrapper(job.values), sources), job.acts, job.weights,
            len(job.expected), stalls=(0.3, 0.3, 0.3),
        )  # fmt: skip
    except AssertionError:
        return  # hung, or broke a handshake
    assert not np.array_equal(outputs(unit, result), job.expected)
