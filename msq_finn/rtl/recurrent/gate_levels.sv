`default_nettype none

/// The levels of gates: their rows' sums, each on its quantizer's scale. Four cycles.
module gate_levels #(
  parameter int unsigned Lanes = 4,
  parameter int unsigned Folds = 1,  // words of sums that take all rows
  parameter int unsigned SumBits = 16,
  parameter int unsigned FactorBits = 8,
  parameter int unsigned OffsetBits = 8,
  parameter int unsigned Shift = 1,
  parameter int unsigned LevelBits = 8,
  parameter int signed Low = -128,
  parameter int signed High = 127,
  // Row fold * Lanes + lane.
  parameter bit [Folds*Lanes*FactorBits-1:0] Factor = '0,
  parameter bit [Folds*Lanes*OffsetBits-1:0] Offset = '0
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  input  logic                            en_i,
  input  logic                            valid_i,
  input  logic [Lanes-1:0][SumBits-1:0]   sums_i,
  output logic                            valid_o,
  output logic [Lanes-1:0][LevelBits-1:0] levels_o
);

  localparam int unsigned FoldBits = Folds > 1 ? $clog2(Folds) : 1;
  typedef bit [Lanes-1:0][FactorBits-1:0] factors_t;
  typedef bit [Lanes-1:0][OffsetBits-1:0] offsets_t;
  localparam factors_t [Folds-1:0] Factors = Factor;
  localparam offsets_t [Folds-1:0] Offsets = Offset;

  logic [FoldBits-1:0] fold_q;
  logic [3:0]          valid_q;

  assign valid_o = valid_q[3];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fold_q  <= '0;
      valid_q <= '0;
    end else if (en_i) begin
      valid_q <= {valid_q[2:0], valid_i};
      if (valid_i) fold_q <= fold_q == FoldBits'(Folds - 1) ? '0 : fold_q + 1'b1;
    end
  end

  for (genvar i = 0; i < int'(Lanes); i++) begin : gen_lane
    logic [SumBits-1:0]    sum_q;
    logic [FactorBits-1:0] factor_q;
    logic [OffsetBits-1:0] offset_q;

    always_ff @(posedge clk_i) begin
      if (en_i) begin
        sum_q    <= sums_i[i];
        factor_q <= Factors[fold_q][i];
        offset_q <= Offsets[fold_q][i];
      end
    end

    scale_round #(
      .InBits    (SumBits),
      .FactorBits(FactorBits),
      .OffsetBits(OffsetBits),
      .Shift     (Shift),
      .Low       (Low),
      .High      (High),
      .OutBits   (LevelBits)
    ) u_scale (
      .clk_i,
      .en_i,
      .value_i (sum_q),
      .factor_i(factor_q),
      .offset_i(offset_q),
      .level_o (levels_o[i])
    );
  end

endmodule

`default_nettype wire
