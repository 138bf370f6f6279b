`default_nettype none

/// Searches a value's place among its channel's thresholds, one comparison a cycle.
///
/// A channel's words are numbered as nodes of a binary tree, the root 1: that of a comparison is a
/// one and the results so far, highest first. The word of the next comparison is read while this
/// one is made, so that memories of LUTs and of block RAM take as long.
module threshold_search #(
  parameter int unsigned InBits = 8,
  parameter bit Signed = 1'b1,                // the values
  parameter int unsigned ThresholdBits = 8,
  parameter int unsigned Planes = 2,          // bits of a result
  parameter int unsigned Folds = 1,           // channels, one after another
  parameter int unsigned FoldBits = 1,
  parameter Contents = "",                    // files for $readmemh: this, then Index.dat
  parameter int unsigned Index = 0,
  /* verilator lint_off UNUSEDPARAM */
  parameter RamStyle = "distributed"          // or "block"
  /* verilator lint_on UNUSEDPARAM */
) (
  input  logic                clk_i,

  input  logic                step_i,    // ends a comparison
  input  logic                first_i,   // what follows is the first of a value
  input  logic [FoldBits-1:0] fold_i,    // of what follows
  input  logic [InBits-1:0]   value_i,
  output logic                last_o,    // this comparison is the last of a value
  output logic [Planes-1:0]   result_o   // thresholds reached, behind the last comparison
);

  localparam int unsigned AddressBits = Planes + (Folds > 1 ? FoldBits : 0);

  // A value reaches a threshold where it is greater than the word, which is one less. Vivado goes
  // by rom_style where nothing writes; other tools know ram_style only.
  (* ram_style = RamStyle, rom_style = RamStyle *)
  logic [ThresholdBits-1:0] memory [Folds << Planes];

  initial $readmemh($sformatf("%s%0d.dat", Contents, Index), memory);

  logic [Planes-1:0]        node_q, node_d;
  logic [AddressBits-1:0]   address;
  logic [ThresholdBits-1:0] word_q;
  logic signed [InBits:0]   value, limit;
  logic                     reached;

  assign value    = {Signed && value_i[InBits-1], value_i};
  assign limit    = (InBits + 1)'($signed(word_q));
  assign reached  = value > limit;
  assign result_o = Planes'({node_q, reached});
  assign last_o   = node_q[Planes-1];
  assign node_d   = first_i ? Planes'(1) : result_o;
  assign address  = AddressBits'({fold_i, node_d});  // a single channel's has no fold

  always_ff @(posedge clk_i) begin
    if (step_i) begin
      node_q <= node_d;
      word_q <= memory[address];
    end
  end

endmodule

`default_nettype wire
