`default_nettype none

/// Flags that travel beside the data: entry d belongs to the data that has passed d registers.
///
/// A row's sum stands in its accumulator, and done_o[Depth + 1] is set, Depth + 1 cycles after its
/// last operands.
module lane_flags #(
  parameter int unsigned Depth = 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             en_i,
  input  logic             fire_i,   // operands are there
  input  logic             first_i,  // of a sum
  input  logic             last_i,
  output logic [Depth:0]   valid_o,
  output logic [Depth:0]   first_o,
  output logic [Depth+1:0] done_o
);

  assign valid_o[0] = fire_i;
  assign first_o[0] = first_i;
  assign done_o[0]  = fire_i && last_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o[Depth:1]  <= '0;
      done_o[Depth+1:1] <= '0;
    end else if (en_i) begin
      valid_o[Depth:1]  <= valid_o[Depth-1:0];
      done_o[Depth+1:1] <= done_o[Depth:0];
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i) first_o[Depth:1] <= first_o[Depth-1:0];
  end

endmodule

`default_nettype wire
