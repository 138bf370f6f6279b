// A block RAM of 7-series or UltraScale+ without output registers (UG473, UG573): two ports, each
// with a width of its own to read and one to write. Words are stored as wide as the widest port
// sees them, with the parity bits above the data.
//
// A port that reads a word in the cycle in which the other one writes it gets what was there
// before if the writer is READ_FIRST, and X else, as the vendor's guides have it. Where both write
// a word it is X, and so is what they read of it in that cycle, whatever their modes.
module msq_block_ram #(
  parameter integer BITS = 16384,  // of data; an eighth as many of parity come on top
  // Widths with parity; 0: unused
  parameter integer READ_A = 0, WRITE_A = 0, READ_B = 0, WRITE_B = 0,
  parameter MODE_A = "READ_FIRST", MODE_B = "READ_FIRST",
  parameter [BITS-1:0] INIT = 0,
  parameter [BITS/8-1:0] INITP = 0,
  parameter [71:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0,  // parity on top of data
  parameter integer ADDRESS = 14
) (
  input  wire               CLKA, CLKB, ENA, ENB, RSTA, RSTB,
  input  wire [7:0]         WEA, WEB,  // one a byte
  input  wire [ADDRESS-1:0] ADDRA, ADDRB,
  input  wire [63:0]        DIA, DIB,
  input  wire [7:0]         DIPA, DIPB,
  output wire [63:0]        DOA, DOB,
  output wire [7:0]         DOPA, DOPB
);
  // Bits of data in a word of so many bits.
  function integer data(input integer width);
    data = width == 72 ? 64 : width == 36 ? 32 : width == 18 ? 16 : width == 9 ? 8 : width;
  endfunction
  function integer most(input integer a, input integer b);
    most = a > b ? a : b;
  endfunction

  localparam integer RA = data(READ_A), WA = data(WRITE_A), RB = data(READ_B), WB = data(WRITE_B);
  localparam integer ROW = most(8, most(most(RA, WA), most(RB, WB)));
  localparam integer PARITY = ROW / 8;
  localparam integer ROWS = BITS / ROW;
  localparam integer LOG = $clog2(ROW);

  initial begin
    if ((READ_A != 0 && READ_A != RA + (RA >= 8 ? RA / 8 : 0)) || RA > 64 || WA > 64)
      $fatal(1, "block RAM: port A of %0d bits to read, %0d to write", READ_A, WRITE_A);
    if ((READ_B != 0 && READ_B != RB + (RB >= 8 ? RB / 8 : 0)) || RB > 64 || WB > 64)
      $fatal(1, "block RAM: port B of %0d bits to read, %0d to write", READ_B, WRITE_B);
  end

  reg [ROW+PARITY-1:0] rows [0:ROWS-1];
  reg [63:0] da, db;
  reg [7:0] pa, pb;
  integer k;
  // Icarus reads a part of a parameter by copying all of it.
  reg [BITS-1:0] contents;
  reg [BITS/8-1:0] parities;
  initial begin
    contents = INIT;
    parities = INITP;
    for (k = 0; k < ROWS; k = k + 1) rows[k] = {parities[k*PARITY+:PARITY], contents[k*ROW+:ROW]};
    {pa, da} = {INIT_A[most(RA, 8)+:8], INIT_A[63:0]};
    {pb, db} = {INIT_B[most(RB, 8)+:8], INIT_B[63:0]};
  end

  wire [ADDRESS-LOG-1:0] row_a = ADDRA[ADDRESS-1:LOG], row_b = ADDRB[ADDRESS-1:LOG];
  // First bit of a word in its row.
  function [LOG-1:0] first(input [LOG-1:0] address, input integer bits);
    first = bits <= 1 ? address : address & ~(bits[LOG-1:0] - 1'b1);
  endfunction

  wire [ROW+PARITY-1:0] old_a = rows[row_a], old_b = rows[row_b];
  wire writes_a = WRITE_A != 0 && |WEA, writes_b = WRITE_B != 0 && |WEB;
  wire [ROW+PARITY-1:0] bits_a, bits_b, mask_a, mask_b;
  msq_block_ram_write #(.ROW(ROW), .WIDTH(WA)) u_write_a (
    .enable(WEA), .address(ADDRA[LOG-1:0]), .data(DIA), .parity(DIPA), .bits(bits_a), .mask(mask_a)
  );
  msq_block_ram_write #(.ROW(ROW), .WIDTH(WB)) u_write_b (
    .enable(WEB), .address(ADDRB[LOG-1:0]), .data(DIB), .parity(DIPB), .bits(bits_b), .mask(mask_b)
  );
  // Both ports use the same row; of what a port reads, what the other one is writing.
  wire together = ENA && ENB && row_a == row_b;
  localparam [ROW+PARITY-1:0] NONE = 0, UNKNOWN = {ROW + PARITY{1'bx}};
  wire all = together && writes_a && writes_b;
  wire [ROW+PARITY-1:0] both = mask_a & mask_b;
  wire [ROW+PARITY-1:0] clash_a
      = together && writes_b && MODE_B != "READ_FIRST" ? mask_b : all ? both : NONE;
  wire [ROW+PARITY-1:0] clash_b
      = together && writes_a && MODE_A != "READ_FIRST" ? mask_a : all ? both : NONE;
  wire [ROW+PARITY-1:0] mine_a = writes_a && MODE_A == "WRITE_FIRST" ? mask_a : NONE;
  wire [ROW+PARITY-1:0] mine_b = writes_b && MODE_B == "WRITE_FIRST" ? mask_b : NONE;
  wire [ROW+PARITY-1:0] seen_a
      = (old_a & ~mine_a & ~clash_a) | (bits_a & mine_a & ~clash_a) | (UNKNOWN & clash_a);
  wire [ROW+PARITY-1:0] seen_b
      = (old_b & ~mine_b & ~clash_b) | (bits_b & mine_b & ~clash_b) | (UNKNOWN & clash_b);
  wire keep_a = writes_a && MODE_A == "NO_CHANGE", keep_b = writes_b && MODE_B == "NO_CHANGE";

  wire [LOG-1:0] first_a = first(ADDRA[LOG-1:0], RA), first_b = first(ADDRB[LOG-1:0], RB);
  wire [63:0] word_a = seen_a[ROW-1:0] >> first_a, word_b = seen_b[ROW-1:0] >> first_b;
  wire [7:0] parity_a = seen_a[ROW+:PARITY] >> (first_a >> 3);
  wire [7:0] parity_b = seen_b[ROW+:PARITY] >> (first_b >> 3);

  // What is in a row that both write: X where they write the same bits.
  wire [ROW+PARITY-1:0] only_a = mask_a & ~mask_b, only_b = mask_b & ~mask_a;
  wire [ROW+PARITY-1:0] of_both
      = (old_a & ~mask_a & ~mask_b) | (bits_a & only_a) | (bits_b & only_b) | (UNKNOWN & both);

  // A choice by an unknown enable or reset is unknown, where "if" would take it for false.
  always @(posedge CLKA) begin
    if (READ_A != 0)
      {pa, da} <= !ENA ? {pa, da} : RSTA ? {SRVAL_A[most(RA, 8)+:8], SRVAL_A[63:0]}
                : keep_a ? {pa, da} : {parity_a, word_a};
    if (ENA && writes_a) rows[row_a] <= all ? of_both : (old_a & ~mask_a) | (bits_a & mask_a);
  end
  always @(posedge CLKB) begin
    if (READ_B != 0)
      {pb, db} <= !ENB ? {pb, db} : RSTB ? {SRVAL_B[most(RB, 8)+:8], SRVAL_B[63:0]}
                : keep_b ? {pb, db} : {parity_b, word_b};
    if (ENB && writes_b) rows[row_b] <= all ? of_both : (old_b & ~mask_b) | (bits_b & mask_b);
  end

  assign DOA = da;
  assign DOB = db;
  assign DOPA = pa;
  assign DOPB = pb;
endmodule
