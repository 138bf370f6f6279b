`default_nettype none

/// Streaming depthwise unit whose lanes are of several kinds, side by side.
///
/// A lane sums the Window products of one channel, SIMD of them a cycle; channel c is computed on
/// lane c mod PE. Windows arrive as FINN's depthwise window generator sends them: PE channels at a
/// time, for these SIMD elements after another, channels innermost. A word of weights is taken for
/// every word of activations. LUT lanes add a constant of the row's codes to their sums (see
/// msq_finn/lanes); Offset, if AddOffset, can take it off.
module vvau_msq
  import msq_pkg::*;
#(
  parameter int unsigned Window = 9,
  parameter int unsigned Channels = 4,
  parameter int unsigned SIMD = 1,
  parameter lanes_t Lanes = '0,
  parameter int unsigned WeightBits = 5,  // of a code in the stream; lanes read the low bits
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned AccBits = 16,
  parameter int unsigned DspVersion = 1,  // 1: DSP48E1, 2: DSP48E2, 3: DSP58
  parameter bit UsePrimitives = 0,
  parameter bit AddOffset = 0,
  parameter logic [Channels*AccBits-1:0] Offset = '0,

  localparam int unsigned PE = lanes_before(Lanes, MaxGroups)
) (
  input  logic                                    clk_i,
  input  logic                                    rst_ni,

  input  logic [SIMD-1:0][PE-1:0][ActBits-1:0]    act_data_i,
  input  logic                                    act_valid_i,
  output logic                                    act_ready_o,

  input  logic [PE-1:0][SIMD-1:0][WeightBits-1:0] weight_data_i,
  input  logic                                    weight_valid_i,
  output logic                                    weight_ready_o,

  output logic [PE-1:0][AccBits-1:0]              out_data_o,
  output logic                                    out_valid_o,
  input  logic                                    out_ready_i
);

  if (PE == 0) begin : gen_check_pe
    $fatal(1, "Lanes = 0: at least one lane is needed");
  end
  if (SIMD == 0 || (SIMD > 1 && lanes_of(Lanes, Dsp) > 0)) begin : gen_check_simd
    $fatal(1, "SIMD = %0d: must be at least 1, and 1 where there are DSP lanes", SIMD);
  end
  if (Window == 0 || Window % max(SIMD, 1) != 0) begin : gen_check_window
    $fatal(1, "Window = %0d: must be a positive multiple of SIMD = %0d", Window, SIMD);
  end
  if (Channels == 0 || Channels % max(PE, 1) != 0) begin : gen_check_channels
    $fatal(1, "Channels = %0d: must be a positive multiple of the number of lanes, %0d", Channels,
           PE);
  end
  if (WeightBits < 4 || WeightBits > 8) begin : gen_check_weight_bits
    $fatal(1, "WeightBits = %0d: must be 4 to 8", WeightBits);
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
  localparam int unsigned SF = Window / Simd;
  localparam int unsigned NF = Channels / max(PE, 1);
  localparam int unsigned PeDsp = lanes_of(Lanes, Dsp);

  localparam fabric_e Fabric = fabric(DspVersion, UsePrimitives);

  // Inside, an accumulator holds at least one product.
  localparam int unsigned SumBits = max(AccBits, ActBits + 4);

  localparam int unsigned LutDepth = lut_depth(Lanes, Simd);
  localparam int unsigned DspDepth = 2;  // the slice's own registers before its accumulator
  localparam int unsigned LutLatency = LutDepth + acc_depth(SumBits);
  localparam int unsigned DspLatency = DspDepth + 1;
  localparam int unsigned Latency =
      max(PE == PeDsp ? 0 : LutLatency, PeDsp == 0 ? 0 : DspLatency);

  // Everything behind the input register moves when the output can.
  logic en, fire, window_valid, window_first, window_last;

  logic [Simd-1:0][PE-1:0][ActBits-1:0]    word;
  logic [PE-1:0][Simd-1:0][ActBits-1:0]    acts;
  logic [PE-1:0][Simd-1:0][WeightBits-1:0] codes;
  logic [PE-1:0][SumBits-1:0]              sums;

  vector_replay #(
    .Width  (PE * Simd * ActBits),
    .Length (SF),
    .Repeats(1)
  ) u_input (
    .clk_i,
    .rst_ni,
    .data_i (act_data_i),
    .valid_i(act_valid_i),
    .ready_o(act_ready_o),
    .data_o (word),
    .first_o(window_first),
    .last_o (window_last),
    .valid_o(window_valid),
    .ready_i(en && weight_valid_i)
  );

  for (genvar i = 0; i < PE; i++) begin : gen_channel
    for (genvar j = 0; j < Simd; j++) begin : gen_element
      assign acts[i][j] = word[j][i];
    end
  end

  assign codes          = weight_data_i;
  assign weight_ready_o = en && window_valid;
  assign fire           = window_valid && weight_valid_i;

  logic [Latency:0] valid, first, done;

  lane_flags #(
    .Latency(Latency)
  ) u_flags (
    .clk_i,
    .rst_ni,
    .en_i   (en),
    .fire_i (fire),
    .first_i(window_first),
    .last_i (window_last),
    .valid_o(valid),
    .first_o(first),
    .done_o (done)
  );

  for (genvar g = 0; g < BuiltGroups; g++) begin : gen_group
    localparam lane_kind_t Kind = Lanes[g].kind;
    localparam int unsigned Pe = int'(Lanes[g].lanes);
    localparam int unsigned First = lanes_before(Lanes, g);
    localparam int unsigned CodeBits = int'(Kind.code_bits);

    if (Pe != 0 && CodeBits > WeightBits) begin : gen_check_code_bits
      $fatal(1, "WeightBits = %0d: a lane takes codes of %0d bits", WeightBits, CodeBits);
    end

    if (Pe != 0 && Kind.engine == Lut) begin : gen_lut
      for (genvar i = 0; i < Pe; i++) begin : gen_lane
        logic [Simd-1:0][CodeBits-1:0] lane_codes;
        logic [SumBits-1:0]            sum;

        for (genvar j = 0; j < Simd; j++) begin : gen_code
          assign lane_codes[j] = codes[First+i][j][CodeBits-1:0];
        end

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
          .codes_i    (lane_codes),
          .acts_i     (acts[First+i]),
          .acc_valid_i(valid[LutDepth]),
          .acc_first_i(first[LutDepth]),
          .acc_o      (sum)
        );

        sum_align #(
          .Width   (SumBits),
          .Cycles  (Latency - LutLatency),
          .Interval(SF)
        ) u_align (
          .clk_i,
          .en_i  (en),
          .done_i(done[LutLatency]),
          .sum_i (sum),
          .sum_o (sums[First+i])
        );
      end
    end

    if (Pe != 0 && Kind.engine == Dsp) begin : gen_dsp
      localparam int unsigned Packing = channel_packing(Window, ActBits, ActSigned, CodeBits);

      for (genvar i = 0; i < Pe; i += Packing) begin : gen_channels
        localparam int unsigned Channels = min(Packing, Pe - i);

        logic [Channels-1:0][CodeBits-1:0] weights;
        logic [Channels-1:0][ActBits-1:0]  lane_acts;
        logic [Channels-1:0][SumBits-1:0]  sum;

        for (genvar k = 0; k < Channels; k++) begin : gen_lane
          assign weights[k]   = codes[First+i+k][0][CodeBits-1:0];
          assign lane_acts[k] = acts[First+i+k][0];
        end

        dsp_channels #(
          .Channels     (Channels),
          .Window       (Window),
          .ActBits      (ActBits),
          .ActSigned    (ActSigned),
          .WeightBits   (CodeBits),
          .AccBits      (SumBits),
          .DspVersion   (DspVersion),
          .UsePrimitives(UsePrimitives)
        ) u_channels (
          .clk_i,
          .en_i       (en),
          .weights_i  (weights),
          .acts_i     (lane_acts),
          .acc_valid_i(valid[DspDepth]),
          .acc_first_i(first[DspDepth]),
          .acc_o      (sum)
        );

        sum_align #(
          .Width   (Channels * SumBits),
          .Cycles  (Latency - DspLatency),
          .Interval(SF)
        ) u_align (
          .clk_i,
          .en_i  (en),
          .done_i(done[DspLatency]),
          .sum_i (sum),
          .sum_o (sums[First+i+:Channels])
        );
      end
    end
  end

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
    .data_o (out_data_o),
    .valid_o(out_valid_o),
    .ready_i(out_ready_i)
  );

endmodule

`default_nettype wire
