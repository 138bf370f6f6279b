`default_nettype none

/// Hands every word to each of Outputs consumers, who take it in their own time.
///
/// All outputs share one data register and keep a flag each for "not yet taken", so that no valid
/// depends on any ready, and no consumer sees a word twice. The next word follows when all have
/// taken.
module stream_duplicate #(
  parameter int unsigned Width = 8,
  parameter int unsigned Outputs = 2
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic [Width-1:0]   in_data_i,
  input  logic               in_valid_i,
  output logic               in_ready_o,

  output logic [Width-1:0]   out_data_o,
  output logic [Outputs-1:0] out_valid_o,
  input  logic [Outputs-1:0] out_ready_i
);

  if (Outputs == 0) begin : gen_check_outputs
    $fatal(1, "Outputs = 0: must be at least 1");
  end

  logic [Outputs-1:0] waiting;

  assign waiting    = out_valid_o & ~out_ready_i;
  assign in_ready_o = waiting == '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      out_valid_o <= '0;
    end else begin
      out_valid_o <= in_ready_o ? {Outputs{in_valid_i}} : waiting;
    end
  end

  always_ff @(posedge clk_i) begin
    if (in_ready_o) out_data_o <= in_data_i;
  end

endmodule

`default_nettype wire
