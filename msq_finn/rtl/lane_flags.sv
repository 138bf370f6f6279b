`default_nettype none

/// Flags that travel beside the data: entry d belongs to the data that has passed d registers.
///
/// A row's sum stands, and done_o[Latency] is set, Latency cycles after its last operands.
module lane_flags #(
  parameter int unsigned Latency = 2
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               en_i,
  input  logic               fire_i,   // operands are there
  input  logic               first_i,  // of a sum
  input  logic               last_i,
  output logic [Latency:0]   valid_o,
  output logic [Latency:0]   first_o,
  output logic [Latency:0]   done_o
);

  assign valid_o[0] = fire_i;
  assign first_o[0] = first_i;
  assign done_o[0]  = fire_i && last_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o[Latency:1] <= '0;
      done_o[Latency:1]  <= '0;
    end else if (en_i) begin
      valid_o[Latency:1] <= valid_o[Latency-1:0];
      done_o[Latency:1]  <= done_o[Latency-1:0];
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i) first_o[Latency:1] <= first_o[Latency-1:0];
  end

endmodule

`default_nettype wire
