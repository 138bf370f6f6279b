`default_nettype none

/// Where a reader or a writer of words is: which part of a row, and which row; behind the last one
/// it begins anew.
module row_counter #(
  parameter int unsigned Rows = 1,
  parameter int unsigned Parts = 1,

  localparam int unsigned RowBits = Rows > 1 ? $clog2(Rows) : 1,
  localparam int unsigned PartBits = Parts > 1 ? $clog2(Parts) : 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                next_i,
  output logic [RowBits-1:0]  row_o,
  output logic [PartBits-1:0] part_o
);

  logic last_part;

  assign last_part = part_o == PartBits'(Parts - 1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_o  <= '0;
      part_o <= '0;
    end else if (next_i) begin
      part_o <= last_part ? '0 : part_o + 1'b1;
      if (last_part) row_o <= row_o == RowBits'(Rows - 1) ? '0 : row_o + 1'b1;
    end
  end

endmodule

`default_nettype wire
