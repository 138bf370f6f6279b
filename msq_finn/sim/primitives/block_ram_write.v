// What a port of a block RAM writes into a row that is wider than it: the bits, and which they are.
module msq_block_ram_write #(
  parameter integer ROW = 16,   // bits of data in a row, parity comes on top
  parameter integer WIDTH = 8,  // bits of data that the port writes; 0: none
  parameter integer LOG = $clog2(ROW)
) (
  input  wire [7:0]             enable,  // one a byte
  input  wire [LOG-1:0]         address,
  input  wire [63:0]            data,
  input  wire [7:0]             parity,
  output wire [ROW+ROW/8-1:0]   bits, mask
);
  localparam integer STEP = WIDTH < 1 ? 1 : WIDTH;

  wire [LOG-1:0] first = address & ~(STEP[LOG-1:0] - 1'b1);
  wire [63:0] enabled = {{8{enable[7]}}, {8{enable[6]}}, {8{enable[5]}}, {8{enable[4]}},
                         {8{enable[3]}}, {8{enable[2]}}, {8{enable[1]}}, {8{enable[0]}}};
  wire [63:0] used = enabled & ~({64{1'b1}} << WIDTH);
  wire [7:0] used_parity = WIDTH < 8 ? 8'b0 : enable & ~(8'hFF << WIDTH / 8);

  // Shifted within a row: first is a multiple of the port's width.
  assign mask = {used_parity[ROW/8-1:0] << (first >> 3), used[ROW-1:0] << first};
  assign bits = {parity[ROW/8-1:0] << (first >> 3), data[ROW-1:0] << first};
endmodule
