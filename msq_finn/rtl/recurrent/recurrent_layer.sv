`default_nettype none

/// A layer of an LSTM or a GRU: inputs and the state before as one vector on the lanes of
/// mvau_msq, the sums on the scales of their quantizers, then unit by unit the new state.
///
/// A unit has four rows, one behind the other, so that PE / 4 units leave the lanes at a time.
/// Frames are Steps vectors of Inputs; every step waits for the state of the one before, but for
/// the first, whose state is 0. States leave in words of PE / 4, of all steps or of the last.
/// Steps of several sequences may be taken in turn, so that the lanes do not wait.
///
/// Where a sequence is shorter than its frame, the last state is the sequence's, and all states are
/// 0 in the frame's other steps; words come and go as ever. What is written of the length while
/// frames are under way holds for later ones.
module recurrent_layer
  import msq_pkg::*;
#(
  parameter bit Gru = 0,
  parameter int unsigned Steps = 1,
  parameter int unsigned Inputs = 4,  // a multiple of SIMD, as States is
  parameter int unsigned States = 4,
  parameter bit AllStates = 1,
  parameter int unsigned Places = 1,  // for sequences under way
  parameter bit Shorter = 0,          // sequences may be shorter than frames
  parameter bit PaddingFirst = 0,     // where they are; else it is behind the sequence

  // Of mvau_msq.
  parameter int unsigned SIMD = 4,
  parameter lanes_t Lanes = '0,
  parameter int unsigned ActBits = 8,  // of inputs and states
  parameter bit ActSigned = 1,
  parameter int unsigned SumBits = 16,
  parameter int unsigned DspVersion = 1,
  parameter bit UsePrimitives = 0,

  // Of gate_levels.
  parameter int unsigned LevelBits = 8,
  parameter int signed LevelLow = -128,
  parameter int signed LevelHigh = 127,
  parameter int unsigned GateFactorBits = 8,
  parameter int unsigned GateOffsetBits = 8,
  parameter int unsigned GateShift = 1,
  parameter bit [4*States*GateFactorBits-1:0] GateFactor = '0,
  parameter bit [4*States*GateOffsetBits-1:0] GateOffset = '0,

  // Of lstm_units (input, forget, output gate, cell gate) or gru_units (reset, keep, take).
  parameter int unsigned SigmoidBits = 8,
  parameter int unsigned TanhBits = 8,
  parameter int unsigned CellBits = 8,  // of a GRU, LevelBits
  parameter int signed CellLow = -128,
  parameter int signed CellHigh = 127,
  parameter int signed OutLow = -128,
  parameter int signed OutHigh = 127,
  parameter bit [2:0][2**LevelBits-1:0][SigmoidBits-1:0] GateTables = '0,
  parameter bit [2**LevelBits-1:0][TanhBits-1:0] CellTable = '0,
  parameter bit [2**CellBits-1:0][TanhBits-1:0] StateTable = '0,
  parameter int unsigned FactorBits = 8,
  parameter int unsigned OffsetBits = 8,
  parameter int unsigned Shift = 1,
  parameter bit [2:0][FactorBits-1:0] Factor = '0,
  parameter bit [2:0][OffsetBits-1:0] Offset = '0,

  localparam int unsigned LengthBits = $clog2(Steps + 1),
  localparam int unsigned PE = lanes_before(Lanes, MaxGroups),
  localparam int unsigned Units = PE / 4,
  localparam int unsigned CodesBits = SIMD * code_bits_before(Lanes, MaxGroups),
  localparam int unsigned WeightStreamBits = max(1, (CodesBits + 7) / 8) * 8
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,

  input  logic [LengthBits-1:0]         length_i,  // of sequences, 1 to Steps

  input  logic [SIMD*ActBits-1:0]       in_data_i,
  input  logic                          in_valid_i,
  output logic                          in_ready_o,

  input  logic [WeightStreamBits-1:0]   weight_data_i,
  input  logic                          weight_valid_i,
  output logic                          weight_ready_o,

  output logic [max(Units,1)*ActBits-1:0] out_data_o,
  output logic                          out_valid_o,
  input  logic                          out_ready_i
);

  if (PE == 0 || PE % 4 != 0 || States % max(Units, 1) != 0) begin : gen_check_units
    $fatal(1, "%0d lanes: must be four a unit, of units that divide %0d", PE, States);
  end
  if (SIMD == 0 || Inputs % max(SIMD, 1) != 0 || States % max(SIMD, 1) != 0) begin : gen_check_simd
    $fatal(1, "SIMD = %0d: must divide %0d inputs and %0d states", SIMD, Inputs, States);
  end

  localparam int unsigned MW = Inputs + States;
  localparam int unsigned MH = 4 * States;
  localparam int unsigned NF = States / max(Units, 1);
  localparam int unsigned ActStreamBits = (SIMD * ActBits + 7) / 8 * 8;
  localparam int unsigned SumStreamBits = (PE * SumBits + 7) / 8 * 8;
  localparam int unsigned StepBits = Steps > 1 ? $clog2(Steps) : 1;
  localparam int unsigned PlaceBits = Places > 1 ? $clog2(Places) : 1;
  localparam bit KeepsResults = AllStates && Places > 1;

  // Everything behind the lanes moves when the output can.
  logic en;

  logic [SIMD*ActBits-1:0] state_word, act_word;
  logic                    act_valid, act_ready, state_read;
  logic [PlaceBits-1:0]    place_read;
  logic                    levels_valid, state_valid;

  // Which step of which sequence the levels are of, and which the states that leave.
  logic [StepBits-1:0]     step_out;
  logic [PlaceBits-1:0]    place_in, place_out, place_left;
  logic                    first_in, inside_out, last_out, read_out;
  logic                    last_fold, leave, results_left;

  step_schedule #(
    .Width       (SIMD * ActBits),
    .Steps       (Steps),
    .InputWords  (Inputs / max(SIMD, 1)),
    .StateWords  (States / max(SIMD, 1)),
    .Words       (NF),
    .Places      (Places),
    .KeepsResults(KeepsResults),
    .Shorter     (Shorter),
    .PaddingFirst(PaddingFirst)
  ) u_schedule (
    .clk_i,
    .rst_ni,
    .length_i,
    .in_data_i,
    .in_valid_i,
    .in_ready_o,
    .out_data_o    (act_word),
    .out_valid_o   (act_valid),
    .out_ready_i   (act_ready),
    .state_place_o (place_read),
    .state_i       (state_word),
    .state_read_o  (state_read),
    .level_i       (levels_valid && en),
    .level_place_o (place_in),
    .level_first_o (first_in),
    .leave_i       (leave),
    .leave_place_o (place_out),
    .leave_step_o  (step_out),
    .leave_inside_o(inside_out),
    .leave_last_o  (last_out),
    .leave_read_o  (read_out),
    .last_word_o   (last_fold),
    .results_left_i(results_left),
    .left_place_i  (place_left)
  );

  logic [SumStreamBits-1:0] sums;
  logic                     sums_valid;

  mvau_msq #(
    .MW(MW), .MH(MH), .SIMD(SIMD), .Lanes(Lanes), .ActBits(ActBits), .ActSigned(ActSigned),
    .AccBits(SumBits), .DspVersion(DspVersion), .UsePrimitives(UsePrimitives)
  ) u_lanes (
    .clk_i,
    .rst_ni,
    .act_data_i (ActStreamBits'(act_word)),
    .act_valid_i(act_valid),
    .act_ready_o(act_ready),
    .weight_data_i,
    .weight_valid_i,
    .weight_ready_o,
    .out_data_o (sums),
    .out_valid_o(sums_valid),
    .out_ready_i(en)
  );

  logic [PE-1:0][LevelBits-1:0] levels;

  gate_levels #(
    .Lanes(PE), .Folds(NF), .SumBits(SumBits), .FactorBits(GateFactorBits),
    .OffsetBits(GateOffsetBits), .Shift(GateShift), .LevelBits(LevelBits), .Low(LevelLow),
    .High(LevelHigh), .Factor(GateFactor), .Offset(GateOffset)
  ) u_levels (
    .clk_i,
    .rst_ni,
    .en_i    (en),
    .valid_i (sums_valid),
    .sums_i  (sums[PE*SumBits-1:0]),
    .valid_o (levels_valid),
    .levels_o(levels)
  );

  logic [Units-1:0][ActBits-1:0] state, state_shown, state_before;
  logic [PlaceBits-1:0]          place_before;
  logic                          before_read;

  if (Gru) begin : gen_gru
    gru_units #(
      .Units(Units), .Places(Places), .LevelBits(LevelBits), .LevelLow(LevelLow),
      .LevelHigh(LevelHigh), .SigmoidBits(SigmoidBits), .TanhBits(TanhBits), .OutBits(ActBits),
      .OutLow(OutLow), .OutHigh(OutHigh), .ResetTable(GateTables[0]),
      .KeepTable(GateTables[1]), .TakeTable(GateTables[2]), .StateTable(StateTable),
      .FactorBits(FactorBits), .OffsetBits(OffsetBits), .Shift(Shift), .Factor(Factor),
      .Offset(Offset)
    ) u_units (
      .clk_i,
      .rst_ni,
      .en_i    (en),
      .valid_i (levels_valid),
      .first_i (first_in),
      .place_i (place_in),
      .levels_i(levels),
      .before_i(state_before),
      .before_place_o(place_before),
      .read_o  (before_read),
      .valid_o (state_valid),
      .state_o (state)
    );
  end else begin : gen_lstm
    assign before_read  = 1'b0;
    assign place_before = '0;

    lstm_units #(
      .Units(Units), .States(States), .Places(Places), .LevelBits(LevelBits),
      .SigmoidBits(SigmoidBits), .TanhBits(TanhBits), .CellBits(CellBits), .CellLow(CellLow),
      .CellHigh(CellHigh), .OutBits(ActBits), .OutLow(OutLow), .OutHigh(OutHigh),
      .InputTable(GateTables[0]), .ForgetTable(GateTables[1]), .CellTable(CellTable),
      .OutputTable(GateTables[2]), .StateTable(StateTable), .FactorBits(FactorBits),
      .OffsetBits(OffsetBits), .Shift(Shift), .Factor(Factor), .Offset(Offset)
    ) u_units (
      .clk_i,
      .rst_ni,
      .en_i    (en),
      .valid_i (levels_valid),
      .first_i (first_in),
      .place_i (place_in),
      .levels_i(levels),
      .valid_o (state_valid),
      .state_o (state)
    );
  end

  assign leave = state_valid && en;

  if (!AllStates && Shorter && !PaddingFirst) begin : gen_last
    last_state #(.Width(Units * ActBits), .Words(NF), .Places(Places)) u_last (
      .clk_i,
      .rst_ni,
      .next_i     (leave),
      .place_i    (place_out),
      .last_word_i(last_fold),
      .last_step_i(last_out),
      .data_i     (state),
      .data_o     (state_shown)
    );
  end else begin : gen_as_is
    assign state_shown = inside_out ? state : '0;
  end

  if (KeepsResults) begin : gen_results
    // There is room for all states of a sequence that has begun.
    assign en = 1'b1;

    result_store #(
      .Width (Units * ActBits),
      .Places(Places),
      .Steps (Steps),
      .Words (NF)
    ) u_results (
      .clk_i,
      .rst_ni,
      .write_i     (leave),
      .place_i     (place_out),
      .step_i      (step_out),
      .last_word_i (last_fold),
      .data_i      (state_shown),
      .left_o      (results_left),
      .left_place_o(place_left),
      .out_data_o,
      .out_valid_o,
      .out_ready_i
    );
  end else begin : gen_no_results
    assign {results_left, place_left} = '0;
    assign out_valid_o                = state_valid
                                        && (AllStates || step_out == StepBits'(Steps - 1));
    assign out_data_o                 = state_shown;
    assign en                         = !out_valid_o || out_ready_i;
  end

  // The last step's state has no reader, and padding's has none.
  state_store #(
    .Elements (States),
    .Bits     (ActBits),
    .WriteWord(Units),
    .ReadWord (SIMD),
    .Places   (Places)
  ) u_states (
    .clk_i,
    .rst_ni,
    .write_i(leave && read_out),
    .write_place_i(place_out),
    .data_i (state),
    .read_i (state_read),
    .read_place_i(place_read),
    .read_o (state_word),
    .again_i(before_read),
    .again_place_i(place_before),
    .again_o(state_before)
  );

endmodule

`default_nettype wire
