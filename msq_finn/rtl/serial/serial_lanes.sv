`default_nettype none

/// Serial lanes side by side, each with its own tables, which embedded_lanes.sv lays out.
module serial_lanes
  import msq_pkg::*;
#(
  parameter int unsigned Pe = 2,
  parameter int unsigned Simd = 4,
  parameter int unsigned SumFolds = 1,  // words of activations that a sum takes
  parameter int unsigned FoldBits = 1,  // of the fold's address; 0: there is but one fold
  parameter int unsigned ActBits = 4,
  parameter int unsigned AccBits = 16,
  parameter int unsigned Depth = 1,     // cycles to the accumulators
  parameter int unsigned Groups = 1,
  parameter int unsigned Members = 4,
  parameter int unsigned TableBits = 1,
  parameter logic [Pe*16-1:0] LaneGroups = {Pe{16'd1}},  // groups that a lane does have
  parameter logic [Pe*Groups*Members*16-1:0] Source = '0,
  parameter logic [Pe*Groups*16-1:0] Lo = '0,
  parameter logic [Pe*Groups*16-1:0] Hi = {(Pe*Groups){16'd1}},
  parameter logic [Pe*Groups*TableBits*32-1:0] Table = '0,
  parameter fabric_e Fabric = Portable,

  localparam int unsigned AddressBits = max(FoldBits, 1)
) (
  input  logic                       clk_i,
  input  logic                       en_i,
  input  logic [AddressBits-1:0]     fold_i,
  input  logic [Simd-1:0]            bits_i,
  input  logic                       acc_valid_i,  // Depth cycles later, as the other two
  input  logic                       acc_first_i,
  input  logic                       acc_start_i,
  output logic [Pe-1:0][AccBits-1:0] acc_o
);

  if (Members + FoldBits != 5) begin : gen_check_members
    $fatal(1, "Members = %0d: with %0d bits of a fold's address, tables must have 5 inputs",
           Members, FoldBits);
  end

  typedef index_t [Groups-1:0] ends_t;
  typedef index_t [Groups-1:0][Members-1:0] sources_t;
  typedef bit [Groups-1:0][TableBits-1:0][31:0] tables_t;

  for (genvar i = 0; i < Pe; i++) begin : gen_lane
    localparam int unsigned Own = int'(LaneGroups[i*16+:16]);
    localparam ends_t AllLo = Lo[i*$bits(ends_t)+:$bits(ends_t)];
    localparam ends_t AllHi = Hi[i*$bits(ends_t)+:$bits(ends_t)];
    localparam sources_t AllSources = Source[i*$bits(sources_t)+:$bits(sources_t)];
    localparam tables_t AllTables = Table[i*$bits(tables_t)+:$bits(tables_t)];

    serial_lane #(
      .Simd     (Simd),
      .SumFolds (SumFolds),
      .FoldBits (FoldBits),
      .ActBits  (ActBits),
      .AccBits  (AccBits),
      .Depth    (Depth),
      .Groups   (Own),
      .Members  (Members),
      .TableBits(TableBits),
      .Source   (AllSources[Own-1:0]),
      .Lo       (AllLo[Own-1:0]),
      .Hi       (AllHi[Own-1:0]),
      .Table    (AllTables[Own-1:0]),
      .Fabric   (Fabric)
    ) u_lane (
      .clk_i,
      .en_i,
      .fold_i,
      .bits_i,
      .acc_valid_i,
      .acc_first_i,
      .acc_start_i,
      .acc_o      (acc_o[i])
    );
  end

endmodule

`default_nettype wire
