`default_nettype none

/// The states of a layer, one of each sequence under way: written in order, and read in order by
/// two readers, each with words of its own size. Whoever is at the end begins anew.
///
/// Elements lie side by side in as many memories as writer and first reader can both divide.
module state_store #(
  parameter int unsigned Elements = 8,
  parameter int unsigned Bits = 8,
  parameter int unsigned WriteWord = 1,  // elements that are written, and read again, at once
  parameter int unsigned ReadWord = 1,   // elements that the first reader takes at once
  parameter int unsigned Places = 1,     // sequences

  localparam int unsigned PlaceBits = Places > 1 ? $clog2(Places) : 1
) (
  input  logic                           clk_i,
  input  logic                           rst_ni,

  input  logic                           write_i,
  input  logic [PlaceBits-1:0]           write_place_i,
  input  logic [WriteWord-1:0][Bits-1:0] data_i,

  input  logic                           read_i,   // the word has been taken
  input  logic [PlaceBits-1:0]           read_place_i,
  output logic [ReadWord-1:0][Bits-1:0]  read_o,

  input  logic                           again_i,  // the second reader's has been taken
  input  logic [PlaceBits-1:0]           again_place_i,
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
  localparam int unsigned RowBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam int unsigned AddressBits = Depth * Places > 1 ? $clog2(Depth * Places) : 1;
  localparam int unsigned WriteParts = Banks / WriteWord;
  localparam int unsigned ReadParts = Banks / ReadWord;
  localparam int unsigned WritePartBits = WriteParts > 1 ? $clog2(WriteParts) : 1;
  localparam int unsigned ReadPartBits = ReadParts > 1 ? $clog2(ReadParts) : 1;

  if (Elements % Banks != 0) begin : gen_check_words
    $fatal(1, "%0d elements in words of %0d and %0d", Elements, WriteWord, ReadWord);
  end

  function automatic logic [AddressBits-1:0] address(
    logic [PlaceBits-1:0] place, logic [RowBits-1:0] row
  );
    return AddressBits'(place * Depth + 32'(row));
  endfunction

  logic [RowBits-1:0]         write_row, read_row, again_row;
  logic [WritePartBits-1:0]   write_part, again_part;
  logic [ReadPartBits-1:0]    read_part;
  logic [Banks-1:0][Bits-1:0] read_elements, again_elements;

  row_counter #(.Rows(Depth), .Parts(WriteParts)) u_write (
    .clk_i, .rst_ni, .next_i(write_i), .row_o(write_row), .part_o(write_part)
  );
  row_counter #(.Rows(Depth), .Parts(ReadParts)) u_read (
    .clk_i, .rst_ni, .next_i(read_i), .row_o(read_row), .part_o(read_part)
  );
  row_counter #(.Rows(Depth), .Parts(WriteParts)) u_again (
    .clk_i, .rst_ni, .next_i(again_i), .row_o(again_row), .part_o(again_part)
  );

  for (genvar b = 0; b < int'(Banks); b++) begin : gen_bank
    logic [Bits-1:0] memory [Depth*Places];

    always_ff @(posedge clk_i) begin
      if (write_i && write_part == WritePartBits'(b / WriteWord)) begin
        memory[address(write_place_i, write_row)] <= data_i[b % WriteWord];
      end
    end

    assign read_elements[b]  = memory[address(read_place_i, read_row)];
    assign again_elements[b] = memory[address(again_place_i, again_row)];
  end

  assign read_o  = read_elements[int'(read_part)*ReadWord+:ReadWord];
  assign again_o = again_elements[int'(again_part)*WriteWord+:WriteWord];

endmodule

`default_nettype wire
