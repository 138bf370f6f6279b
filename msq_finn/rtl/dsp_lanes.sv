`default_nettype none

/// Output rows that share DSPs: their weights sit side by side, Spacing bits apart, on the port
/// that is multiplied by the activation. Two slices in a chain add two elements of the vector.
///
/// Field k of a chain's result is lane k's sum of two products modulo 2^Spacing, less what the
/// lanes below borrowed. The lane's carry (-2 to 1) is what separates the bits above the field from
/// the next lane's sum modulo 4, which a few LUTs compute beside the DSP. Fields and carries are
/// summed over the vector in trees of their own; a lane adds its carries at the top of its field
/// and gives back its neighbour's at the bottom. Sums are true sums modulo 2^AccBits.
module dsp_lanes
  import msq_pkg::*;
#(
  parameter int unsigned Lanes = 4,
  parameter int unsigned Simd = 4,
  parameter int unsigned Folds = 1,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned AccBits = 16,
  parameter int unsigned DspVersion = 1,
  parameter bit UsePrimitives = 0
) (
  input  logic                            clk_i,
  input  logic                            en_i,
  input  logic [Lanes-1:0][Simd-1:0][3:0] weights_i,    // two's complement, -7 to 7
  input  logic [Simd-1:0][ActBits-1:0]    acts_i,
  input  logic                            acc_en_i,     // dsp_lane_depth cycles later
  input  logic                            acc_first_i,
  output logic [Lanes-1:0][AccBits-1:0]   acc_o
);

  localparam int unsigned Spacing = dsp_spacing(ActBits, ActSigned);
  localparam int unsigned Pairs = (Simd + 1) / 2;
  localparam int unsigned FieldBits = $clog2(Pairs * (2 ** Spacing - 1) + 1);
  localparam int unsigned CarryBits = carry_bits(Pairs);
  logic [Lanes-1:0][Pairs-1:0][FieldBits-1:0] fields;
  logic [Lanes-1:0][Pairs-1:0][CarryBits-1:0] carries;  // each offset by 2: unsigned

  for (genvar p = 0; p < Pairs; p++) begin : gen_pair
    localparam int unsigned Elements = min(2, Simd - 2 * p);

    logic [Lanes-1:0][Elements-1:0][3:0] weights;
    logic [Lanes-1:0][Spacing-1:0]       pair_fields;
    logic [Lanes-1:0][1:0]               pair_carries;

    for (genvar k = 0; k < Lanes; k++) begin : gen_lane
      assign weights[k]    = weights_i[k][2*p+:Elements];
      assign fields[k][p]  = FieldBits'(pair_fields[k]);
      assign carries[k][p] = CarryBits'(pair_carries[k]);
    end

    dsp_pair #(
      .Lanes        (Lanes),
      .Elements     (Elements),
      .ActBits      (ActBits),
      .ActSigned    (ActSigned),
      .DspVersion   (DspVersion),
      .UsePrimitives(UsePrimitives)
    ) u_pair (
      .clk_i,
      .en_i,
      .weights_i(weights),
      .acts_i   (acts_i[2*p+:Elements]),
      .fields_o (pair_fields),
      .carries_o(pair_carries)
    );
  end

  logic [Lanes-1:0][1:0][FieldBits-1:0] field_sum;  // pairs of rows
  logic [Lanes-1:0][1:0][CarryBits-1:0] carry_sum;

  for (genvar k = 0; k < Lanes; k++) begin : gen_trees
    row_tree #(
      .Rows         (Pairs),
      .Width        (FieldBits),
      .Hi           ({Pairs{index_t'(Spacing)}}),
      .UsePrimitives(UsePrimitives)
    ) u_fields (
      .clk_i,
      .en_i,
      .rows_i(fields[k]),
      .s_o   (field_sum[k][0]),
      .m_o   (field_sum[k][1])
    );

    row_tree #(
      .Rows         (Pairs),
      .Width        (CarryBits),
      .Hi           ({Pairs{index_t'(2)}}),
      .UsePrimitives(UsePrimitives)
    ) u_carries (
      .clk_i,
      .en_i,
      .rows_i(carries[k]),
      .s_o   (carry_sum[k][0]),
      .m_o   (carry_sum[k][1])
    );
  end

  for (genvar k = 0; k < Lanes; k++) begin : gen_lane
    logic [1:0][CarryBits-1:0] below;

    if (k == 0) begin : gen_lowest
      assign below = '0;
    end else begin : gen_higher
      assign below = carry_sum[k-1];
    end

    dsp_lane_sum #(
      .Lowest       (k == 0),
      .Pairs        (Pairs),
      .Folds        (Folds),
      .Spacing      (Spacing),
      .FieldBits    (FieldBits),
      .CarryBits    (CarryBits),
      .AccBits      (AccBits),
      .UsePrimitives(UsePrimitives)
    ) u_sum (
      .clk_i,
      .en_i,
      .fields_i (field_sum[k]),
      .carries_i(carry_sum[k]),
      .below_i  (below),
      .acc_en_i,
      .acc_first_i,
      .acc_o    (acc_o[k])
    );
  end

endmodule

`default_nettype wire
