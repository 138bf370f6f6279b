`default_nettype none

/// The sum of two integers on one scale, clipped. One cycle.
module clipped_sum #(
  parameter int unsigned Bits = 8,  // of either, two's complement, and of the sum
  parameter int signed Low = -128,
  parameter int signed High = 127
) (
  input  logic                   clk_i,
  input  logic                   en_i,
  input  logic signed [Bits-1:0] lhs_i,
  input  logic signed [Bits-1:0] rhs_i,
  output logic signed [Bits-1:0] sum_o
);

  logic signed [Bits:0] sum;

  assign sum = (Bits + 1)'(lhs_i) + (Bits + 1)'(rhs_i);

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      sum_o <= int'(sum) < Low ? Bits'(Low) : int'(sum) > High ? Bits'(High) : Bits'(sum);
    end
  end

endmodule

`default_nettype wire
