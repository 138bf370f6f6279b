`default_nettype none

/// A lane's sum, kept for the cycles that deeper lanes still take.
///
/// done_i marks a finished sum, and comes every Interval cycles at most: one register holds the sum
/// where that is long enough, else it takes one for every cycle.
module sum_align #(
  parameter int unsigned Width = 16,
  parameter int unsigned Cycles = 1,
  parameter int unsigned Interval = 1
) (
  input  logic             clk_i,
  input  logic             en_i,
  input  logic             done_i,
  input  logic [Width-1:0] sum_i,
  output logic [Width-1:0] sum_o
);

  if (Cycles > 1 && Cycles <= Interval) begin : gen_hold
    always_ff @(posedge clk_i) begin
      if (en_i && done_i) sum_o <= sum_i;
    end
  end else begin : gen_delay
    delay_line #(
      .Width (Width),
      .Cycles(Cycles)
    ) u_delay (
      .clk_i,
      .en_i,
      .data_i(sum_i),
      .data_o(sum_o)
    );
  end

endmodule

`default_nettype wire
