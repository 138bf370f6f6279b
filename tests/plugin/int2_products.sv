`default_nettype none

/// The partial product of a two-bit weight: bit 0 lets the activation through, bit 1 complements.
module int2_products #(
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned Width = 10
) (
  input  logic [1:0]              code_i,
  input  logic [ActBits-1:0]      act_i,
  output logic [0:0][Width-1:0]   rows_o
);

  logic [ActBits-1:0] row;

  assign row    = (act_i & {ActBits{code_i[0]}}) ^ {ActBits{code_i[1]}};
  assign rows_o = Width'(row ^ {ActSigned, {(ActBits - 1) {1'b0}}});

endmodule

`default_nettype wire
