`default_nettype none

/// Ends a simulation in which a stream breaks AXI's rules: what is offered stays offered, and stays
/// the same, until it is taken.
module stream_check #(
  parameter Width = 8,
  /// Of the stream, for the message.
  parameter Name = "stream"
) (
  input logic clk_i,
  input logic rst_ni,
  input logic [Width-1:0] data_i,
  input logic valid_i,
  input logic ready_i
);
  // Whether the last word is still to be taken, and what it was.
  logic waiting_q;
  logic [Width-1:0] data_q;

  always_ff @(posedge clk_i) begin
    waiting_q <= rst_ni && valid_i && !ready_i;
    data_q <= data_i;
    if (rst_ni && waiting_q) begin
      if (!valid_i) $fatal(1, "%s: a word was withdrawn before it was taken", Name);
      else if (data_i !== data_q) $fatal(1, "%s: a word changed before it was taken", Name);
    end
  end
endmodule

`default_nettype wire
