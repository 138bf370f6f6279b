`default_nettype none

/// The length of the sequences that are under way, all of one: what is written meanwhile holds from
/// the first frame on that finds no other under way.
module frame_length #(
  parameter int unsigned Bits = 1,
  parameter int unsigned Frames = 255  // that may be under way, more than a pipeline has cycles
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  logic            begins_i,  // a frame, in this cycle
  input  logic            ends_i,
  input  logic [Bits-1:0] length_i,
  output logic [Bits-1:0] length_o
);

  localparam int unsigned CountBits = $clog2(Frames + 1);

  logic [CountBits-1:0] count_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) count_q <= '0;
    else count_q <= count_q + CountBits'(begins_i) - CountBits'(ends_i);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || (count_q == '0 && !begins_i)) length_o <= length_i;
  end

endmodule

`default_nettype wire
