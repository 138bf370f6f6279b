"""Proofs by SAT (Yosys) that rows which share a DSP do not touch each other."""

import harness
import pytest
from test_proofs import assert_proved, prove


def separation(weight_bits: int, act_bits: int, signed: int, lanes: int) -> str:
    """A module whose `ok` says that every lane's sum of two products can be read off."""
    return f"""
module proof (
  input logic clk,
  input logic [{lanes - 1}:0][1:0][{weight_bits - 1}:0] weights,
  input logic [1:0][{act_bits - 1}:0] acts,
  output logic ok
);
  localparam bit Apart = msq_pkg::dsp_apart(1, {weight_bits}, {act_bits}, {signed});
  localparam int Spacing = msq_pkg::dsp_spacing(1, {weight_bits}, {act_bits}, {signed});
  logic [{lanes - 1}:0][Spacing-1:0] fields;
  logic [{lanes - 1}:0][1:0] carries;
  logic signed [{lanes - 1}:0][3:0][19:0] sums;
  logic signed [{lanes - 1}:0][19:0] found;
  logic [3:0] legal = '0;

  dsp_pair #(
    .Lanes({lanes}), .WeightBits({weight_bits}), .ActBits({act_bits}), .ActSigned({signed})
  ) dut (
    .clk_i(clk), .en_i(1'b1), .weights_i(weights), .acts_i(acts),
    .fields_o(fields), .carries_o(carries)
  );

  function automatic logic signed [19:0] product(
      logic [{weight_bits - 1}:0] w, logic [{act_bits - 1}:0] a);
    return 20'($signed(w)) * $signed({{{{{20 - act_bits}{{1'b{signed} & a[{act_bits - 1}]}}}}, a}});
  endfunction

  always_ff @(posedge clk) begin
    legal <= {{legal[2:0], 1'b1}};
    for (int k = 0; k < {lanes}; k++) begin
      sums[k] <= {{
        sums[k][2:0], product(weights[k][0], acts[0]) + product(weights[k][1], acts[1])}};
      for (int e = 0; e < 2; e++) begin
        if (weights[k][e] == {1 << (weight_bits - 1)}) legal[0] <= 1'b0;
      end
    end
  end

  always_comb begin
    ok = 1'b1;
    for (int k = 0; k < {lanes}; k++) begin
      if (Apart) found[k] = 20'(fields[k]) - 20'(1 << (Spacing - 1));
      else begin
        found[k] = 20'(fields[k]) + ((20'(carries[k]) - 20'd2) << Spacing);
        if (k > 0) found[k] -= 20'(carries[k-1]) - 20'd2;
      end
      if (legal[3] && found[k] != sums[k][3]) ok = 1'b0;
    end
  end
endmodule
"""


# Lanes on one port at the smallest widths: fields that share bits, and fields apart.
@pytest.mark.parametrize(
    ("weight_bits", "act_bits", "signed", "lanes"),
    [
        (3, 2, 0, 2),
        (3, 2, 1, 2),
        (6, 2, 0, 2),
        pytest.param(5, 4, 0, 2, marks=pytest.mark.slow),
        pytest.param(3, 2, 0, 3, marks=pytest.mark.slow),
        pytest.param(4, 3, 0, 2, marks=pytest.mark.slow),
    ],
)
def test_sums_of_two_products(weight_bits, act_bits, signed, lanes, tmp_path):
    proof = separation(weight_bits, act_bits, signed, lanes)
    assert_proved(prove(tmp_path, proof, sequential=True))


def test_a_proof_fails_where_a_field_is_a_bit_too_narrow(tmp_path):
    sources = []
    for path in harness.rtl_sources():
        text = path.read_text()
        if path.name == "msq_pkg.sv":
            assert text.count("act_bits, act_signed) ? 2 : 0)") == 1
            text = text.replace("act_bits, act_signed) ? 2 : 0)", "act_bits, act_signed) ? 1 : 0)")
        copy = tmp_path / path.name
        copy.write_text(text)
        sources.append(copy)
    run = prove(tmp_path, separation(6, 2, 0, 2), sequential=True, rtl=sources)
    assert run.returncode != 0
    assert "proof did fail" in run.stdout + run.stderr
