"""weight_rom: order, rate, stalls, resets, no X behind a reset, and what it takes."""

from __future__ import annotations

import os
import re
from pathlib import Path

import harness
import numpy as np
import pytest

from msq_finn.ops import weight_rom
from msq_finn.plan.cost.point_kinds import WeightRom
from msq_finn.plan.cost.stored_runs import PARTS
from msq_finn.sim import primitives
from msq_finn.synth import yosys as synth
from tests import icarus, yosys

#: Bits of a word, words, style.
SIZES = [
    (1, 1, "block"),
    (3, 1, "distributed"),
    (5, 2, "auto"),
    (1, 64, "distributed"),
    (77, 37, "distributed"),
    (2100, 37, "block"),
    (8, 512, "block"),
]


def words_of(width: int, depth: int) -> list[int]:
    """Random words; the first and the last differ where they can."""
    rng = np.random.default_rng(width * depth)
    return [int.from_bytes(rng.bytes(width // 8 + 1), "little") % 2**width for _ in range(depth)]


def written(path: Path, words: list[int]) -> Path:
    """A file for ``$readmemh`` that appears whole, whoever else makes it at the time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.write_text("".join(f"{word:x}\n" for word in words))
    return staged.rename(path)


@pytest.mark.parametrize(("width", "depth", "style"), SIZES)
def test_words_come_in_order_and_over_again(width, depth, style):
    words = words_of(width, depth)
    # At the same place every time, so that the build is found again.
    file = written(harness.cache_dir() / f"weight_rom_{width}_{depth}.dat", words)
    count = 3 * depth + 7
    binary = harness.build(
        harness.wrap(1, 1, width, f"""
  assign in0_ready_o = 1'b0;
  assign in1_ready_o = 1'b0;
  // The driver takes so many words, and one more for a fault.
  int unsigned given;
  logic valid, more;
  assign more = given < {count};
  assign out_valid_o = valid && more;
  always_ff @(posedge clk_i) given <= !rst_ni ? 0 : given + (out_valid_o && out_ready_i);
  {weight_rom.instance(depth, width, file, style)} dut (
    .clk_i, .rst_ni, .data_o(out), .valid_o(valid), .ready_i(out_ready_i && more));"""),
        [weight_rom.SOURCE],
    )  # fmt: skip
    nothing = harness.pack(np.zeros((1, 1)), 1)
    for how in ({}, {"stalls": (0, 0, 0.5)}, {"reset_at": 5}, {"reset_at": depth + 6}):
        result = harness.run(binary, nothing, nothing, count, **how)
        got = [int.from_bytes(row.tobytes(), "little") for row in result.words]
        assert got == [words[i % depth] for i in range(count)]
        if not how:
            assert set(np.diff(result.cycles)) == {1}


BENCH = """
`timescale 1ns / 1ps
module bench;
  reg clk = 0, rst_n, ready;
  wire [WIDTH-1:0] data;
  wire valid;
  memory dut (.clk(clk), .rst_n(rst_n), .data(data), .valid(valid), .ready(ready));

  integer random;
  // Nothing is known of what reads before and in a reset, of which one cycle is enough.
  task pass(input integer cycles, input integer seed);
    begin
      random = seed;
      rst_n = 0;
      ready = 1'bx;
      @(posedge clk) #1 rst_n = 1;
      $display("reset %b", valid);
      repeat (cycles) begin
        ready = $random(random);
        @(negedge clk) if (valid !== 1'b0 && ready) $display("word %b %b", valid, data);
        @(posedge clk) #1;
      end
    end
  endtask

  always #5 clk = !clk;
  initial begin
    pass(5, 1);
    pass(1, 2);
    pass(60, 3);
    pass(2, 4);
    pass(1500, 5);
    $finish;
  end
endmodule
"""

TOP = """
module memory (
  input logic clk, rst_n, ready, output logic valid, output logic [WIDTH-1:0] data
);
  INSTANCE i (.clk_i(clk), .rst_ni(rst_n), .data_o(data), .valid_o(valid), .ready_i(ready));
endmodule
"""


@pytest.mark.parametrize("style", ["block", "distributed"])
@pytest.mark.parametrize(("width", "depth"), [(7, 1), (7, 6), (3, 16)])
def test_nothing_is_unknown_behind_a_reset(tmp_path, width, depth, style):
    """Registers start as X, resets fall in the middle of the words, and each begins anew."""
    words = words_of(width, depth)
    made = weight_rom.instance(depth, width, written(tmp_path / "words.dat", words), style)
    top, bench = tmp_path / "memory.sv", tmp_path / "bench.sv"
    for path, text in ((top, TOP), (bench, BENCH)):
        path.write_text(text.replace("WIDTH", str(width)).replace("INSTANCE", made))
    # Registers and multiplexers hand on an X where an "if" would not.
    read = yosys.read("memory", [weight_rom.SOURCE, top])
    done = yosys.run(read, "proc", "opt_clean", "write_verilog -noattr rtl.v", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    check_passes(icarus.run([tmp_path / "rtl.v", bench], ["bench"], tmp_path), words, width)


def check_passes(report: str, words: list[int], width: int) -> None:
    """Whether each of the bench's passes begins with the first word, and knows all bits."""
    assert report.endswith("status 0"), report
    begun, *passes = report.split("reset ")
    assert "word" not in begun and len(passes) == 5
    for text in passes:
        assert text[0] == "0"
        found = re.findall(r"word (\S+) (\S+)", text)
        expected = [("1", f"{words[i % len(words)]:0{width}b}") for i in range(len(found))]
        assert found == expected
    assert len(found) > 600


@pytest.mark.parametrize(
    ("width", "depth", "style", "part"),
    [
        (6, 11, "distributed", PARTS["DSP48E1"]),
        (5, 100, "distributed", PARTS["DSP48E2"]),
        (4, 600, "distributed", PARTS["DSP48E1"]),
        (40, 37, "block", PARTS["DSP48E2"]),
    ],
)
def test_netlists_give_the_words(tmp_path, width, depth, style, part):
    """Columns of equal and of constant bits, which tables may share or need not have, included."""
    words = [(word | 1) & ~12 | (word >> 1 & 1) << 3 for word in words_of(width, depth)]
    made = weight_rom.instance(depth, width, written(tmp_path / "words.dat", words), style)
    top, bench = tmp_path / "memory.sv", tmp_path / "bench.sv"
    for path, text in ((top, TOP), (bench, BENCH)):
        path.write_text(text.replace("WIDTH", str(width)).replace("INSTANCE", made))
    netlist = synth.run("memory", [weight_rom.SOURCE, top], part=part).netlist
    gates = tmp_path / "gates.v"
    gates.write_text(netlist.text.replace(netlist.module, "memory"))
    models = tmp_path / "models.v"
    models.write_text(primitives.models([netlist.text]))
    check_passes(icarus.run([models, gates, bench], ["bench"], tmp_path), words, width)


def test_words_in_block_ram_take_no_luts():
    """As much for 40 bits as for 400; of flip-flops, Yosys keeps the register behind the array."""
    part = PARTS["DSP48E1"]
    narrow, wide = (WeightRom(width, 48, "block").synthesize(part) for width in (40, 400))
    assert narrow.lut_sites == wide.lut_sites <= 20
    assert wide.lut_memory == 0
    assert (narrow.bram36, wide.bram36) == (1.0, 6.0)
    assert wide.ff - narrow.ff == 400 - 40


def test_words_in_luts_take_their_tables_alone():
    """A LUT of six inputs and a flip-flop a bit, and what counts to 64."""
    found = WeightRom(96, 64, "distributed").synthesize(PARTS["DSP48E1"])
    assert 96 <= found.lut_sites <= 96 + 10
    assert found.lut_memory == found.bram36 == 0
    assert 96 <= found.ff <= 96 + 7
