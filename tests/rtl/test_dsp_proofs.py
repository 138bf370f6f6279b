"""Proofs by SAT (Yosys) that rows which share a DSP do not touch each other."""

import harness
import pytest
from test_proofs import assert_proved, prove


def separation(weight_bits: int, act_bits: int, signed: int, lanes: int, chain: int = 2) -> str:
    """A module whose `ok` says that every lane's sum of products can be read off."""
    total = " + ".join(f"product(weights[k][{e}], acts[{e}])" for e in range(chain))
    return f"""
module proof (
  input logic clk,
  input logic [{lanes - 1}:0][{chain - 1}:0][{weight_bits - 1}:0] weights,
  input logic [{chain - 1}:0][{act_bits - 1}:0] acts,
  output logic ok
);
  localparam bit Apart = msq_pkg::dsp_apart(1, {weight_bits}, {act_bits}, {signed}, {chain});
  localparam int Spacing =
      msq_pkg::dsp_spacing(1, {weight_bits}, {act_bits}, {signed}, {chain});
  logic [{lanes - 1}:0][Spacing-1:0] fields;
  logic [{lanes - 1}:0][1:0] carries;
  logic signed [{lanes - 1}:0][{chain + 1}:0][19:0] sums;
  logic signed [{lanes - 1}:0][19:0] found;
  logic [{chain + 1}:0] legal = '0;
  logic [{lanes - 1}:0][{chain - 1}:0][{weight_bits - 1}:0] late_weights;
  logic [{chain - 1}:0][{act_bits - 1}:0] late_acts;

  for (genvar e = 0; e < {chain}; e++) begin : gen_wait
    delay_line #(.Width({act_bits}), .Cycles(e > 1 ? e - 1 : 0)) u_act (
      .clk_i(clk), .en_i(1'b1), .data_i(acts[e]), .data_o(late_acts[e]));
    for (genvar k = 0; k < {lanes}; k++) begin : gen_weight
      delay_line #(.Width({weight_bits}), .Cycles(e > 1 ? e - 1 : 0)) u_weight (
        .clk_i(clk), .en_i(1'b1), .data_i(weights[k][e]), .data_o(late_weights[k][e]));
    end
  end

  dsp_chain #(
    .Lanes({lanes}), .Chain({chain}), .Elements({chain}),
    .WeightBits({weight_bits}), .ActBits({act_bits}), .ActSigned({signed})
  ) dut (
    .clk_i(clk), .en_i(1'b1), .weights_i(late_weights), .acts_i(late_acts),
    .fields_o(fields), .carries_o(carries)
  );

  function automatic logic signed [19:0] product(
      logic [{weight_bits - 1}:0] w, logic [{act_bits - 1}:0] a);
    return 20'($signed(w)) * $signed({{{{{20 - act_bits}{{1'b{signed} & a[{act_bits - 1}]}}}}, a}});
  endfunction

  always_ff @(posedge clk) begin
    legal <= {{legal[{chain}:0], 1'b1}};
    for (int k = 0; k < {lanes}; k++) begin
      sums[k] <= {{sums[k][{chain}:0], {total}}};
      for (int e = 0; e < {chain}; e++) begin
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
      if (legal[{chain + 1}] && found[k] != sums[k][{chain + 1}]) ok = 1'b0;
    end
  end
endmodule
"""


# Lanes on one port at the smallest widths: fields that share bits, and fields apart.
@pytest.mark.parametrize(
    ("weight_bits", "act_bits", "signed", "lanes", "chain"),
    [
        (3, 2, 0, 2, 2),
        (3, 2, 1, 2, 2),
        (6, 2, 0, 2, 2),
        (3, 2, 1, 2, 3),
        pytest.param(5, 4, 0, 2, 2, marks=pytest.mark.slow),
        pytest.param(3, 2, 0, 3, 2, marks=pytest.mark.slow),
        pytest.param(4, 3, 0, 2, 2, marks=pytest.mark.slow),
    ],
)
def test_sums_of_a_chain(weight_bits, act_bits, signed, lanes, chain, tmp_path):
    proof = separation(weight_bits, act_bits, signed, lanes, chain)
    assert_proved(prove(tmp_path, proof, sequential=True))


def test_a_proof_fails_where_a_field_is_a_bit_too_narrow(tmp_path):
    sources = harness.broken("msq_pkg.sv", "$clog2(chain) + 1", "$clog2(chain)", tmp_path)
    run = prove(tmp_path, separation(6, 2, 0, 2), sequential=True, rtl=sources)
    assert run.returncode != 0
    assert "proof did fail" in run.stdout + run.stderr
