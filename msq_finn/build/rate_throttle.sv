`default_nettype none

/// Lets `Words` words pass in every `Interval` cycles, evenly spread.
///
/// Put in front of a network while FIFOs are sized: the input then arrives at the rate of the
/// slowest layer, and what piles up in a FIFO is burstiness rather than a mere difference in speed.
module rate_throttle #(
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
  if (Words == 0 || Interval == 0) begin : gen_check
    $fatal(1, "Words = %0d, Interval = %0d: both must be positive", Words, Interval);
  end

  // A word costs Interval, every cycle earns Words. What a waiting network does not use is kept, so
  // that the mean rate holds; 64 bits of it do not run over.
  logic [63:0] credit_q, earned;
  logic open;

  assign earned = credit_q + 64'(Words);
  assign open = earned >= 64'(Interval);
  assign data_o = data_i;
  assign valid_o = valid_i && open;
  assign ready_o = ready_i && open;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) credit_q <= 64'(Interval);
    else credit_q <= valid_o && ready_i ? earned - 64'(Interval) : earned;
  end
endmodule

`default_nettype wire
