`default_nettype none

/// Lanes of one kind with the flags that travel beside the data, and nothing else: what FINN's mvu
/// is.
module lane_bench
  import msq_pkg::*;
#(
  parameter lane_kind_t Kind = '0,
  parameter int unsigned Pe = 16,
  parameter int unsigned Simd = 16,
  parameter int unsigned Folds = 16,
  parameter int unsigned ActBits = 4,
  parameter int unsigned AccBits = 16,
  // Of constant lanes, as in mvau_msq.
  parameter int unsigned Groups = 1,
  parameter int unsigned Members = 1,
  parameter int unsigned TableBits = 1,
  parameter logic [Pe*16-1:0] LaneGroups = '0,
  parameter logic [Pe*Groups*Members*16-1:0] Source = '0,
  parameter logic [Pe*Groups*16-1:0] Lo = '0,
  parameter logic [Pe*Groups*16-1:0] Hi = '0,
  parameter logic [Pe*Groups*TableBits*32-1:0] Table = '0,

  localparam int unsigned FoldBits = $clog2(Folds),
  localparam int unsigned CodeBits = max(int'(Kind.code_bits), 1)
) (
  input  logic                               clk_i,
  input  logic                               rst_ni,
  input  logic                               en_i,
  input  logic                               valid_i,
  input  logic                               first_i,
  input  logic                               last_i,
  input  logic [max(FoldBits, 1)-1:0]        fold_i,
  input  logic [Pe-1:0][Simd-1:0][CodeBits-1:0] codes_i,
  input  logic [Simd-1:0][ActBits-1:0]       acts_i,
  output logic                               valid_o,
  output logic [Pe-1:0][AccBits-1:0]         sums_o
);

  localparam int unsigned Depth = Kind.engine == Constant ? embedded_lane_depth(Groups, ActBits) :
      Kind.engine == Dsp ? dsp_lane_depth(1, Simd, CodeBits, ActBits, 1'b0, int'(Kind.chain)) :
      lut_lane_depth(Simd, Kind);

  localparam int unsigned Latency = Depth + acc_depth(AccBits);

  logic [Latency:0] valid, first, done;

  assign valid[0] = valid_i;
  assign first[0] = first_i;
  assign done[0]  = valid_i && last_i;
  assign valid_o  = done[Latency];

  always_ff @(posedge clk_i) begin
    // All flags are reset, as mvu's are.
    if (!rst_ni) begin
      valid[Latency:1] <= '0;
      first[Latency:1] <= '0;
      done[Latency:1]  <= '0;
    end else if (en_i) begin
      valid[Latency:1] <= valid[Latency-1:0];
      first[Latency:1] <= first[Latency-1:0];
      done[Latency:1]  <= done[Latency-1:0];
    end
  end

  if (Kind.engine == Dsp) begin : gen_dsp
    dsp_engine #(
      .Pe           (Pe),
      .WeightBits   (CodeBits),
      .Simd         (Simd),
      .Chain        (int'(Kind.chain)),
      .Folds        (Folds),
      .ActBits      (ActBits),
      .AccBits      (AccBits),
      .DspVersion   (1),
      .Latency      (Latency),
      .UsePrimitives(1)
    ) u_lanes (
      .clk_i,
      .en_i,
      .weights_i(codes_i),
      .acts_i,
      .valid_i  (valid),
      .first_i  (first),
      .done_i   (done),
      .sums_o
    );
  end else if (Kind.engine == Constant) begin : gen_embedded
    embedded_lanes #(
      .Pe           (Pe),
      .Simd         (Simd),
      .SumFolds     (Folds),
      .FoldBits     (FoldBits),
      .ActBits      (ActBits),
      .AccBits      (AccBits),
      .Groups       (Groups),
      .Members      (Members),
      .TableBits    (TableBits),
      .LaneGroups   (LaneGroups),
      .Source       (Source),
      .Lo           (Lo),
      .Hi           (Hi),
      .Table        (Table),
      .Fabric       (Series7)
    ) u_lanes (
      .clk_i,
      .en_i,
      .fold_i,
      .acts_i,
      .acc_valid_i(valid[Depth]),
      .acc_first_i(first[Depth]),
      .acc_o      (sums_o)
    );
  end else begin : gen_lut
    for (genvar i = 0; i < Pe; i++) begin : gen_lane
      lut_lane #(
        .Kind         (Kind),
        .Simd         (Simd),
        .Folds        (Folds),
        .ActBits      (ActBits),
        .AccBits      (AccBits),
        .Fabric       (Series7)
      ) u_lane (
        .clk_i,
        .en_i,
        .codes_i    (codes_i[i]),
        .acts_i,
        .acc_valid_i(valid[Depth]),
        .acc_first_i(first[Depth]),
        .acc_o      (sums_o[i])
      );
    end
  end

endmodule

`default_nettype wire
