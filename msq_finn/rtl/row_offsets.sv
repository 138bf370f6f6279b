`default_nettype none

/// Adds a constant of its own to every row's sum: Folds words of Lanes sums, again and again.
module row_offsets #(
  parameter int unsigned Lanes = 2,
  parameter int unsigned Folds = 1,
  parameter int unsigned Width = 16,
  parameter logic [Folds*Lanes*Width-1:0] Offset = '0  // row fold * Lanes + lane
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,
  input  logic                        en_i,
  input  logic                        valid_i,
  input  logic [Lanes-1:0][Width-1:0] sums_i,
  output logic                        valid_o,
  output logic [Lanes-1:0][Width-1:0] sums_o
);

  localparam int unsigned FoldBits = Folds > 1 ? $clog2(Folds) : 1;
  typedef logic [Lanes-1:0][Width-1:0] word_t;
  localparam word_t [Folds-1:0] Offsets = Offset;

  logic [FoldBits-1:0] fold_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fold_q  <= '0;
      valid_o <= 1'b0;
    end else if (en_i) begin
      valid_o <= valid_i;
      if (valid_i) fold_q <= fold_q == FoldBits'(Folds - 1) ? '0 : fold_q + 1'b1;
    end
  end

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    always_ff @(posedge clk_i) begin
      if (en_i) sums_o[i] <= sums_i[i] + Offsets[fold_q][i];
    end
  end

endmodule

`default_nettype wire
