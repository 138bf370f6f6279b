`default_nettype none

/// One output row in LUTs with its weights in their tables: distributed arithmetic.
///
/// A group of weights and the fold's address select a sum from a table, once for every bit of the
/// activations; the sums, shifted to their bit, are the rows of one tree. A table holds the sum of
/// the weights whose bit is set, less the most negative it can get. What that adds to W x is
/// constant (see msq_finn/lanes); the bits of signed activations that count negatively select
/// inverted, so that it stays so.
module embedded_lane
  import msq_pkg::*;
#(
  parameter int unsigned Simd = 4,
  parameter int unsigned SumFolds = 1,   // words of activations that a sum takes
  parameter int unsigned FoldBits = 1,   // of the fold's address; 0: there is but one fold
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
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
  input  logic [Simd-1:0][ActBits-1:0]  acts_i,
  input  logic                          acc_valid_i,  // Depth cycles later
  input  logic                          acc_first_i,
  output logic [AccBits-1:0]            acc_o
);

  localparam int unsigned Rows = Groups * ActBits;

  if (Depth < max(1, tree_depth(Rows))) begin : gen_check_depth
    $fatal(1, "Depth = %0d: the tree of %0d rows takes %0d", Depth, Rows, tree_depth(Rows));
  end

  // The largest sum of all rows.
  function automatic longint unsigned total_max();
    longint unsigned total;
    total = 0;
    for (int unsigned g = 0; g < Groups; g++) total += (64'd1 << Hi[g]) - (64'd1 << Lo[g]);
    return total * ((64'd1 << ActBits) - 1);
  endfunction

  localparam int unsigned TreeBits = min(AccBits, max(1, $clog2(total_max() + 1)));
  localparam int unsigned SumBits = min(AccBits, max(1, $clog2(SumFolds * total_max() + 1)));

  typedef index_t [Rows-1:0] table_t;

  // Row g * ActBits + k is group g's for bit k.
  function automatic table_t shifted(index_t [Groups-1:0] ends);
    table_t columns;
    for (int unsigned r = 0; r < Rows; r++) begin
      columns[r] = index_t'(min(int'(ends[r/ActBits]) + r % ActBits, TreeBits));
    end
    return columns;
  endfunction

  logic [Rows-1:0][TreeBits-1:0] rows;
  logic [TreeBits-1:0]           tree_s, tree_m, s, m;
  logic [SumBits-1:0]            sum;

  for (genvar k = 0; k < ActBits; k++) begin : gen_bit
    logic [Simd-1:0]                  plane;
    logic [Groups-1:0][TableBits-1:0] entries;

    for (genvar i = 0; i < Simd; i++) begin : gen_element
      assign plane[i] = acts_i[i][k] ^ (ActSigned && k == ActBits - 1);
    end

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
      .bits_i   (plane),
      .entries_o(entries)
    );

    for (genvar g = 0; g < Groups; g++) begin : gen_group
      assign rows[g*ActBits+k] = TreeBits'({entries[g], ActBits'(0)} >> (ActBits - k));
    end
  end

  row_tree #(
    .Rows         (Rows),
    .Width        (TreeBits),
    .Lo           (shifted(Lo)),
    .Hi           (shifted(Hi)),
    .Fabric       (Fabric)
  ) u_tree (
    .clk_i,
    .en_i,
    .rows_i(rows),
    .s_o   (tree_s),
    .m_o   (tree_m)
  );

  delay_line #(
    .Width (2 * TreeBits),
    .Cycles(Depth - tree_depth(Rows))
  ) u_align (
    .clk_i,
    .en_i,
    .data_i({tree_s, tree_m}),
    .data_o({s, m})
  );

  accumulator #(
    .Width        (SumBits),
    .Depth        (acc_depth(AccBits)),
    .Fabric       (Fabric)
  ) u_accumulator (
    .clk_i,
    .en_i,
    .valid_i(acc_valid_i),
    .first_i(acc_first_i),
    .s_i    (SumBits'(s)),
    .m_i    (SumBits'(m)),
    .acc_o  (sum)
  );

  assign acc_o = AccBits'(sum);

endmodule

`default_nettype wire
