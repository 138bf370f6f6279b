"""Proofs by SAT (Yosys) that row generators, compressor and accumulator compute what they state."""

from pathlib import Path

import harness
import mvau
import numpy as np
import pytest

from msq_finn import lanes
from msq_finn.lanes.hardware import kind_parameter, literal
from tests import yosys

# Weights by hand: SP2(4) {sign, q1 of 0, 1, 2, 4, q2 of 0, 4}; two's complement as it is.
SP2_WEIGHT = """
  logic signed [15:0] magnitude, w;
  always_comb begin
    case (code[2:0])
      3'd0: magnitude = 0;
      3'd1: magnitude = 4;
      3'd2: magnitude = 1;
      3'd3: magnitude = 5;
      3'd4: magnitude = 2;
      3'd5: magnitude = 6;
      3'd6: magnitude = 4;
      default: magnitude = 8;
    endcase
    w = code[3] ? -magnitude : magnitude;
  end
"""
FIXED_WEIGHT = "  logic signed [15:0] w;\n  assign w = 16'($signed(code));\n"
# A complemented row adds its range less one, of a two's complement only -1; an inverted top bit
# half the range.
SP2_CONSTANT = "code[3] ? 5 * {minus_one} + {wrap} * (4 + 4) * 2 ** A : 0"
FIXED_CONSTANT = (
    "(code[1] ? {minus_one} + {wrap} * 2 ** (A + 1) : 0)"
    " + (code[3] && code[2:1] != 3 ? 4 * {minus_one} + {wrap} * 4 * 2 ** (A + 1) : 0)"
)


def prove(tmp_path: Path, top: str, *, sequential: bool = False, rtl: list[Path] | None = None):
    """Run a proof that `ok` of module `proof` is always 1; returns the finished process."""
    file = tmp_path / "proof.sv"
    file.write_text(top)
    sources = [*(rtl or harness.rtl_sources()), harness.PRIMITIVES, file]
    method = "-tempinduct" if sequential else "-show-inputs"
    return yosys.run(
        yosys.read("proof", sources),
        "prep -flatten -top proof",
        "memory_map",
        f"sat -verify {method} -prove ok 1 proof",
        cwd=tmp_path,
    )


def assert_proved(run) -> None:
    assert run.returncode == 0, (run.stdout + run.stderr)[-3000:]
    assert "SUCCESS!" in run.stdout


def row_proof(kind: str, act_bits: int, signed: bool) -> str:
    module, weight, constant, low, high = {
        "sp2": ("sp2_4_rows", SP2_WEIGHT, SP2_CONSTANT, act_bits + 2, act_bits),
        "booth": ("booth_4_rows", FIXED_WEIGHT, FIXED_CONSTANT, act_bits + 1, act_bits + 1),
    }[kind]
    constant = constant.format(minus_one="(-1)", wrap=int(not signed))
    bias = 2 ** (low - 1) + 4 * 2 ** (high - 1) if signed else 0
    return f"""
module proof (input logic [3:0] code, input logic [{act_bits - 1}:0] act, output logic ok);
  localparam int A = {act_bits};
{weight}
  logic [{low - 1}:0] low;
  logic [{high - 1}:0] high;
  logic signed [31:0] a, constant;
  assign a = {"32'($signed(act))" if signed else "$signed(32'(act))"};
  assign constant = {constant};
  {module} #(.ActBits(A), .ActSigned({int(signed)})) dut (
    .code_i(code), .act_i(act), .low_o(low), .high_o(high));
  assign ok = $signed(32'(low)) + 4 * $signed(32'(high)) == 32'(w) * a + constant + {bias};
endmodule
"""


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("act_bits", [2, 3, 4, 8])
@pytest.mark.parametrize("kind", ["sp2", "booth"])
def test_row_generator_for_all_codes_and_activations(kind, act_bits, signed, tmp_path):
    assert_proved(prove(tmp_path, row_proof(kind, act_bits, signed)))


KINDS = mvau.OWN | mvau.OTHERS


FABRICS = ("Portable", "Series7", "UltraScale")


def product_proof(name: str, act_bits: int, signed: bool, fabric: str) -> str:
    """All rows of a product add up to it and the golden model's constant, for every code."""
    kind = KINDS[name]
    codes = np.arange(1 << kind.bits)
    golden = {"sp2_4": "sp2", "fixed_4": "booth"}.get(name, name)
    constants = mvau.alpha(golden, codes, act_bits, signed)
    short = [(base, added) for base, added in kind.rows if added != 6]
    bias = sum(1 << act_bits - 1 + base + added for base, added in short) if signed else 0
    cases = "\n".join(
        f"      {code}: begin w = {kind.values[code]}; constant = {constants[code] + bias}; end"
        for code in codes
        # The lowest number does not occur in two's complement.
        if not (name.startswith("fixed") and code == 1 << kind.bits - 1)
    )
    rows = " + ".join(f"$signed(32'(rows[{r}]))" for r in range(len(kind.rows)))
    return f"""
module proof (input logic [{kind.bits - 1}:0] code, input logic [{act_bits - 1}:0] act,
              output logic ok);
  logic signed [31:0] a, w, constant;
  logic known;
  logic [{len(kind.rows) - 1}:0][19:0] rows;
  assign a = {"32'($signed(act))" if signed else "$signed(32'(act))"};
  product_rows #(.Kind({literal(kind_parameter(lanes.get(f"{name}_lut")))}),
    .ActBits({act_bits}), .ActSigned({int(signed)}), .Width(20),
    .Fabric(msq_pkg::{fabric})) dut (
    .code_i(code), .act_i(act), .rows_o(rows));
  always_comb begin
    known = 1;
    w = 0;
    constant = 0;
    case (code)
{cases}
      default: known = 0;
    endcase
  end
  assign ok = !known || {rows} == w * a + constant;
endmodule
"""


# The rows of the first two kinds are placed by hand in modules of their own, proved above.
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    ("name", "fabric"),
    [*((name, "Portable") for name in KINDS), ("pot_4", "Series7"), ("sp2_6", "Series7")],
)
def test_rows_of_a_product_for_all_codes_and_activations(name, signed, fabric, tmp_path):
    assert_proved(prove(tmp_path, product_proof(name, 4, signed, fabric)))


@pytest.mark.parametrize("fabric", FABRICS)
def test_compressor_of_six_columns(fabric, tmp_path):
    assert_proved(
        prove(
            tmp_path,
            f"""
module proof (input logic [5:0] a, b, c, d, output logic ok);
  logic [6:0] s;
  logic [5:0] m;
  row_compressor #(.Width(6), .Fabric(msq_pkg::{fabric})) dut (
    .a_i(a), .b_i(b), .c_i(c), .d_i(d), .s_o(s), .m_o(m));
  assign ok = 8'(a) + 8'(b) + 8'(c) + 8'(d) == 8'(s) + 8'(2) * 8'(m);
endmodule
""",
        )
    )


# Two parts of 16 and 2 columns, against one addition a cycle, both kept for the longer latency.
ACCUMULATOR = """
module proof (input logic clk, en, valid, first, input logic [17:0] s, m, output logic ok);
  localparam logic [17:0] Start = 18'h2A7C7;
  logic [17:0] acc, sum, expected;
  logic [2:0] moved = 0;
  logic started = 0;
  accumulator #(.Width(18), .Start(Start), .Fabric(msq_pkg::{fabric})) dut (
    .clk_i(clk), .en_i(en), .valid_i(valid), .first_i(first), .s_i(s), .m_i(m), .acc_o(acc));
  always_ff @(posedge clk) begin
    if (en) begin
      moved <= moved << 1 | 3'd1;
      if (valid) sum <= s + m + (first ? Start : sum);
      expected <= sum;
    end
    // Sums are known from the first one's start on.
    if (en && valid && first) started <= 1;
    if (!started) moved <= 0;
  end
  assign ok = !moved[2] || acc == expected;
endmodule
"""


@pytest.mark.parametrize("fabric", FABRICS)
def test_accumulator_of_two_parts(fabric, tmp_path):
    assert_proved(prove(tmp_path, ACCUMULATOR.format(fabric=fabric), sequential=True))


# Against a sum of all planes at their places, which is halved where a plane starts. Of a first sum,
# the lower bits are known once halving has filled them. What waits to be added is nothing that an
# induction could see: there, words are added without a stop.
PLANES = """
module proof (input logic clk, go, valid, first, begins, input logic [2:0] s, m, output logic ok);
  localparam bit Every = {every};
  logic [7:0] acc, sum, previous, now;
  logic [1:0] known = 0, previous_known = 0, now_known;  // 1: all but the lowest two, 3: all bits
  logic start, en;
  assign en        = go || !Every;
  assign start     = Every || begins || first;
  assign now       = Every ? sum : previous;
  assign now_known = Every ? known : previous_known;
  plane_accumulator #(.Width(6), .Planes(3), .TreeBits(4), .EveryStarts(Every),
    .Fabric(msq_pkg::{fabric})) dut (
    .clk_i(clk), .en_i(en), .valid_i(valid), .first_i(first), .start_i(start),
    .s_i(4'(s)), .m_i(4'(m)), .acc_o(acc));
  always_ff @(posedge clk) begin
    if (en && valid) begin
      sum <= (8'(s) + 8'(m) << 2) + (first ? 8'(sum[2:1]) : start ? sum >> 1 : sum);
      if (known == 0 ? first : start && known < 3) known <= known + 1;
    end
    if (en) begin
      previous <= sum;
      previous_known <= known;
    end
  end
  assign ok = (now_known == 0 || acc[7:2] == now[7:2]) && (now_known < 2 || acc[1] == now[1])
      && (now_known < 3 || acc[0] == now[0]);
endmodule
"""


@pytest.mark.parametrize("every", [0, 1])
@pytest.mark.parametrize("fabric", FABRICS)
def test_accumulator_of_planes(fabric, every, tmp_path):
    top = PLANES.format(fabric=fabric, every=every)
    assert_proved(prove(tmp_path, top, sequential=True))


TWO_PARTS, SERIES7 = ACCUMULATOR.format(fabric="Series7"), {"fabric": "Series7"}


@pytest.mark.parametrize(
    ("top", "file", "good", "bad"),
    [
        (TWO_PARTS, "accumulator_columns.sv", "8'hE8", "8'hE9"),
        (TWO_PARTS, "accumulator.sv", ".carries_i(carries[k])", ".carries_i(carries_out)"),
        (PLANES.format(every=0, **SERIES7), "plane_accumulator.sv", "32'hFF35", "32'hFF34"),
        (PLANES.format(every=1, **SERIES7), "plane_accumulator.sv", "{acc_q[0],", "{acc_q[1],"),
    ],
    ids=["majority", "carries", "choice of a column", "bit that halving drops"],
)
def test_a_proof_fails_on_a_fault(top, file, good, bad, tmp_path):
    sources = []
    for path in harness.rtl_sources():
        text = path.read_text()
        if path.name == file:
            assert good in text
            text = text.replace(good, bad)
        copy = tmp_path / path.name
        copy.write_text(text)
        sources.append(copy)
    run = prove(tmp_path, top, sequential=True, rtl=sources)
    assert run.returncode != 0
    assert "proof did fail" in run.stdout + run.stderr
