"""Synthesis end to end: circuits counted by hand, inference, errors, cache."""

from __future__ import annotations

import os
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from msq_finn.errors import MissingToolError, MsqError
from msq_finn.synth import yosys
from msq_finn.synth.yosys import Resources, family_of, synthesize

ADDER = """
module adder #(parameter int Width = 8) (
  input logic [Width-1:0] a, b, output logic [Width-1:0] sum
);
  assign sum = a + b;
endmodule
"""

COMPRESSOR = """
module compressor #(parameter int Width = 8) (
  input logic [Width-1:0] a, b, c, d, output logic [Width:0] sum, output logic [Width-1:0] maj
);
  logic [Width-1:0] select, carry;
  for (genvar k = 0; k < Width; k++) begin : gen_column
    LUT6_2 #(.INIT({32'h6996_6996, 32'hE8E8_E8E8})) u_lut (
      .I0(a[k]), .I1(b[k]), .I2(c[k]), .I3(d[k]), .I4(1'b0), .I5(1'b1),
      .O6(select[k]), .O5(maj[k])
    );
  end
  for (genvar k = 0; k < Width; k += 4) begin : gen_carry
    CARRY4 u_carry (
      .CI(k == 0 ? 1'b0 : carry[k-1]), .CYINIT(1'b0), .DI(d[k+:4]), .S(select[k+:4]),
      .O(sum[k+:4]), .CO(carry[k+:4])
    );
  end
  assign sum[Width] = carry[Width-1];
endmodule
"""

MEMORY = """
module memory #(parameter int Words = 512, parameter Style = "block") (
  input logic clk, we, input logic [$clog2(Words)-1:0] waddr, raddr, input logic [15:0] d,
  output logic [15:0] q
);
  (* RAM_STYLE = Style *) logic [15:0] mem[Words];
  always_ff @(posedge clk) begin
    if (we) mem[waddr] <= d;
    q <= mem[raddr];
  end
endmodule
module memory_distributed (
  input logic clk, we, input logic [5:0] waddr, raddr, input logic [15:0] d, output logic [15:0] q
);
  memory #(.Words(64), .Style("distributed")) u_memory (.*);
endmodule
"""

DSP = """
module dsp (input logic clk, input logic [24:0] a, input logic [17:0] b, output logic [47:0] p);
  DSP48E1 #(.AREG(1), .BREG(1), .MREG(1), .PREG(1), .USE_MULT("MULTIPLY")) u_dsp (
    .CLK(clk), .A({5'b0, a}), .B(b), .P(p), .OPMODE(7'h05), .ALUMODE(4'h0), .INMODE(5'h0),
    .CEA2(1'b1), .CEB2(1'b1), .CEM(1'b1), .CEP(1'b1)
  );
endmodule
"""

SHIFT_REGISTER = """
module shift_register (
  input logic clk, en, input logic [4:0] tap, input logic [7:0] d, output logic [7:0] q
);
  logic [7:0] words[24];
  always_ff @(posedge clk) if (en) words <= {d, words[0:22]};
  assign q = words[tap];
endmodule
"""


@pytest.fixture
def synth(tmp_path: Path):
    def run(text: str, top: str, **options) -> Resources:
        source = tmp_path / f"{top}.sv"
        source.write_text(text)
        return synthesize(top, [source], **options)

    return run


def test_adder_takes_a_site_per_bit(synth):
    eight = synth(ADDER, "adder")
    assert (eight.lut_sites, eight.carry_bits, eight.ff, eight.dsp) == (8, 8, 0, 0)
    assert synth(ADDER, "adder", parameters={"Width": 13}).lut_sites == 13


def test_parameters_may_be_wider_than_a_number(synth):
    text = """
    module bits #(parameter logic [63:0] Table = 0) (input logic [5:0] a, output logic y);
      assign y = Table[a];
    endmodule"""
    # Of six inputs, and of none.
    assert synth(text, "bits", parameters={"Table": 0x8000_0000_0000_0001}).lut_sites == 1
    assert synth(text, "bits", parameters={"Table": 2**64 - 1}).lut_sites == 0


def test_compressor_takes_a_site_per_column_on_both_families(synth):
    assert synth(COMPRESSOR, "compressor").lut_sites == 8
    assert synth(COMPRESSOR, "compressor", part="xczu7ev-ffvc1156-2-e").carry_bits == 8


def test_multiplexer_of_four_is_one_lut(synth):
    text = """
    module mux (input logic [3:0] data, input logic [1:0] index, output logic bit_o);
      assign bit_o = data[index];
    endmodule
    """
    assert synth(text, "mux").lut_sites == 1


def test_ram_style_decides_what_a_memory_takes(synth):
    block = synth(MEMORY, "memory")
    assert (block.bram36, block.lut_memory) == (0.5, 0)
    distributed = synth(MEMORY, "memory_distributed")
    # 64 words of 16 bits with a write port: RAM64M holds three bits on four sites.
    assert (distributed.bram36, distributed.lut_memory, distributed.ff) == (0, 24, 16)


def test_deep_memories_of_one_port_are_no_lut_ram_on_ultrascale(synth):
    text = """
    module deep (input logic clk, input logic we, input logic [9:0] index, input logic [71:0] word,
                 output logic [71:0] found);
      logic [71:0] words[1024];
      always_ff @(posedge clk) begin
        if (we) words[index] <= word;
        found <= words[index];
      end
    endmodule
    """
    found = synth(text, "deep", part="xczu7ev-ffvc1156-2-e")
    assert (found.bram36, found.lut_memory) == (2.0, 0)


def test_contents_of_a_memory_are_found_beside_its_source(synth, tmp_path: Path):
    text = """
    module rom (input logic [3:0] index, output logic [3:0] word);
      logic [3:0] words[16];
      initial $readmemh("./words.dat", words);
      assign word = words[index];
    endmodule
    """
    data = tmp_path / "words.dat"
    data.write_text("\n".join(["5"] * 16))
    assert synth(text, "rom").lut_sites == 0
    data.write_text("\n".join("0123456789abcdef"[k * 7 % 16] for k in range(16)))
    assert synth(text, "rom").lut_sites >= 2


def test_instantiated_dsp_is_counted_and_keeps_its_parameters(synth):
    registered = synth(DSP, "dsp")
    assert (registered.dsp, registered.lut_sites, registered.ff) == (1, 0, 0)
    unregistered = synth(DSP.replace(".AREG(1)", ".AREG(0)"), "dsp")
    assert unregistered.longest_path_ps > registered.longest_path_ps


def test_shift_register_with_a_variable_tap_takes_a_site_per_bit(synth):
    counted = synth(SHIFT_REGISTER, "shift_register")
    assert (counted.lut_memory, counted.ff) == (8, 0)


def test_shift_register_of_fixed_length_takes_a_flip_flop_more(synth):
    text = """
    module delay (input logic clk, input logic [7:0] d, output logic [7:0] q);
      logic [4:0][7:0] words;
      always_ff @(posedge clk) words <= {words[3:0], d};
      assign q = words[4];
    endmodule
    """
    counted = synth(text, "delay")
    # Two SRL16E share a site.
    assert (counted.lut_memory, counted.lut_logic, counted.ff) == (4, 0, 8)


def test_unused_ports_take_what_is_behind_them(synth):
    text = """
    module pair (
      input logic clk, input logic [7:0] a, cfg_data, output logic [7:0] sum, count
    );
      always_ff @(posedge clk) begin
        sum   <= a + cfg_data;
        count <= count + 8'd1;
      end
    endmodule
    """
    assert synth(text, "pair").lut_sites == 16
    rest = synth(text, "pair", unused_ports=("cfg_*", "count"))
    assert (rest.lut_sites, rest.ff) == (0, 8)


def test_assertions_take_nothing(synth):
    text = """
    module asserted (input logic clk, input logic [7:0] a, b, output logic q);
      always_ff @(posedge clk) begin
        q <= a[0];
        assert (a * b != 8'd3) else $error("three");
      end
    endmodule
    """
    counted = synth(text, "asserted")
    assert (counted.lut_sites, counted.dsp, counted.ff) == (0, 0, 1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("module bad (input logic a, output logic b); assign b = nowhere; endmodule", "nowhere"),
        ("module bad (input logic a, output logic b); assign b = a endmodule", "';'"),
        ("module other; endmodule", "bad"),
    ],
)
def test_a_source_that_does_not_compile_gives_the_first_complaint(synth, text, complaint):
    with pytest.raises(MsqError) as caught:
        synth(text, "bad")
    message = str(caught.value)
    assert message.startswith("synthesis of bad failed: ")
    assert complaint in message
    assert "\n" not in message


def test_missing_source(tmp_path: Path):
    with pytest.raises(MsqError, match=r"source .*gone\.sv does not exist"):
        synthesize("gone", [tmp_path / "gone.sv"])


def test_unknown_part():
    with pytest.raises(MsqError, match="xcvc1902"):
        family_of("xcvc1902-vsva2197-2MP-e-S")


def test_missing_yosys(monkeypatch, synth):
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(MissingToolError, match="pip install pyosys"):
        synth(ADDER, "adder")


def test_run_that_takes_too_long_is_ended(synth, monkeypatch):
    started = []
    popen = subprocess.Popen

    def record(*args, **options):
        started.append(popen(*args, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", record)
    with pytest.raises(MsqError, match=r"synthesis of adder took more than 0\.2 s"):
        synth(ADDER, "adder", parameters={"Width": 77}, timeout_s=0.2)
    (process,) = started
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    # Nothing half-made is taken for a result.
    assert synth(ADDER, "adder", parameters={"Width": 77}).lut_sites == 77


def test_results_are_cached_by_content(synth, tmp_path: Path, monkeypatch):
    text = ADDER.replace("Width = 8", "Width = 9")
    first = synth(text, "adder")
    monkeypatch.setattr(yosys, "_run", lambda *_: pytest.fail("synthesised again"))
    assert synth(text, "adder") == first
    # A node of another name with the same contents is the same node.
    assert synth(text.replace("adder", "adder_1"), "adder_1") == first
    for change in (
        lambda: synth(text.replace("+", "-"), "adder"),
        lambda: synth(text, "adder", parameters={"Width": 10}),
        lambda: synth(text, "adder", part="xcup"),
        lambda: synth(text, "adder", unused_ports=("b",)),
    ):
        with pytest.raises(pytest.fail.Exception):
            change()


def test_contents_of_memories_belong_to_the_key(synth, tmp_path: Path, monkeypatch):
    data = tmp_path / "words.dat"
    text = f"""
    module table_rom (input logic index, output logic [3:0] word);
      logic [3:0] words[2];
      initial $readmemh("{data}", words);
      assign word = words[index];
    endmodule
    """
    data.write_text("5\n5\n")
    assert synth(text, "table_rom").lut_sites == 0
    # The same contents elsewhere are found, other contents are not.
    monkeypatch.setattr(yosys, "_run", lambda *_: pytest.fail("synthesised again"))
    moved = tmp_path / "moved.dat"
    moved.write_text("5\n5\n")
    assert synth(text.replace(str(data), str(moved)), "table_rom").lut_sites == 0
    data.write_text("5\na\n")
    with pytest.raises(pytest.fail.Exception):
        synth(text, "table_rom")


def test_contents_named_by_their_start_belong_to_the_key(synth, tmp_path: Path, monkeypatch):
    text = f"""
    module two_roms (input logic index, output logic [1:0] word);
      for (genvar i = 0; i < 2; i++) begin : gen_rom
        logic words[2];
        initial $readmemh($sformatf("%s%0d.dat", "{tmp_path}/lane_", i), words);
        assign word[i] = words[index];
      end
    endmodule
    """
    for lane in range(2):
        (tmp_path / f"lane_{lane}.dat").write_text("1\n1\n")
    assert synth(text, "two_roms").lut_sites == 0
    monkeypatch.setattr(yosys, "_run", lambda *_: pytest.fail("synthesised again"))
    for lane in range(2):
        (tmp_path / f"other_{lane}.dat").write_text("1\n1\n")
    assert synth(text.replace("lane_", "other_"), "two_roms").lut_sites == 0
    (tmp_path / "lane_1.dat").write_text("1\n0\n")
    with pytest.raises(pytest.fail.Exception):
        synth(text, "two_roms")
