`default_nettype none

/// Lets the words of a new frame pass no earlier than `Interval` cycles after the frame before it.
///
/// Put in front of a network while FIFOs are sized: the input then arrives at the rate of the slowest
/// layer, and what piles up in a FIFO is burstiness rather than a mere difference in speed.
module frame_throttle #(
  parameter int unsigned Width = 8,
  parameter int unsigned Words = 1,
  parameter int unsigned Interval = 1
) (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic [Width-1:0] data_i,
  input  logic valid_i,
  output logic ready_o,
  output logic [Width-1:0] data_o,
  output logic valid_o,
  input  logic ready_i
);
  logic [31:0] word_q, wait_q;
  logic open;

  assign open = word_q != 0 || wait_q == 0;
  assign data_o = data_i;
  assign valid_o = valid_i && open;
  assign ready_o = ready_i && open;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      word_q <= 0;
      wait_q <= 0;
    end else begin
      if (wait_q != 0) wait_q <= wait_q - 1;
      if (valid_o && ready_i) begin
        if (word_q == 0) wait_q <= Interval - 1;
        word_q <= word_q == Words - 1 ? 0 : word_q + 1;
      end
    end
  end
endmodule

`default_nettype wire
