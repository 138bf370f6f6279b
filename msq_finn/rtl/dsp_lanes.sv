`default_nettype none

/// Output rows that share DSPs: their weights sit side by side, Spacing bits apart, on the port
/// that is multiplied by the activation. Up to Chain slices in a chain add as many elements of the
/// vector. Sums are true sums modulo 2^AccBits.
///
/// Where there is room, fields hold sums of Chain products, each from half its range. They are
/// summed over the vector, and the accumulator starts at what takes the halves off.
///
/// Elsewhere, where Chain is 2, field k of a chain's result is lane k's sum of two products modulo
/// 2^Spacing, less what the lanes below borrowed. The lane's carry (-2 to 1) is what separates the
/// bits above the field from the next lane's sum modulo 4, which a few LUTs compute beside the DSP.
/// Fields and carries are summed over the vector in trees of their own; a lane adds its carries at
/// the top of its field and gives back its neighbour's at the bottom.
///
/// What the first two ports of a DSP hold, the third does too: no sum of a pack is wider.
module dsp_lanes
  import msq_pkg::*;
#(
  parameter int unsigned Lanes = 4,
  parameter int unsigned Simd = 4,
  parameter int unsigned Chain = 2,
  parameter int unsigned Folds = 1,
  parameter int unsigned WeightBits = 4,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned AccBits = 16,
  parameter int unsigned DspVersion = 1,
  parameter bit UsePrimitives = 0
) (
  input  logic                                       clk_i,
  input  logic                                       en_i,
  // Each element's operands come after its dsp_wait. Weights are two's complement, narrow range.
  input  logic [Lanes-1:0][Simd-1:0][WeightBits-1:0] weights_i,
  input  logic [Simd-1:0][ActBits-1:0]               acts_i,
  input  logic                                       acc_valid_i,  // dsp_lane_depth cycles later
  input  logic                                       acc_first_i,
  output logic [Lanes-1:0][AccBits-1:0]              acc_o
);

  if (DspVersion < 1 || DspVersion > 3) begin : gen_check_dsp_version
    $fatal(1, "DspVersion = %0d: must be 1 (DSP48E1), 2 (DSP48E2) or 3 (DSP58)", DspVersion);
  end
  if (WeightBits < 2 || WeightBits > dsp_weight_port(DspVersion)) begin : gen_check_weight_bits
    $fatal(1, "WeightBits = %0d: the DSP's port A takes 2 to %0d", WeightBits,
           dsp_weight_port(DspVersion));
  end
  if (ActBits < 2 || ActBits >= dsp_act_port(DspVersion) + ActSigned) begin : gen_check_act_bits
    $fatal(1, "ActBits = %0d: the DSP's port B takes 2 to %0d", ActBits,
           dsp_act_port(DspVersion) + ActSigned - 1);
  end
  if (Chain < 2) begin : gen_check_chain
    $fatal(1, "Chain = %0d: must be at least 2", Chain);
  end
  if (Lanes < 1 || Lanes > dsp_packing(DspVersion, WeightBits, ActBits, ActSigned, Chain))
  begin : gen_check_lanes
    $fatal(1, "Lanes = %0d: the DSP's port A takes 1 to %0d", Lanes,
           dsp_packing(DspVersion, WeightBits, ActBits, ActSigned, Chain));
  end
  if (AccBits < WeightBits + ActBits) begin : gen_check_acc_bits
    $fatal(1, "AccBits = %0d: a product takes %0d", AccBits, WeightBits + ActBits);
  end

  localparam fabric_e Fabric = fabric(DspVersion, UsePrimitives);
  localparam bit Apart = dsp_apart(DspVersion, WeightBits, ActBits, ActSigned, Chain);
  localparam int unsigned Spacing = dsp_spacing(DspVersion, WeightBits, ActBits, ActSigned, Chain);
  localparam int unsigned Chains = dsp_chains(Simd, Chain);
  localparam int unsigned Length = dsp_chain_length(Simd, Chain);
  localparam int unsigned FieldBits = $clog2(Chains * (2 ** Spacing - 1) + 1);
  localparam int unsigned CarryBits = carry_bits(Chains);
  logic [Lanes-1:0][Chains-1:0][FieldBits-1:0] fields;
  logic [Lanes-1:0][Chains-1:0][CarryBits-1:0] carries;  // each offset by 2: unsigned

  for (genvar c = 0; c < Chains; c++) begin : gen_chain
    localparam int unsigned Elements = min(Length, Simd - Length * c);

    logic [Lanes-1:0][Elements-1:0][WeightBits-1:0] weights;
    logic [Lanes-1:0][Spacing-1:0]                  chain_fields;
    logic [Lanes-1:0][1:0]                          chain_carries;

    for (genvar k = 0; k < Lanes; k++) begin : gen_lane
      assign weights[k]    = weights_i[k][Length*c+:Elements];
      assign fields[k][c]  = FieldBits'(chain_fields[k]);
      assign carries[k][c] = CarryBits'(chain_carries[k]);
    end

    dsp_chain #(
      .Lanes        (Lanes),
      .Chain        (Chain),
      .Elements     (Elements),
      .WeightBits   (WeightBits),
      .ActBits      (ActBits),
      .ActSigned    (ActSigned),
      .DspVersion   (DspVersion),
      .UsePrimitives(UsePrimitives)
    ) u_chain (
      .clk_i,
      .en_i,
      .weights_i(weights),
      .acts_i   (acts_i[Length*c+:Elements]),
      .fields_o (chain_fields),
      .carries_o(chain_carries)
    );
  end

  logic [Lanes-1:0][1:0][FieldBits-1:0] field_sum;  // pairs of rows

  for (genvar k = 0; k < Lanes; k++) begin : gen_fields
    row_tree #(
      .Rows         (Chains),
      .Width        (FieldBits),
      .Hi           ({Chains{index_t'(Spacing)}}),
      .Fabric       (Fabric)
    ) u_fields (
      .clk_i,
      .en_i,
      .rows_i(fields[k]),
      .s_o   (field_sum[k][0]),
      .m_o   (field_sum[k][1])
    );
  end

  if (Apart) begin : gen_apart
    localparam longint unsigned Bias = 64'(Folds) * 64'(Chains) * 2 ** (Spacing - 1);

    for (genvar k = 0; k < Lanes; k++) begin : gen_lane
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
        .s_i    (AccBits'(field_sum[k][0])),
        .m_i    (AccBits'(field_sum[k][1])),
        .acc_o  (acc_o[k])
      );
    end
  end else begin : gen_carries
    logic [Lanes-1:0][1:0][CarryBits-1:0] carry_sum;

    for (genvar k = 0; k < Lanes; k++) begin : gen_lane
      logic [1:0][CarryBits-1:0] below;

      row_tree #(
        .Rows         (Chains),
        .Width        (CarryBits),
        .Hi           ({Chains{index_t'(2)}}),
        .Fabric       (Fabric)
      ) u_carries (
        .clk_i,
        .en_i,
        .rows_i(carries[k]),
        .s_o   (carry_sum[k][0]),
        .m_o   (carry_sum[k][1])
      );

      if (k == 0) begin : gen_lowest
        assign below = '0;
      end else begin : gen_higher
        assign below = carry_sum[k-1];
      end

      dsp_lane_sum #(
        .Lowest       (k == 0),
        .Pairs        (Chains),
        .Folds        (Folds),
        .Spacing      (Spacing),
        .FieldBits    (FieldBits),
        .CarryBits    (CarryBits),
        .AccBits      (AccBits),
        .Fabric       (Fabric)
      ) u_sum (
        .clk_i,
        .en_i,
        .fields_i (field_sum[k]),
        .carries_i(carry_sum[k]),
        .below_i  (below),
        .acc_valid_i,
        .acc_first_i,
        .acc_o    (acc_o[k])
      );
    end
  end

endmodule

`default_nettype wire
