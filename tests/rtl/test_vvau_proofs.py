"""Proofs by SAT (Yosys) that channels which share a DSP do not touch each other."""

import harness
import pytest
from test_proofs import assert_proved, prove


def separation(act_bits: int, weight_bits: int, window: int) -> str:
    """A module whose `ok` says that both sums are right, for up to `window` products a sum."""
    return f"""
module proof (
  input logic clk, first,
  input logic [1:0][{weight_bits - 1}:0] weights,
  input logic [1:0][{act_bits - 1}:0] acts,
  output logic ok
);
  logic [1:0][19:0] acc, product_q, product_qq, sum_q;
  logic first_q, first_qq, legal_q = 0, legal_qq = 0, sound_q = 0;
  logic [3:0] count_q = 0;

  dsp_channels #(
    .Window({window}), .ActBits({act_bits}), .WeightBits({weight_bits}), .AccBits(20)
  ) dut (
    .clk_i(clk), .en_i(1'b1), .weights_i(weights), .acts_i(acts),
    .acc_valid_i(1'b1), .acc_first_i(first_qq), .acc_o(acc)
  );

  // A sum is claimed from its first product on, while weights are narrow and products few enough.
  always_ff @(posedge clk) begin
    for (int c = 0; c < 2; c++) begin
      product_q[c] <= 20'(32'($signed(weights[c])) * $signed(32'(acts[c])));
      sum_q[c] <= product_qq[c] + (first_qq ? 20'd0 : sum_q[c]);
    end
    product_qq <= product_q;
    first_q <= first;
    first_qq <= first_q;
    legal_q <= weights[0] != {1 << (weight_bits - 1)} && weights[1] != {1 << (weight_bits - 1)};
    legal_qq <= legal_q;
    sound_q <= legal_qq && (first_qq || (sound_q && count_q < {window}));
    count_q <= first_qq ? 1 : count_q == 15 ? 15 : count_q + 1;
  end
  assign ok = !sound_q || acc == sum_q;
endmodule
"""


def test_sums_of_two_products(tmp_path):
    assert_proved(prove(tmp_path, separation(4, 5, 2), sequential=True))


@pytest.mark.slow
def test_sums_of_a_3x3_window(tmp_path):
    assert_proved(prove(tmp_path, separation(4, 5, 9), sequential=True))


def test_a_proof_fails_without_room_for_the_cross_products(tmp_path):
    sources = []
    for path in harness.rtl_sources():
        text = path.read_text()
        if path.name == "msq_pkg.sv":
            assert text.count("return $clog2(4 * window") == 1
            text = text.replace("return $clog2(4 * window", "return $clog2(2 * window")
        copy = tmp_path / path.name
        copy.write_text(text)
        sources.append(copy)
    run = prove(tmp_path, separation(2, 4, 2), sequential=True, rtl=sources)
    assert run.returncode != 0
    assert "proof did fail" in run.stdout + run.stderr
