`default_nettype none

/// One output row in LUTs: two unsigned rows a product, one tree for all, a ternary accumulator.
///
/// The sum is W x plus a constant of the row's weight codes modulo 2^AccBits (see lanes.py). What
/// signed activations add does not depend on weights and is taken off here.
module lut_lane
  import msq_pkg::*;
#(
  parameter bit Booth = 0,  // Fixed(4) codes, else SP2(4) codes
  parameter int unsigned Simd = 4,
  parameter int unsigned Folds = 1,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned AccBits = 16,
  parameter bit UsePrimitives = 0
) (
  input  logic                          clk_i,
  input  logic                          en_i,
  input  logic [Simd-1:0][3:0]          codes_i,
  input  logic [Simd-1:0][ActBits-1:0]  acts_i,
  input  logic                          acc_en_i,     // lut_lane_depth cycles later
  input  logic                          acc_first_i,
  output logic [AccBits-1:0]            acc_o
);

  localparam int unsigned LowBits = Booth ? ActBits + 1 : ActBits + 2;
  localparam int unsigned HighBits = Booth ? ActBits + 1 : ActBits;

  localparam int unsigned TotalMax = Simd * (2 ** LowBits - 1 + 4 * (2 ** HighBits - 1));
  localparam int unsigned TreeBits = min(AccBits, $clog2(TotalMax + 1));

  // Half the range of both rows for every product.
  localparam longint unsigned RowBias = 2 ** (LowBits - 1) + 4 * 2 ** (HighBits - 1);
  localparam longint unsigned Bias = ActSigned ? 64'(Simd) * 64'(Folds) * RowBias : 64'd0;

  // No sum of unsigned rows is wider than that.
  localparam int unsigned SumBits =
      ActSigned ? AccBits : min(AccBits, $clog2(64'(max(Folds, 1)) * 64'(TotalMax) + 1));

  typedef index_t [2*Simd-1:0] table_t;
  localparam table_t Lo = {{Simd{index_t'(min(2, TreeBits))}}, {Simd{index_t'(0)}}};
  localparam table_t Hi =
      {{Simd{index_t'(min(HighBits + 2, TreeBits))}}, {Simd{index_t'(min(LowBits, TreeBits))}}};

  logic [2*Simd-1:0][TreeBits-1:0] rows;
  logic [TreeBits-1:0]             tree_s, tree_m, s, m;
  logic [SumBits-1:0]              sum;

  for (genvar j = 0; j < Simd; j++) begin : gen_product
    logic [LowBits-1:0]  low;
    logic [HighBits-1:0] high;

    if (Booth) begin : gen_booth
      booth_4_rows #(
        .ActBits      (ActBits),
        .ActSigned    (ActSigned),
        .UsePrimitives(UsePrimitives)
      ) u_rows (
        .code_i(codes_i[j]),
        .act_i (acts_i[j]),
        .low_o (low),
        .high_o(high)
      );
    end else begin : gen_sp2
      sp2_4_rows #(
        .ActBits      (ActBits),
        .ActSigned    (ActSigned),
        .UsePrimitives(UsePrimitives)
      ) u_rows (
        .code_i(codes_i[j]),
        .act_i (acts_i[j]),
        .low_o (low),
        .high_o(high)
      );
    end

    assign rows[j]      = TreeBits'(low);
    assign rows[Simd+j] = TreeBits'({high, 2'b00});
  end

  row_tree #(
    .Rows         (2 * Simd),
    .Width        (TreeBits),
    .Lo           (Lo),
    .Hi           (Hi),
    .UsePrimitives(UsePrimitives)
  ) u_tree (
    .clk_i,
    .en_i,
    .rows_i(rows),
    .s_o   (tree_s),
    .m_o   (tree_m)
  );

  // One product is no tree: its two rows are registered here.
  delay_line #(
    .Width (2 * TreeBits),
    .Cycles(lut_lane_depth(Simd) - tree_depth(2 * Simd))
  ) u_align (
    .clk_i,
    .en_i,
    .data_i({tree_s, tree_m}),
    .data_o({s, m})
  );

  accumulator #(
    .Width        (SumBits),
    .Start        (SumBits'(64'(0) - 64'(Bias))),
    .UsePrimitives(UsePrimitives)
  ) u_accumulator (
    .clk_i,
    .en_i   (acc_en_i),
    .first_i(acc_first_i),
    .s_i    (SumBits'(s)),
    .m_i    (SumBits'(m)),
    .acc_o  (sum)
  );

  assign acc_o = AccBits'(sum);

endmodule

`default_nettype wire
