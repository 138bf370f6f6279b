`default_nettype none

/// Streaming matrix-vector unit whose lanes hold their weights and take the activations bit by bit.
///
/// As mvau_msq: a vector of MW activations arrives in MW / SIMD words and leaves as MH sums in
/// MH / PE words, row r computed on lane r mod PE; but a word of work takes ActBits cycles. Lanes
/// add a constant of the row's weights to their sums (see msq_finn/lanes); Offset, if AddOffset,
/// can take it off. The tables are laid out as embedded_lanes.sv has them.
module mvau_serial
  import msq_pkg::*;
#(
  parameter int unsigned MW = 16,
  parameter int unsigned MH = 4,
  parameter int unsigned SIMD = 4,
  parameter int unsigned PE = 2,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned AccBits = 16,
  parameter int unsigned DspVersion = 1,  // of the FPGA, 1: DSP48E1, 2: DSP48E2, 3: DSP58
  parameter bit UsePrimitives = 0,
  parameter bit AddOffset = 0,
  parameter logic [MH*AccBits-1:0] Offset = '0,

  parameter int unsigned Groups = 1,
  parameter int unsigned Members = 1,
  parameter int unsigned TableBits = 1,
  parameter logic [PE*16-1:0] LaneGroups = '0,
  parameter logic [PE*Groups*Members*16-1:0] Source = '0,
  parameter logic [PE*Groups*16-1:0] Lo = '0,
  parameter logic [PE*Groups*16-1:0] Hi = '0,
  parameter logic [PE*Groups*TableBits*32-1:0] Table = '0,

  localparam int unsigned ActStreamBits = (SIMD * ActBits + 7) / 8 * 8,
  localparam int unsigned OutStreamBits = (PE * AccBits + 7) / 8 * 8
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,

  input  logic [ActStreamBits-1:0] act_data_i,
  input  logic                     act_valid_i,
  output logic                     act_ready_o,

  output logic [OutStreamBits-1:0] out_data_o,
  output logic                     out_valid_o,
  input  logic                     out_ready_i
);

  if (SIMD == 0 || MW == 0 || MW % max(SIMD, 1) != 0) begin : gen_check_mw
    $fatal(1, "MW = %0d: must be a positive multiple of SIMD = %0d", MW, SIMD);
  end
  if (PE == 0 || MH == 0 || MH % max(PE, 1) != 0) begin : gen_check_mh
    $fatal(1, "MH = %0d: must be a positive multiple of PE = %0d", MH, PE);
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
  localparam int unsigned FoldBits = $clog2(SF * NF);
  localparam int unsigned AddressBits = max(FoldBits, 1);

  localparam fabric_e Fabric = fabric(DspVersion, UsePrimitives);

  // A plane's words are added before they accumulate, unless there is but one.
  localparam int unsigned Depth = max(1, tree_depth(Groups));
  localparam int unsigned Latency = Depth + (SF == 1 ? 1 : 2);

  // Everything behind the replay buffer moves when the output can.
  logic en, valid_in, first_in, start_in, last_in;

  logic [Simd-1:0]            bits;
  logic [AddressBits-1:0]     fold;
  logic [PE-1:0][AccBits-1:0] sums, out;

  plane_replay #(
    .Simd     (Simd),
    .ActBits  (ActBits),
    .ActSigned(ActSigned),
    .Length   (SF),
    .Repeats  (NF)
  ) u_replay (
    .clk_i,
    .rst_ni,
    .data_i (act_data_i[Simd*ActBits-1:0]),
    .valid_i(act_valid_i),
    .ready_o(act_ready_o),
    .bits_o (bits),
    .fold_o (fold),
    .start_o(start_in),
    .first_o(first_in),
    .last_o (last_in),
    .valid_o(valid_in),
    .ready_i(en)
  );

  logic [Latency:0] valid, first, done;
  logic             start;

  lane_flags #(
    .Latency(Latency)
  ) u_flags (
    .clk_i,
    .rst_ni,
    .en_i   (en),
    .fire_i (valid_in),
    .first_i(first_in),
    .last_i (last_in),
    .valid_o(valid),
    .first_o(first),
    .done_o (done)
  );

  delay_line #(
    .Width (1),
    .Cycles(Depth)
  ) u_start (
    .clk_i,
    .en_i  (en),
    .data_i(start_in),
    .data_o(start)
  );

`ifndef MSQ_CONTROL_ONLY
  serial_lanes #(
    .Pe        (PE),
    .Simd      (Simd),
    .SumFolds  (SF),
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
    .Fabric    (Fabric)
  ) u_lanes (
    .clk_i,
    .en_i       (en),
    .fold_i     (fold),
    .bits_i     (bits),
    .acc_valid_i(valid[Depth]),
    .acc_first_i(first[Depth]),
    .acc_start_i(start),
    .acc_o      (sums)
  );
`endif

  assign out_data_o = OutStreamBits'(out);

  unit_output #(
    .Lanes    (PE),
    .Folds    (NF),
    .SumBits  (AccBits),
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
