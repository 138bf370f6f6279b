`default_nettype none

/// The state of a layer: written in order, and read in order by two readers, each with words of its
/// own size. Whoever is at the end begins anew.
///
/// Elements lie side by side in as many memories as writer and first reader can both divide.
module state_store #(
  parameter int unsigned Elements = 8,
  parameter int unsigned Bits = 8,
  parameter int unsigned WriteWord = 1,  // elements that are written, and read again, at once
  parameter int unsigned ReadWord = 1    // elements that the first reader takes at once
) (
  input  logic                           clk_i,
  input  logic                           rst_ni,

  input  logic                           write_i,
  input  logic [WriteWord-1:0][Bits-1:0] data_i,

  input  logic                           read_i,   // the word has been taken
  output logic [ReadWord-1:0][Bits-1:0]  read_o,

  input  logic                           again_i,  // the second reader's has been taken
  output logic [WriteWord-1:0][Bits-1:0] again_o
);

  function automatic int unsigned gcd(int unsigned a, int unsigned b);
    int unsigned rest;
    while (b != 0) begin
      rest = a % b;
      a    = b;
      b    = rest;
    end
    return a;
  endfunction

  localparam int unsigned Banks = WriteWord * ReadWord / gcd(WriteWord, ReadWord);
  localparam int unsigned Depth = Elements / Banks;
  localparam int unsigned AddressBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam int unsigned WriteParts = Banks / WriteWord;
  localparam int unsigned ReadParts = Banks / ReadWord;
  localparam int unsigned WritePartBits = WriteParts > 1 ? $clog2(WriteParts) : 1;
  localparam int unsigned ReadPartBits = ReadParts > 1 ? $clog2(ReadParts) : 1;

  if (Elements % Banks != 0) begin : gen_check_words
    $fatal(1, "%0d elements in words of %0d and %0d", Elements, WriteWord, ReadWord);
  end

  logic [AddressBits-1:0]   write_row_q, read_row_q, again_row_q;
  logic [WritePartBits-1:0] write_part_q, again_part_q;
  logic [ReadPartBits-1:0]  read_part_q;
  logic [Banks-1:0][Bits-1:0] read_row, again_row;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      {write_row_q, write_part_q} <= '0;
      {read_row_q, read_part_q}   <= '0;
      {again_row_q, again_part_q} <= '0;
    end else begin
      if (write_i) begin
        write_part_q <= write_part_q == WritePartBits'(WriteParts - 1) ? '0 : write_part_q + 1'b1;
        if (write_part_q == WritePartBits'(WriteParts - 1)) begin
          write_row_q <= write_row_q == AddressBits'(Depth - 1) ? '0 : write_row_q + 1'b1;
        end
      end
      if (again_i) begin
        again_part_q <= again_part_q == WritePartBits'(WriteParts - 1) ? '0 : again_part_q + 1'b1;
        if (again_part_q == WritePartBits'(WriteParts - 1)) begin
          again_row_q <= again_row_q == AddressBits'(Depth - 1) ? '0 : again_row_q + 1'b1;
        end
      end
      if (read_i) begin
        read_part_q <= read_part_q == ReadPartBits'(ReadParts - 1) ? '0 : read_part_q + 1'b1;
        if (read_part_q == ReadPartBits'(ReadParts - 1)) begin
          read_row_q <= read_row_q == AddressBits'(Depth - 1) ? '0 : read_row_q + 1'b1;
        end
      end
    end
  end

  for (genvar b = 0; b < int'(Banks); b++) begin : gen_bank
    logic [Bits-1:0] memory [Depth];

    always_ff @(posedge clk_i) begin
      if (write_i && write_part_q == WritePartBits'(b / WriteWord)) begin
        memory[write_row_q] <= data_i[b % WriteWord];
      end
    end

    assign read_row[b]  = memory[read_row_q];
    assign again_row[b] = memory[again_row_q];
  end

  assign read_o  = read_row[int'(read_part_q)*ReadWord+:ReadWord];
  assign again_o = again_row[int'(again_part_q)*WriteWord+:WriteWord];

endmodule

`default_nettype wire
