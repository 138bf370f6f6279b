`default_nettype none

/// Units of a GRU from the levels of their sums to their state, Units at a time, in order.
///
/// n = tanh(clip(inputs + r * states)) and h' = clip(z * h + (1 - z) * n), every product on the
/// scale of its quantizer. Twelve cycles, all enabled together.
module gru_units #(
  parameter int unsigned Units = 1,
  parameter int unsigned Places = 1,  // sequences under way
  parameter int unsigned LevelBits = 8,
  parameter int signed LevelLow = -128,
  parameter int signed LevelHigh = 127,
  parameter int unsigned SigmoidBits = 8,  // unsigned
  parameter int unsigned TanhBits = 8,
  parameter int unsigned OutBits = 8,
  parameter int signed OutLow = -128,
  parameter int signed OutHigh = 127,
  parameter bit [2**LevelBits-1:0][SigmoidBits-1:0] ResetTable = '0,
  parameter bit [2**LevelBits-1:0][SigmoidBits-1:0] KeepTable = '0,  // z
  parameter bit [2**LevelBits-1:0][SigmoidBits-1:0] TakeTable = '0,  // 1 - z
  parameter bit [2**LevelBits-1:0][TanhBits-1:0] StateTable = '0,
  // Of r * states, of z * h and of (1 - z) * n.
  parameter int unsigned FactorBits = 8,
  parameter int unsigned OffsetBits = 8,
  parameter int unsigned Shift = 1,
  parameter bit [2:0][FactorBits-1:0] Factor = '0,
  parameter bit [2:0][OffsetBits-1:0] Offset = '0,

  localparam int unsigned PlaceBits = Places > 1 ? $clog2(Places) : 1
) (
  input  logic                                clk_i,
  input  logic                                rst_ni,
  input  logic                                en_i,
  input  logic                                valid_i,
  input  logic                                first_i,  // without a state before
  input  logic [PlaceBits-1:0]                place_i,  // of its sequence
  // Reset and update gate, the candidate's inputs and its states.
  input  logic [Units-1:0][3:0][LevelBits-1:0] levels_i,
  input  logic [Units-1:0][OutBits-1:0]       before_i,  // states before the step
  output logic [PlaceBits-1:0]                before_place_o,
  output logic                                read_o,    // these have been taken
  output logic                                valid_o,
  output logic [Units-1:0][OutBits-1:0]       state_o
);

  logic [12:0]               valid;
  logic [7:0]                first;
  logic [7:0][PlaceBits-1:0] places;

  assign valid[0] = valid_i;
  assign valid_o  = valid[12];
  assign first[0] = first_i;

  assign places[0]      = place_i;
  assign before_place_o = places[7];
  // Before a sequence's first step and in padding the state is 0, and none was written.
  assign read_o   = valid[7] && !first[7] && en_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid[12:1] <= '0;
    else if (en_i) valid[12:1] <= valid[11:0];
  end

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      first[7:1]  <= first[6:0];
      places[7:1] <= places[6:0];
    end
  end

  for (genvar u = 0; u < int'(Units); u++) begin : gen_unit
    logic [SigmoidBits-1:0] reset_gate, keep, take, keep_7, take_7;
    logic [LevelBits-1:0]   inputs_5, states_1, scaled, candidate;
    logic [TanhBits-1:0]    shown;
    logic [OutBits-1:0]     previous, kept, taken;

    table_rom #(.InBits(LevelBits), .OutBits(SigmoidBits), .Table(ResetTable)) u_reset (
      .clk_i, .en_i, .index_i(levels_i[u][0]), .value_o(reset_gate)
    );
    table_rom #(.InBits(LevelBits), .OutBits(SigmoidBits), .Table(KeepTable)) u_keep (
      .clk_i, .en_i, .index_i(levels_i[u][1]), .value_o(keep)
    );
    table_rom #(.InBits(LevelBits), .OutBits(SigmoidBits), .Table(TakeTable)) u_take (
      .clk_i, .en_i, .index_i(levels_i[u][1]), .value_o(take)
    );
    delay_line #(.Width(LevelBits), .Cycles(5)) u_inputs (
      .clk_i, .en_i, .data_i(levels_i[u][2]), .data_o(inputs_5)
    );
    delay_line #(.Width(LevelBits), .Cycles(1)) u_states (
      .clk_i, .en_i, .data_i(levels_i[u][3]), .data_o(states_1)
    );

    scaled_product #(
      .LhsBits(SigmoidBits + 1), .RhsBits(LevelBits), .FactorBits(FactorBits),
      .OffsetBits(OffsetBits), .Factor(Factor[0]), .Offset(Offset[0]), .Shift(Shift),
      .Low(LevelLow), .High(LevelHigh), .OutBits(LevelBits)
    ) u_scaled (
      .clk_i, .en_i, .lhs_i({1'b0, reset_gate}), .rhs_i(states_1), .level_o(scaled)
    );

    clipped_sum #(.Bits(LevelBits), .Low(LevelLow), .High(LevelHigh)) u_candidate (
      .clk_i, .en_i, .lhs_i(inputs_5), .rhs_i(scaled), .sum_o(candidate)
    );

    table_rom #(.InBits(LevelBits), .OutBits(TanhBits), .Table(StateTable)) u_shown (
      .clk_i, .en_i, .index_i(candidate), .value_o(shown)
    );

    delay_line #(.Width(2 * SigmoidBits), .Cycles(6)) u_wait (
      .clk_i, .en_i, .data_i({keep, take}), .data_o({keep_7, take_7})
    );

    assign previous = first[7] ? '0 : before_i[u];

    scaled_product #(
      .LhsBits(SigmoidBits + 1), .RhsBits(OutBits), .FactorBits(FactorBits),
      .OffsetBits(OffsetBits), .Factor(Factor[1]), .Offset(Offset[1]), .Shift(Shift),
      .Low(OutLow), .High(OutHigh), .OutBits(OutBits)
    ) u_kept (
      .clk_i, .en_i, .lhs_i({1'b0, keep_7}), .rhs_i(previous), .level_o(kept)
    );

    scaled_product #(
      .LhsBits(SigmoidBits + 1), .RhsBits(TanhBits), .FactorBits(FactorBits),
      .OffsetBits(OffsetBits), .Factor(Factor[2]), .Offset(Offset[2]), .Shift(Shift),
      .Low(OutLow), .High(OutHigh), .OutBits(OutBits)
    ) u_taken (
      .clk_i, .en_i, .lhs_i({1'b0, take_7}), .rhs_i(shown), .level_o(taken)
    );

    clipped_sum #(.Bits(OutBits), .Low(OutLow), .High(OutHigh)) u_next (
      .clk_i, .en_i, .lhs_i(kept), .rhs_i(taken), .sum_o(state_o[u])
    );
  end

endmodule

`default_nettype wire
