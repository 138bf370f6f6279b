`default_nettype none

/// The length that a frame's sequence had when the frame's first word came: what is written later
/// is for the next frame.
module frame_length #(
  parameter int unsigned Bits = 1
) (
  input  logic            clk_i,
  input  logic            at_start_i,  // before the frame's first word, or at it
  input  logic [Bits-1:0] length_i,
  output logic [Bits-1:0] length_o
);

  logic [Bits-1:0] length_q;

  assign length_o = at_start_i ? length_i : length_q;

  always_ff @(posedge clk_i) length_q <= length_o;

endmodule

`default_nettype wire
