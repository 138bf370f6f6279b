`default_nettype none

/// One output row in LUTs that takes a bit plane of the activations a cycle, lowest bits first.
///
/// Tables and their tree are those of embedded_lane.sv, once instead of for every bit; a sum takes
/// SumFolds words of every plane.
module serial_lane
  import msq_pkg::*;
#(
  parameter int unsigned Simd = 4,
  parameter int unsigned SumFolds = 1,   // words of activations that a sum takes
  parameter int unsigned FoldBits = 1,   // of the fold's address; 0: there is but one fold
  parameter int unsigned ActBits = 4,
  parameter int unsigned AccBits = 16,
  parameter int unsigned Depth = 1,      // cycles to the accumulator, at least the tree's
  parameter int unsigned Groups = 1,
  parameter int unsigned Members = 4,    // inputs of a table beside the address
  parameter int unsigned TableBits = 5,  // columns a table may have
  parameter index_t [Groups-1:0][Members-1:0] Source = '0,  // elements of a group
  parameter index_t [Groups-1:0] Lo = '0,                   // columns [Lo, Hi) are not always 0
  parameter index_t [Groups-1:0] Hi = {Groups{index_t'(1)}},
  parameter bit [Groups-1:0][TableBits-1:0][2**(Members+FoldBits)-1:0] Table = '0,
  parameter fabric_e Fabric = Portable,

  localparam int unsigned AddressBits = max(FoldBits, 1)
) (
  input  logic                          clk_i,
  input  logic                          en_i,
  input  logic [AddressBits-1:0]        fold_i,
  input  logic [Simd-1:0]               bits_i,
  input  logic                          acc_valid_i,  // Depth cycles later, as the other two
  input  logic                          acc_first_i,
  input  logic                          acc_start_i,
  output logic [AccBits-1:0]            acc_o
);

  // The largest sum of a word's rows.
  function automatic longint unsigned total_max();
    longint unsigned total;
    total = 0;
    for (int unsigned g = 0; g < Groups; g++) total += (64'd1 << Hi[g]) - (64'd1 << Lo[g]);
    return total;
  endfunction

  localparam int unsigned TreeBits = max(1, $clog2(total_max() + 1));
  // With the higher half of the planes before: less than twice a plane's.
  localparam int unsigned SumBits = max(1, $clog2(2 * SumFolds * total_max() + 1));

  logic [Groups-1:0][TableBits-1:0] entries;
  logic [Groups-1:0][TreeBits-1:0]  rows;
  logic [TreeBits-1:0]              tree_s, tree_m, s, m;
  logic [SumBits+ActBits-2:0]       sum;

  table_plane #(
    .Simd     (Simd),
    .FoldBits (FoldBits),
    .Groups   (Groups),
    .Members  (Members),
    .TableBits(TableBits),
    .Source   (Source),
    .Table    (Table),
    .Fabric   (Fabric)
  ) u_tables (
    .fold_i,
    .bits_i,
    .entries_o(entries)
  );

  for (genvar g = 0; g < Groups; g++) begin : gen_group
    assign rows[g] = TreeBits'(entries[g]);
  end

  row_tree #(
    .Rows  (Groups),
    .Width (TreeBits),
    .Lo    (Lo),
    .Hi    (Hi),
    .Fabric(Fabric)
  ) u_tree (
    .clk_i,
    .en_i,
    .rows_i(rows),
    .s_o   (tree_s),
    .m_o   (tree_m)
  );

  delay_line #(
    .Width (2 * TreeBits),
    .Cycles(Depth - tree_depth(Groups))
  ) u_align (
    .clk_i,
    .en_i,
    .data_i({tree_s, tree_m}),
    .data_o({s, m})
  );

  plane_accumulator #(
    .Width      (SumBits),
    .Planes     (ActBits),
    .TreeBits   (TreeBits),
    .EveryStarts(SumFolds == 1),
    .Fabric     (Fabric)
  ) u_accumulator (
    .clk_i,
    .en_i,
    .valid_i(acc_valid_i),
    .first_i(acc_first_i),
    .start_i(acc_start_i),
    .s_i    (s),
    .m_i    (m),
    .acc_o  (sum)
  );

  assign acc_o = AccBits'(sum);

endmodule

`default_nettype wire
