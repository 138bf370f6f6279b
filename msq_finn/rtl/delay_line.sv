`default_nettype none

/// A word delayed by a number of enabled cycles, none included.
module delay_line #(
  parameter int unsigned Width = 8,
  parameter int unsigned Cycles = 1
) (
  input  logic             clk_i,
  input  logic             en_i,
  input  logic [Width-1:0] data_i,
  output logic [Width-1:0] data_o
);

  logic [Cycles:0][Width-1:0] stage;

  assign stage[0] = data_i;
  assign data_o   = stage[Cycles];

  for (genvar k = 0; k < Cycles; k++) begin : gen_stage
    always_ff @(posedge clk_i) begin
      if (en_i) stage[k+1] <= stage[k];
    end
  end

endmodule

`default_nettype wire
