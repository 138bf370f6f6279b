`default_nettype none

/// Serial lanes with the flags that travel beside the data, and nothing else, as lane_bench.sv has
/// other lanes: bit planes come from outside.
module serial_bench
  import msq_pkg::*;
#(
  parameter int unsigned Pe = 16,
  parameter int unsigned Simd = 64,
  parameter int unsigned SumFolds = 1,
  parameter int unsigned Folds = 1,
  parameter int unsigned ActBits = 4,
  parameter int unsigned AccBits = 16,
  // As in mvau_serial.
  parameter int unsigned Groups = 1,
  parameter int unsigned Members = 1,
  parameter int unsigned TableBits = 1,
  parameter logic [Pe*16-1:0] LaneGroups = '0,
  parameter logic [Pe*Groups*Members*16-1:0] Source = '0,
  parameter logic [Pe*Groups*16-1:0] Lo = '0,
  parameter logic [Pe*Groups*16-1:0] Hi = '0,
  parameter logic [Pe*Groups*TableBits*32-1:0] Table = '0,

  localparam int unsigned FoldBits = $clog2(Folds)
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,
  input  logic                        en_i,
  input  logic                        valid_i,
  input  logic                        first_i,
  input  logic                        start_i,
  input  logic                        last_i,
  input  logic [max(FoldBits, 1)-1:0] fold_i,
  input  logic [Simd-1:0]             bits_i,
  output logic                        valid_o,
  output logic [Pe-1:0][AccBits-1:0]  sums_o
);

  localparam int unsigned Depth = max(1, tree_depth(Groups));
  localparam int unsigned Latency = Depth + (SumFolds == 1 ? 1 : 2);

  logic [Depth:0]   valid, first, start;
  logic [Latency:0] done;

  assign valid[0] = valid_i;
  assign first[0] = first_i;
  assign start[0] = start_i;
  assign done[0]  = valid_i && last_i;
  assign valid_o  = done[Latency];

  always_ff @(posedge clk_i) begin
    // All flags are reset, as mvu's are.
    if (!rst_ni) begin
      valid[Depth:1]  <= '0;
      first[Depth:1]  <= '0;
      start[Depth:1]  <= '0;
      done[Latency:1] <= '0;
    end else if (en_i) begin
      valid[Depth:1]  <= valid[Depth-1:0];
      first[Depth:1]  <= first[Depth-1:0];
      start[Depth:1]  <= start[Depth-1:0];
      done[Latency:1] <= done[Latency-1:0];
    end
  end

  serial_lanes #(
    .Pe        (Pe),
    .Simd      (Simd),
    .SumFolds  (SumFolds),
    .FoldBits  (FoldBits),
    .ActBits   (ActBits),
    .AccBits   (AccBits),
    .Depth     (Depth),
    .Groups    (Groups),
    .Members   (Members),
    .TableBits (TableBits),
    .LaneGroups(LaneGroups),
    .Source    (Source),
    .Lo        (Lo),
    .Hi        (Hi),
    .Table     (Table),
    .Fabric    (Series7)
  ) u_lanes (
    .clk_i,
    .en_i,
    .fold_i,
    .bits_i,
    .acc_valid_i(valid[Depth]),
    .acc_first_i(first[Depth]),
    .acc_start_i(start[Depth]),
    .acc_o      (sums_o)
  );

endmodule

`default_nettype wire
