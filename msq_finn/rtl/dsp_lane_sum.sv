`default_nettype none

/// Sum of one DSP lane: its fields, plus its carries times 2^Spacing, less the carries of the lane
/// below, accumulated modulo 2^AccBits.
///
/// Each comes as two rows (one where Pairs = 1: the second is then zero). Carries are offset by 2 a
/// pair, and are subtracted as one's complements: the accumulator starts at what takes this off.
/// A row of carries shares a row of the merge with one of borrows unless the two overlap.
module dsp_lane_sum
  import msq_pkg::*;
#(
  parameter bit Lowest = 0,  // no lane below
  parameter int unsigned Pairs = 2,
  parameter int unsigned Folds = 1,
  parameter int unsigned Spacing = 7,
  parameter int unsigned FieldBits = 8,
  parameter int unsigned CarryBits = 3,
  parameter int unsigned AccBits = 16,
  parameter fabric_e Fabric = Portable
) (
  input  logic                      clk_i,
  input  logic                      en_i,
  input  logic [1:0][FieldBits-1:0] fields_i,
  input  logic [1:0][CarryBits-1:0] carries_i,
  input  logic [1:0][CarryBits-1:0] below_i,
  input  logic                      acc_valid_i,
  input  logic                      acc_first_i,
  output logic [AccBits-1:0]        acc_o
);

  localparam int unsigned Each = min(Pairs, 2);
  localparam int unsigned Rows = dsp_merge_rows(Pairs, Spacing);
  localparam bit Shared = Rows == 2 * Each;

  localparam longint unsigned Max =
      64'(Pairs) * (4 * 2 ** Spacing - 1) + 64'(Each) * (2 ** CarryBits - 1);
  localparam int unsigned Bits = min(AccBits, $clog2(Max + 1));

  localparam longint unsigned Bias = 64'(Folds) * (
      64'(2 * Pairs) * 2 ** Spacing
      + (Lowest ? 64'd0 : 64'(Each) * (2 ** CarryBits - 1) - 64'(2 * Pairs)));

  typedef index_t [Rows-1:0] table_t;

  function automatic table_t row_starts();
    table_t lo;
    lo = '0;
    for (int unsigned r = Rows - Each; r < Rows; r++) begin
      if (!Shared || Lowest) lo[r] = index_t'(Spacing);
    end
    return lo;
  endfunction

  function automatic table_t row_ends();
    table_t hi;
    hi = '0;
    for (int unsigned r = 0; r < Rows; r++) begin
      if (r < Each) hi[r] = index_t'(min(Bits, FieldBits));
      else if (r >= Rows - Each) hi[r] = index_t'(min(Bits, Spacing + CarryBits));
      else hi[r] = index_t'(min(Bits, CarryBits));
    end
    return hi;
  endfunction

  logic [Rows-1:0][Bits-1:0] rows;
  logic [Bits-1:0]           s, m;

  for (genvar r = 0; r < Each; r++) begin : gen_row
    logic [CarryBits-1:0] borrow;

    assign borrow  = Lowest ? '0 : ~below_i[r];
    assign rows[r] = Bits'(fields_i[r]);

    if (Shared) begin : gen_shared
      assign rows[Each+r] = Bits'({carries_i[r], Spacing'(borrow)});
    end else begin : gen_apart
      assign rows[Each+r]   = Bits'(borrow);
      assign rows[2*Each+r] = Bits'({carries_i[r], Spacing'(0)});
    end
  end

  row_tree #(
    .Rows         (Rows),
    .Width        (Bits),
    .Lo           (row_starts()),
    .Hi           (row_ends()),
    .Fabric       (Fabric)
  ) u_merge (
    .clk_i,
    .en_i,
    .rows_i(rows),
    .s_o   (s),
    .m_o   (m)
  );

  accumulator #(
    .Width        (AccBits),
    .Depth        (acc_depth(AccBits)),
    .Start        (AccBits'(64'd0 - Bias)),
    .Fabric       (Fabric)
  ) u_accumulator (
    .clk_i,
    .en_i,
    .valid_i(acc_valid_i),
    .first_i(acc_first_i),
    .s_i    (AccBits'(s)),
    .m_i    (AccBits'(m)),
    .acc_o
  );

endmodule

`default_nettype wire
