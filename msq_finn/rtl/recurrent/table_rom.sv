`default_nettype none

/// A function of a small integer as it travels, from a table. One cycle.
module table_rom #(
  parameter int unsigned InBits = 8,
  parameter int unsigned OutBits = 8,
  parameter bit [2**InBits-1:0][OutBits-1:0] Table = '0
) (
  input  logic               clk_i,
  input  logic               en_i,
  input  logic [InBits-1:0]  index_i,
  output logic [OutBits-1:0] value_o
);

  always_ff @(posedge clk_i) begin
    if (en_i) value_o <= Table[index_i];
  end

endmodule

`default_nettype wire
