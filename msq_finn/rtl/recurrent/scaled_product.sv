`default_nettype none

/// The product of two integers, on another scale. Four cycles.
module scaled_product #(
  parameter int unsigned LhsBits = 8,  // two's complement, as is the other
  parameter int unsigned RhsBits = 8,
  parameter int unsigned FactorBits = 8,
  parameter int unsigned OffsetBits = 8,
  parameter bit [FactorBits-1:0] Factor = '0,
  parameter bit [OffsetBits-1:0] Offset = '0,
  parameter int unsigned Shift = 1,
  parameter int signed Low = -128,
  parameter int signed High = 127,
  parameter int unsigned OutBits = 8
) (
  input  logic                      clk_i,
  input  logic                      en_i,
  input  logic signed [LhsBits-1:0] lhs_i,
  input  logic signed [RhsBits-1:0] rhs_i,
  output logic [OutBits-1:0]        level_o
);

  localparam int unsigned Bits = LhsBits + RhsBits;

  logic signed [Bits-1:0] product_q;

  always_ff @(posedge clk_i) begin
    if (en_i) product_q <= Bits'(lhs_i) * Bits'(rhs_i);
  end

  scale_round #(
    .InBits    (Bits),
    .FactorBits(FactorBits),
    .OffsetBits(OffsetBits),
    .Shift     (Shift),
    .Low       (Low),
    .High      (High),
    .OutBits   (OutBits)
  ) u_scale (
    .clk_i,
    .en_i,
    .value_i (product_q),
    .factor_i(Factor),
    .offset_i(Offset),
    .level_o
  );

endmodule

`default_nettype wire
