`default_nettype none

/// Streaming matrix-vector unit whose lanes are of several kinds, side by side on one vector and
/// one schedule.
///
/// A vector of MW activations arrives in MW / SIMD words and leaves as MH sums in MH / PE words;
/// row r is computed on lane r mod PE. One word of codes is taken for every cycle of work, unless
/// all lanes hold their weights. LUT lanes add a constant of the row's weights to their sums (see
/// msq_finn/lanes); Offset, if AddOffset, can take it off.
module mvau_msq
  import msq_pkg::*;
#(
  parameter int unsigned MW = 16,
  parameter int unsigned MH = 4,
  parameter int unsigned SIMD = 4,
  parameter lanes_t Lanes = '0,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned AccBits = 16,
  parameter int unsigned DspVersion = 1,  // 1: DSP48E1, 2: DSP48E2, 3: DSP58
  parameter bit UsePrimitives = 0,
  parameter bit AddOffset = 0,
  parameter logic [MH*AccBits-1:0] Offset = '0,

  // Of lanes that hold their weights, see embedded_lanes.sv.
  parameter int unsigned Groups = 1,
  parameter int unsigned Members = 1,
  parameter int unsigned TableBits = 1,
  parameter logic [max(lanes_of(Lanes,Constant),1)*16-1:0] LaneGroups = '0,
  parameter logic [max(lanes_of(Lanes,Constant),1)*Groups*Members*16-1:0] Source = '0,
  parameter logic [max(lanes_of(Lanes,Constant),1)*Groups*16-1:0] Lo = '0,
  parameter logic [max(lanes_of(Lanes,Constant),1)*Groups*16-1:0] Hi = '0,
  parameter logic [max(lanes_of(Lanes,Constant),1)*Groups*TableBits*32-1:0] Table = '0,

  localparam int unsigned PeConstant = lanes_of(Lanes, Constant),
  localparam int unsigned PE = lanes_before(Lanes, MaxGroups),
  localparam int unsigned ActStreamBits = (SIMD * ActBits + 7) / 8 * 8,
  localparam int unsigned CodesBits = SIMD * code_bits_before(Lanes, MaxGroups),
  localparam int unsigned WeightStreamBits = max(1, (CodesBits + 7) / 8) * 8,
  localparam int unsigned OutStreamBits = (PE * AccBits + 7) / 8 * 8
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,

  input  logic [ActStreamBits-1:0]    act_data_i,
  input  logic                        act_valid_i,
  output logic                        act_ready_o,

  input  logic [WeightStreamBits-1:0] weight_data_i,
  input  logic                        weight_valid_i,
  output logic                        weight_ready_o,

  output logic [OutStreamBits-1:0]    out_data_o,
  output logic                        out_valid_o,
  input  logic                        out_ready_i
);

  if (PE == 0) begin : gen_check_pe
    $fatal(1, "Lanes = 0: at least one lane is needed");
  end
  if (SIMD == 0) begin : gen_check_simd
    $fatal(1, "SIMD = 0: must be at least 1");
  end
  if (MW == 0 || MW % max(SIMD, 1) != 0) begin : gen_check_mw
    $fatal(1, "MW = %0d: must be a positive multiple of SIMD = %0d", MW, SIMD);
  end
  if (MH == 0 || MH % max(PE, 1) != 0) begin : gen_check_mh
    $fatal(1, "MH = %0d: must be a positive multiple of the number of lanes, %0d", MH, PE);
  end
  if (ActBits < 2 || ActBits > 8) begin : gen_check_act_bits
    $fatal(1, "ActBits = %0d: must be 2 to 8", ActBits);
  end
  if (AccBits < 1 || AccBits > 48) begin : gen_check_acc_bits
    $fatal(1, "AccBits = %0d: must be 1 to 48", AccBits);
  end
  if (DspVersion < 1 || DspVersion > 3) begin : gen_check_dsp_version
    $fatal(1, "DspVersion = %0d: must be 1 (DSP48E1), 2 (DSP48E2) or 3 (DSP58)", DspVersion);
  end

  // At least 1, so that an illegal SIMD or PE is reported by the checks above alone.
  localparam int unsigned Simd = max(SIMD, 1);
  localparam int unsigned SF = MW / Simd;
  localparam int unsigned NF = MH / max(PE, 1);

  localparam fabric_e Fabric = fabric(DspVersion, UsePrimitives);

  // Inside, an accumulator holds at least one product.
  localparam int unsigned SumBits = max(AccBits, ActBits + widest_code(Lanes, Dsp));

  localparam int unsigned LutDepth = lut_depth(Lanes, Simd);
  localparam int unsigned EmbeddedDepth = embedded_lane_depth(Groups, ActBits);
  localparam int unsigned DspDepth = dsp_depth(Lanes, DspVersion, Simd, ActBits, ActSigned);
  localparam int unsigned AccDepth = acc_depth(SumBits);
  localparam int unsigned Latency =
      AccDepth + max(max(lanes_of(Lanes, Lut) == 0 ? 0 : LutDepth, DspDepth),
                     PeConstant == 0 ? 0 : EmbeddedDepth);

  // Everything behind the replay buffer moves when the output can.
  logic en, fire, vector_valid, vector_first, vector_last;

  logic [Simd-1:0][ActBits-1:0] acts;
  logic [max(CodesBits, 1)-1:0] codes;
  logic [PE-1:0][SumBits-1:0]   sums;
  logic                         codes_valid;

  vector_replay #(
    .Width  (Simd * ActBits),
    .Length (SF),
    .Repeats(NF)
  ) u_replay (
    .clk_i,
    .rst_ni,
    .data_i (act_data_i[Simd*ActBits-1:0]),
    .valid_i(act_valid_i),
    .ready_o(act_ready_o),
    .data_o (acts),
    .first_o(vector_first),
    .last_o (vector_last),
    .valid_o(vector_valid),
    .ready_i(en && codes_valid)
  );

  assign codes          = weight_data_i[max(CodesBits, 1)-1:0];
  assign codes_valid    = PE == PeConstant || weight_valid_i;
  assign weight_ready_o = en && vector_valid;
  assign fire           = vector_valid && codes_valid;

  logic [Latency:0] valid, first, done;

  lane_flags #(
    .Latency(Latency)
  ) u_flags (
    .clk_i,
    .rst_ni,
    .en_i   (en),
    .fire_i (fire),
    .first_i(vector_first),
    .last_i (vector_last),
    .valid_o(valid),
    .first_o(first),
    .done_o (done)
  );

  for (genvar g = 0; g < BuiltGroups; g++) begin : gen_group
    localparam lane_kind_t Kind = Lanes[g].kind;
    localparam int unsigned Pe = int'(Lanes[g].lanes);
    localparam int unsigned First = lanes_before(Lanes, g);
    localparam int unsigned CodeBits = int'(Kind.code_bits);
    localparam int unsigned Base = Simd * code_bits_before(Lanes, g);

    if (Pe != 0 && Kind.engine == Lut) begin : gen_lut
      for (genvar i = 0; i < Pe; i++) begin : gen_lane
        logic [SumBits-1:0] sum;

        lut_lane #(
          .Kind         (Kind),
          .Simd         (Simd),
          .Folds        (SF),
          .ActBits      (ActBits),
          .ActSigned    (ActSigned),
          .AccBits      (SumBits),
          .Depth        (LutDepth),
          .Fabric       (Fabric)
        ) u_lane (
          .clk_i,
          .en_i       (en),
          .codes_i    (codes[Base+i*Simd*CodeBits+:Simd*CodeBits]),
          .acts_i     (acts),
          .acc_valid_i(valid[LutDepth]),
          .acc_first_i(first[LutDepth]),
          .acc_o      (sum)
        );

        sum_align #(
          .Width   (SumBits),
          .Cycles  (Latency - AccDepth - LutDepth),
          .Interval(SF)
        ) u_align (
          .clk_i,
          .en_i  (en),
          .done_i(done[LutDepth+AccDepth]),
          .sum_i (sum),
          .sum_o (sums[First+i])
        );
      end
    end

    if (Pe != 0 && Kind.engine == Dsp) begin : gen_dsp
      dsp_engine #(
        .Pe           (Pe),
        .WeightBits   (CodeBits),
        .Simd         (Simd),
        .Chain        (int'(Kind.chain)),
        .Folds        (SF),
        .ActBits      (ActBits),
        .ActSigned    (ActSigned),
        .AccBits      (SumBits),
        .DspVersion   (DspVersion),
        .Latency      (Latency),
        .UsePrimitives(UsePrimitives)
      ) u_engine (
        .clk_i,
        .en_i     (en),
        .weights_i(codes[Base+:Pe*Simd*CodeBits]),
        .acts_i   (acts),
        .valid_i  (valid),
        .first_i  (first),
        .done_i   (done),
        .sums_o   (sums[First+:Pe])
      );
    end

    if (Pe != 0 && Kind.engine == Constant) begin : gen_constant
      localparam int unsigned Folds = SF * NF;
      localparam int unsigned FoldBits = $clog2(Folds);
      localparam int unsigned AddressBits = max(FoldBits, 1);

      logic [AddressBits-1:0] fold_q;

      always_ff @(posedge clk_i) begin
        if (!rst_ni) fold_q <= '0;
        else if (en && fire) fold_q <= fold_q == AddressBits'(Folds - 1) ? '0 : fold_q + 1'b1;
      end

      logic [Pe-1:0][SumBits-1:0] sum;

      embedded_lanes #(
        .Pe           (Pe),
        .Simd         (Simd),
        .SumFolds     (SF),
        .FoldBits     (FoldBits),
        .ActBits      (ActBits),
        .ActSigned    (ActSigned),
        .AccBits      (SumBits),
        .Groups       (Groups),
        .Members      (Members),
        .TableBits    (TableBits),
        .LaneGroups   (LaneGroups),
        .Source       (Source),
        .Lo           (Lo),
        .Hi           (Hi),
        .Table        (Table),
        .Fabric       (Fabric)
      ) u_lanes (
        .clk_i,
        .en_i       (en),
        .fold_i     (fold_q),
        .acts_i     (acts),
        .acc_valid_i(valid[EmbeddedDepth]),
        .acc_first_i(first[EmbeddedDepth]),
        .acc_o      (sum)
      );

      sum_align #(
        .Width   (Pe * SumBits),
        .Cycles  (Latency - AccDepth - EmbeddedDepth),
        .Interval(SF)
      ) u_align (
        .clk_i,
        .en_i  (en),
        .done_i(done[EmbeddedDepth+AccDepth]),
        .sum_i (sum),
        .sum_o (sums[First+:Pe])
      );
    end
  end

  logic [PE-1:0][AccBits-1:0] out;

  assign out_data_o = OutStreamBits'(out);

  unit_output #(
    .Lanes    (PE),
    .Folds    (NF),
    .SumBits  (SumBits),
    .Width    (AccBits),
    .AddOffset(AddOffset),
    .Offset   (Offset)
  ) u_output (
    .clk_i,
    .rst_ni,
    .en_o   (en),
    .done_i (done[Latency]),
    .sums_i (sums),
    .data_o (out),
    .valid_o(out_valid_o),
    .ready_i(out_ready_i)
  );

endmodule

`default_nettype wire
