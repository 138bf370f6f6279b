`default_nettype none

/// An integer on another scale: (value * factor + offset) >> Shift, a half to the even integer,
/// then clipped. Three cycles.
///
/// The offset holds the half that is added, so that a fraction of 0 is what was a half.
module scale_round #(
  parameter int unsigned InBits = 8,      // two's complement
  parameter int unsigned FactorBits = 8,  // unsigned
  parameter int unsigned OffsetBits = 8,  // two's complement
  parameter int unsigned Shift = 1,
  parameter int signed Low = -128,
  parameter int signed High = 127,
  parameter int unsigned OutBits = 8
) (
  input  logic                         clk_i,
  input  logic                         en_i,
  input  logic signed [InBits-1:0]     value_i,
  input  logic [FactorBits-1:0]        factor_i,
  input  logic signed [OffsetBits-1:0] offset_i,
  output logic [OutBits-1:0]           level_o
);

  if (Shift == 0) begin : gen_check_shift
    $fatal(1, "Shift = 0: the half that is added needs a bit");
  end

  localparam int unsigned ProductBits = InBits + FactorBits + 1;
  localparam int unsigned SumBits = (ProductBits > OffsetBits ? ProductBits : OffsetBits) + 1;
  // A level and one more than the limits, of either sign.
  localparam int unsigned LevelBits = SumBits > Shift + 34 ? SumBits - Shift : 34;

  logic signed [ProductBits-1:0] product_q;
  logic signed [OffsetBits-1:0]  offset_q;
  logic signed [SumBits-1:0]     sum_q;
  logic signed [LevelBits-1:0]   above, level;
  logic                          half;

  assign above = LevelBits'(sum_q >>> Shift);
  assign half  = sum_q[Shift-1:0] == '0;
  assign level = half && above[0] ? above - 1'b1 : above;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      product_q <= ProductBits'(value_i) * ProductBits'(signed'({1'b0, factor_i}));
      offset_q  <= offset_i;
      sum_q     <= SumBits'(product_q) + SumBits'(offset_q);
      level_o   <= level < LevelBits'(Low) ? OutBits'(Low)
                 : level > LevelBits'(High) ? OutBits'(High) : level[OutBits-1:0];
    end
  end

endmodule

`default_nettype wire
