"""stream_thresholds: shapes under stalls and resets, no X behind a reset, and what it takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from qonnx.core.datatype import DataType

import msq_finn.rtl
from msq_finn.plan.cost.stored_runs import PARTS
from msq_finn.rtl.threshold_tree import tree_words, word_bits
from msq_finn.sim import primitives
from msq_finn.synth import yosys as synth
from tests import icarus, yosys

FOLDER = Path(msq_finn.rtl.__file__).parent / "streaming"
SOURCES = [FOLDER / f"{name}.sv" for name in ("threshold_search", "stream_thresholds")]


@dataclass(frozen=True)
class Unit:
    """Channels, elements of a word, thresholds of a channel, types, least level, memory."""

    channels: int
    pe: int
    steps: int
    kind: str
    out_bits: int
    bias: int = 0
    style: str = "distributed"
    shared: bool = False

    def thresholds(self):
        """At random, the least value and more than any value among them."""
        kind, rng = DataType[self.kind], np.random.default_rng(self.steps)
        low, high = int(kind.min()), int(kind.max())
        drawn = rng.integers(low, high + 2, (1 if self.shared else self.channels, self.steps))
        drawn[0, 0], drawn[-1, -1] = low, high + 1
        return np.sort(drawn, axis=1)

    def levels(self, values):
        """What values (words, pe) of whole frames come to, by definition."""
        thresholds = np.broadcast_to(self.thresholds(), (self.channels, self.steps))
        of_words = thresholds.reshape(-1, self.pe, self.steps)
        turns = np.arange(len(values)) % len(of_words)
        return self.bias + (values[:, :, None] >= of_words[turns]).sum(axis=-1)

    def write(self, folder):
        """The unit as module "thresholds", with its memories; its file."""
        kind = DataType[self.kind]
        words = tree_words(self.thresholds(), self.pe, kind)
        bits = word_bits(words)
        for lane, stored in enumerate(words.tolist()):
            text = "".join(f"{word % 2**bits:x}\n" for word in stored)
            (folder / f"t{lane}.dat").write_text(text)
        folds = 1 if self.shared else self.channels // self.pe
        in_bits, out_bits = self.pe * kind.bitwidth(), self.pe * self.out_bits
        path = folder / "thresholds.sv"
        path.write_text(f"""
module thresholds (
  input logic clk, rst_n, input logic [{in_bits - 1}:0] in, input logic in_valid,
  output logic in_ready, output logic [{out_bits - 1}:0] out, output logic out_valid,
  input logic out_ready
);
  stream_thresholds #(
    .InBits({kind.bitwidth()}), .Signed({int(kind.signed())}), .OutBits({self.out_bits}),
    .Elements({self.pe}), .Folds({folds}), .Steps({self.steps}), .Bias({self.bias}),
    .ThresholdBits({bits}), .Contents("{folder}/t"), .RamStyle("{self.style}")
  ) i (
    .clk_i(clk), .rst_ni(rst_n), .in_data_i(in), .in_valid_i(in_valid), .in_ready_o(in_ready),
    .out_data_o(out), .out_valid_o(out_valid), .out_ready_i(out_ready)
  );
endmodule
""")
        return path


UNITS = [
    Unit(1, 1, 1, "UINT1", 1),
    Unit(6, 3, 1, "INT5", 1, style="block"),
    Unit(4, 1, 2, "UINT6", 4, bias=5),
    Unit(6, 2, 3, "INT8", 2),
    Unit(5, 1, 4, "INT3", 3, style="block"),
    Unit(8, 2, 14, "INT9", 4, bias=-7),
    Unit(3, 3, 15, "UINT8", 4, bias=-8, style="block"),
    Unit(12, 4, 15, "INT12", 4, shared=True),
    Unit(7, 1, 15, "INT7", 5),
    Unit(2, 1, 255, "INT16", 8, bias=-128, style="block"),
]

BENCH = """
`timescale 1ns / 1ps
module bench;
  reg clk = 0, rst_n, in_valid, out_ready;
  reg [IN-1:0] in;
  wire [OUT-1:0] out;
  wire in_ready, out_valid;
  thresholds dut (.clk(clk), .rst_n(rst_n), .in(in), .in_valid(in_valid), .in_ready(in_ready),
                  .out(out), .out_valid(out_valid), .out_ready(out_ready));

  integer random, cycle, i;
  reg taken;
  // Of 8 cycles the streams wait in so many. Nothing is known of them before and in a reset.
  task pass(input integer cycles, input integer seed, input integer waits_in, waits_out);
    begin
      random = seed;
      rst_n = 0;
      {in, in_valid, out_ready, taken} = {IN'bx, 3'bxx1};
      @(posedge clk) #1 rst_n = 1;
      in_valid = 0;
      $display("reset %b", out_valid);
      for (cycle = 0; cycle < cycles; cycle = cycle + 1) begin
        if (taken || !in_valid) begin
          in_valid = $unsigned($random(random)) % 8 >= waits_in;
          for (i = 0; i < IN; i = i + 16) in[i+:16] = $random(random);
          if (!in_valid) in = {IN{1'bx}};
        end
        out_ready = $unsigned($random(random)) % 8 >= waits_out;
        @(negedge clk) taken = in_valid && in_ready;
        if (in_valid && in_ready !== 0) $display("in %b %b", in_ready, in);
        if (out_valid !== 0 && out_ready) $display("out %b %b %0d", out_valid, out, cycle);
        @(posedge clk) #1;
      end
    end
  endtask

  always #5 clk = !clk;
  initial begin
    pass(7, 1, 0, 0);
    pass(1, 2, 0, 0);
    pass(61, 3, 4, 0);
    pass(300, 4, 0, 0);
    pass(900, 5, 1, 4);
    pass(900, 6, 5, 2);
    $finish;
  end
endmodule
"""


def check(report: str, unit: Unit) -> None:
    """Whether each of the bench's passes begins anew, knows all bits and gives the right levels."""
    assert report.endswith("status 0"), report
    begun, *passes = report.split("reset ")
    assert "in " not in begun and len(passes) == 6
    bits = DataType[unit.kind].bitwidth()
    for number, text in enumerate(passes):
        assert text[0] == "0"
        taken = re.findall(r"in 1 ([01]+)", text)
        given = re.findall(r"out 1 ([01]+) (\d+)", text)
        assert text.count("in ") == len(taken) and text.count("out ") == len(given)
        assert len(taken) - 1 <= len(given) <= len(taken)
        values = unit_values(taken, unit.pe, bits, DataType[unit.kind].signed())
        levels = unit_values([word for word, _ in given], unit.pe, unit.out_bits, unit.bias < 0)
        np.testing.assert_array_equal(levels, unit.levels(values)[: len(levels)])
        if number == 3:
            assert len(given) > 30
            assert set(np.diff([int(c) for _, c in given])) == {unit.steps.bit_length()}
    assert len(given) > 30


def unit_values(words: list[str], pe: int, bits: int, signed: bool) -> np.ndarray:
    """Elements of binary words, (words, pe)."""
    found = [[int(w[len(w) - (i + 1) * bits : len(w) - i * bits], 2) for i in range(pe)]
             for w in words]  # fmt: skip
    values = np.array(found, dtype=np.int64).reshape(-1, pe)
    return np.where(values >> (bits - 1), values - 2**bits, values) if signed else values


def bench(folder: Path, unit: Unit) -> Path:
    sizes = {"IN": unit.pe * DataType[unit.kind].bitwidth(), "OUT": unit.pe * unit.out_bits}
    path, text = folder / "bench.v", BENCH
    for name, bits in sizes.items():
        text = re.sub(rf"\b{name}\b", str(bits), text)
    path.write_text(text)
    return path


@pytest.mark.parametrize("unit", UNITS, ids=str)
def test_levels_are_known_and_right_behind_every_reset(tmp_path, unit):
    top, driver = unit.write(tmp_path), bench(tmp_path, unit)
    # Registers and multiplexers hand on an X where an "if" would not.
    read = yosys.read("thresholds", [*SOURCES, top])
    steps = (read, "proc", "flatten", "opt_clean", "write_verilog -noattr rtl.v")
    done = yosys.run(*steps, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    check(icarus.run([tmp_path / "rtl.v", driver], ["bench"], tmp_path), unit)


@pytest.mark.parametrize("unit", [UNITS[5], UNITS[6], UNITS[8]], ids=str)
def test_netlists_give_the_levels(tmp_path, unit):
    top, driver = unit.write(tmp_path), bench(tmp_path, unit)
    part = PARTS["DSP48E1" if unit.bias else "DSP48E2"]
    netlist = synth.run("thresholds", [*SOURCES, top], part=part).netlist
    gates, models = tmp_path / "gates.v", tmp_path / "models.v"
    gates.write_text(netlist.text.replace(netlist.module, "thresholds"))
    models.write_text(primitives.models([netlist.text]))
    check(icarus.run([models, gates, driver], ["bench"], tmp_path), unit)


def resources(folder, unit):
    return synth.synthesize("thresholds", [*SOURCES, unit.write(folder)], part=PARTS["DSP48E1"])


def test_a_unit_in_luts_takes_its_memory_and_one_comparator(tmp_path):
    """Four LUTs a bit of 256 words, half a LUT a bit compared: FINN's takes 127 sites."""
    found = resources(tmp_path, Unit(16, 1, 15, "INT16", 4))
    assert 16 * 4 <= found.lut_sites <= 17 * 5 + 25
    assert found.lut_memory == found.bram36 == 0
    assert found.ff <= 17 + 4 + 4 + 4 + 1


def test_a_unit_in_block_ram_takes_next_to_no_luts(tmp_path):
    """FINN's takes 339 sites."""
    found = resources(tmp_path, Unit(64, 1, 15, "INT16", 4, style="block"))
    assert found.lut_sites <= 30 and found.lut_memory == 0
    assert found.bram36 == 0.5
    assert found.ff <= 6 + 4 + 4 + 1
