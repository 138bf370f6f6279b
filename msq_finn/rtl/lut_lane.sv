`default_nettype none

/// One output row in LUTs: unsigned rows for every product, one tree for all, a ternary
/// accumulator.
///
/// The sum is W x plus a constant of the row's weight codes modulo 2^AccBits (see msq_finn/lanes).
/// What signed activations add whatever the weights is taken off here.
module lut_lane
  import msq_pkg::*;
#(
  parameter lane_kind_t Kind = '0,
  parameter int unsigned Simd = 4,
  parameter int unsigned Folds = 1,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned AccBits = 16,
  parameter int unsigned Depth = lut_lane_depth(Simd, Kind),  // cycles to the accumulator
  parameter fabric_e Fabric = Portable,

  localparam int unsigned CodeBits = int'(Kind.code_bits)
) (
  input  logic                             clk_i,
  input  logic                             en_i,
  input  logic [Simd-1:0][CodeBits-1:0]    codes_i,
  input  logic [Simd-1:0][ActBits-1:0]     acts_i,
  input  logic                             acc_valid_i,  // Depth cycles later
  input  logic                             acc_first_i,
  output logic [AccBits-1:0]               acc_o
);

  localparam int unsigned Rows = int'(Kind.count);

  function automatic int unsigned row_width(int unsigned row);
    return ActBits + int'(Kind.partials[row].added);
  endfunction

  // The largest sum of a product's rows, and half the range of those that signed activations shift.
  function automatic longint unsigned rows_max();
    longint unsigned total;
    total = 0;
    for (int unsigned r = 0; r < Rows; r++) begin
      total += ((64'd1 << row_width(r)) - 1) << Kind.partials[r].base;
    end
    return total;
  endfunction

  function automatic longint unsigned rows_bias();
    longint unsigned total;
    total = 0;
    for (int unsigned r = 0; r < Rows; r++) begin
      if (!Kind.partials[r].is_long) begin
        total += 64'd1 << (row_width(r) - 1 + int'(Kind.partials[r].base));
      end
    end
    return total;
  endfunction

  localparam int unsigned TreeBits = min(AccBits, $clog2(Simd * rows_max() + 1));
  localparam longint unsigned Bias = ActSigned ? 64'(Simd) * 64'(Folds) * rows_bias() : 64'd0;

  // No sum of unsigned rows is wider than that.
  localparam int unsigned SumBits =
      ActSigned ? AccBits : min(AccBits, $clog2(64'(max(Folds, 1)) * Simd * rows_max() + 1));

  typedef index_t [Rows*Simd-1:0] table_t;

  // Row r * Simd + j is row r of product j.
  function automatic table_t starts();
    table_t columns;
    for (int unsigned k = 0; k < Rows * Simd; k++) begin
      columns[k] = index_t'(min(int'(Kind.partials[k/Simd].base), TreeBits));
    end
    return columns;
  endfunction

  function automatic table_t ends();
    table_t columns;
    for (int unsigned k = 0; k < Rows * Simd; k++) begin
      columns[k] = index_t'(min(int'(Kind.partials[k/Simd].base) + row_width(k / Simd), TreeBits));
    end
    return columns;
  endfunction

  logic [Rows-1:0][Simd-1:0][TreeBits-1:0] rows, tree_rows;
  logic [TreeBits-1:0]                     tree_s, tree_m, s, m;
  logic [SumBits-1:0]                      sum;

  for (genvar j = 0; j < Simd; j++) begin : gen_product
    logic [Rows-1:0][TreeBits-1:0] product;

    product_rows #(
      .Kind         (Kind),
      .ActBits      (ActBits),
      .ActSigned    (ActSigned),
      .Width        (TreeBits),
      .Fabric       (Fabric)
    ) u_rows (
      .code_i(codes_i[j]),
      .act_i (acts_i[j]),
      .rows_o(product)
    );

    for (genvar r = 0; r < Rows; r++) begin : gen_row
      assign rows[r][j] = product[r];
    end
  end

  delay_line #(
    .Width (Rows * Simd * TreeBits),
    .Cycles(row_delay(Kind))
  ) u_rows (
    .clk_i,
    .en_i,
    .data_i(rows),
    .data_o(tree_rows)
  );

  row_tree #(
    .Rows         (Rows * Simd),
    .Width        (TreeBits),
    .Lo           (starts()),
    .Hi           (ends()),
    .Fabric       (Fabric)
  ) u_tree (
    .clk_i,
    .en_i,
    .rows_i(tree_rows),
    .s_o   (tree_s),
    .m_o   (tree_m)
  );

  delay_line #(
    .Width (2 * TreeBits),
    .Cycles(Depth - row_delay(Kind) - tree_depth(Rows * Simd))
  ) u_align (
    .clk_i,
    .en_i,
    .data_i({tree_s, tree_m}),
    .data_o({s, m})
  );

  accumulator #(
    .Width        (SumBits),
    .Depth        (acc_depth(AccBits)),
    .Start        (SumBits'(64'(0) - 64'(Bias))),
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
