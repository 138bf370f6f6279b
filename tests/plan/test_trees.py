"""Tree sizes that the cost model counts, against the compressors in netlists of the RTL."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from msq_finn import synth
from msq_finn.lanes import dsp, sources, trees
from msq_finn.plan.cost import stored_runs
from msq_finn.plan.cost.features import features
from msq_finn.plan.cost.lane_sweep import of
from msq_finn.plan.cost.point_kinds import Depthwise, Msq, Unit

from .. import yosys

STUBS = Path(synth.__file__).with_name("xilinx_stubs.v")
PRIMITIVES = tuple(re.findall(r"(?m)^module (\w+)", STUBS.read_text()))

BENCH = """
module bench (input logic clk_i, input logic [{rows}-1:0][15:0] rows_i,
              output logic [15:0] s_o, output logic [15:0] m_o);
  row_tree #(
    .Rows({rows}), .Width(16), .Lo({bits}'h{lo:x}), .Hi({bits}'h{hi:x}), .Fabric(msq_pkg::Series7)
  ) u_tree (.clk_i, .en_i(1'b1), .rows_i, .s_o, .m_o);
endmodule
"""


def compressors(top: str, files: list[Path], parameters: Mapping[str, int], folder: Path) -> int:
    """Columns of all compressors: each is a LUT6_2 placed by hand."""
    values = (f"-G {k}={v.bit_length() + 1}'h{v:x}" for k, v in parameters.items())
    options = " ".join(("--max-constexpr-steps 10000000", "--ignore-assertions", *values))
    read = yosys.read(top, [STUBS, *files], options, PRIMITIVES)
    done = yosys.run(read, f"hierarchy -top {top}", "flatten", "write_json n.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    cells = json.loads((folder / "n.json").read_text())["modules"][top]["cells"]
    return sum(cell["type"] == "LUT6_2" and "u_compressor." in name for name, cell in cells.items())


@pytest.mark.parametrize("count", [3, 4, 5, 8, 11, 18, 32])
def test_a_tree_has_the_columns_that_are_counted(count: int, tmp_path: Path):
    rng = np.random.default_rng(count)
    starts = [int(s) for s in rng.integers(0, 3, count)]
    rows = [(s, s + int(n)) for s, n in zip(starts, rng.integers(4, 7, count), strict=True)]
    lo, hi = (sum(row[end] << 16 * r for r, row in enumerate(rows)) for end in (0, 1))
    bench = tmp_path / "bench.sv"
    bench.write_text(BENCH.format(rows=count, bits=16 * count, lo=lo, hi=hi))
    found = compressors("bench", [*sources(), bench], {}, tmp_path)
    assert found == trees.columns(tuple(rows), 16) > 0


def test_a_tree_counted_by_hand():
    # Two groups of four 4-bit rows: 4 columns each. Their sums (columns 0 to 4) and majorities
    # (1 to 4): compressed from column 1, where the third begins, to 4.
    assert trees.columns(((0, 4),) * 8, 8) == 4 + 4 + 4


LANES = [
    Msq(60, 9, 12, of(sp2_4_lut=3)),
    Msq(30, 8, 5, of(sp2_4_lut=2, fixed_4_lut=2), act_bits=5, acc_bits=11),
    Msq(48, 6, 8, of(fixed_8_lut=2, sp2_6_lut=1), act_bits=8, act_signed=True, acc_bits=20),
    # Fields that are packed as a slice is wide, with carries; four, and seven or six of them.
    Msq(72, 12, 12, of(fixed_4_dsp=6)),
    Msq(72, 9, 9, of(fixed_3_dsp=9), act_bits=2, acc_bits=12),
    # Apart on DSP48E1 alone.
    Msq(72, 6, 18, of(fixed_4_dsp=6), act_bits=8, acc_bits=18),
    Msq(80, 10, 10, of(pot_4_lut=3, fixed_4_dsp=1, fixed_8_dsp=1), acc_bits=18),
    # Chains of four slices, the last of them shorter.
    Msq(72, 9, 18, of(fixed_4_dsp_chain=9)),
    Depthwise(9, 6, 3, of(fixed_4_lut=6), acc_bits=13),
]


@pytest.mark.parametrize("block", ["DSP48E1", "DSP48E2"])
@pytest.mark.parametrize("point", LANES, ids=lambda point: f"{point.node}, {point.lanes.label}")
def test_units_have_the_columns_that_are_counted(point: Unit, block: str, tmp_path: Path):
    top, files, parameters = point.design(tmp_path, stored_runs.PARTS[block])
    told = features(point, dsp.get(block))["compressor columns"]
    assert told == compressors(top, files, parameters, tmp_path) > 0


EMBEDDED, SERIAL = Msq(60, 8, 20, of(embedded_lut=4)), Msq(96, 4, 48, of(serial_lut=4))


@pytest.mark.parametrize(
    ("point", "told"),
    [
        (EMBEDDED, 4 * trees.constant_lane(6, 3, 20, 4).columns),
        (SERIAL, 4 * trees.serial_lane(2, 2, 48).columns),
    ],
    ids=["embedded", "serial"],
)
def test_lanes_of_constants_have_as_many_on_average(point: Unit, told: float, tmp_path: Path):
    top, files, parameters = point.design(tmp_path, stored_runs.PARTS["DSP48E1"])
    assert compressors(top, files, parameters, tmp_path) == pytest.approx(told, rel=0.05)
