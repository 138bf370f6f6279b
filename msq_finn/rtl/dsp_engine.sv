`default_nettype none

/// The DSP lanes of one kind in a matrix-vector unit, pack by pack, their sums kept for Latency.
/// Operands wait here for the slices of a chain that come later.
///
/// valid_i, first_i and done_i are those of lane_flags, by cycles since a word was taken.
module dsp_engine
  import msq_pkg::*;
#(
  parameter int unsigned Pe = 4,
  parameter int unsigned WeightBits = 4,
  parameter int unsigned Simd = 4,
  parameter int unsigned Chain = 2,
  parameter int unsigned Folds = 1,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned AccBits = 16,
  parameter int unsigned DspVersion = 1,
  parameter int unsigned Latency = 5,
  parameter bit UsePrimitives = 0
) (
  input  logic                                    clk_i,
  input  logic                                    en_i,
  input  logic [Pe-1:0][Simd-1:0][WeightBits-1:0] weights_i,
  input  logic [Simd-1:0][ActBits-1:0]            acts_i,
  input  logic [Latency:0]                        valid_i,
  input  logic [Latency:0]                        first_i,
  input  logic [Latency:0]                        done_i,
  output logic [Pe-1:0][AccBits-1:0]              sums_o
);

  localparam int unsigned Packing = dsp_packing(DspVersion, WeightBits, ActBits, ActSigned, Chain);
  localparam int unsigned LaneDepth =
      dsp_lane_depth(DspVersion, Simd, WeightBits, ActBits, ActSigned, Chain);
  localparam int unsigned LaneLatency = LaneDepth + acc_depth(AccBits);

  logic [Pe-1:0][Simd-1:0][WeightBits-1:0] weights;
  logic [Simd-1:0][ActBits-1:0]            acts;

  for (genvar e = 0; e < Simd; e++) begin : gen_element
    logic [Pe-1:0][WeightBits-1:0] early, late;

    for (genvar k = 0; k < Pe; k++) begin : gen_weight
      assign early[k]      = weights_i[k][e];
      assign weights[k][e] = late[k];
    end

    delay_line #(
      .Width (Pe * WeightBits + ActBits),
      .Cycles(dsp_wait(Simd, Chain, e))
    ) u_wait (
      .clk_i,
      .en_i,
      .data_i({early, acts_i[e]}),
      .data_o({late, acts[e]})
    );
  end

  for (genvar i = 0; i < Pe; i += Packing) begin : gen_lanes
    localparam int unsigned Lanes = min(Packing, Pe - i);

    logic [Lanes-1:0][AccBits-1:0] sum;

    dsp_lanes #(
      .Lanes        (Lanes),
      .Simd         (Simd),
      .Chain        (Chain),
      .Folds        (Folds),
      .WeightBits   (WeightBits),
      .ActBits      (ActBits),
      .ActSigned    (ActSigned),
      .AccBits      (AccBits),
      .DspVersion   (DspVersion),
      .UsePrimitives(UsePrimitives)
    ) u_lanes (
      .clk_i,
      .en_i,
      .weights_i  (weights[i+:Lanes]),
      .acts_i     (acts),
      .acc_valid_i(valid_i[LaneDepth]),
      .acc_first_i(first_i[LaneDepth]),
      .acc_o      (sum)
    );

    sum_align #(
      .Width   (Lanes * AccBits),
      .Cycles  (Latency - LaneLatency),
      .Interval(Folds)
    ) u_align (
      .clk_i,
      .en_i,
      .done_i(done_i[LaneLatency]),
      .sum_i (sum),
      .sum_o (sums_o[i+:Lanes])
    );
  end

endmodule

`default_nettype wire
