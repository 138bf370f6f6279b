`default_nettype none

/// Units of an LSTM from the levels of their gates to their state, Units at a time, in order.
///
/// c' = clip(f * c + i * g) and h = o * tanh(c'), every product on the scale of its quantizer.
/// Eleven cycles, all enabled together.
module lstm_units #(
  parameter int unsigned Units = 1,
  parameter int unsigned States = 4,    // of the layer, a multiple of Units
  parameter int unsigned Places = 1,    // sequences under way
  parameter int unsigned LevelBits = 8,
  parameter int unsigned SigmoidBits = 8,  // unsigned
  parameter int unsigned TanhBits = 8,
  parameter int unsigned CellBits = 8,
  parameter int signed CellLow = -128,
  parameter int signed CellHigh = 127,
  parameter int unsigned OutBits = 8,
  parameter int signed OutLow = -128,
  parameter int signed OutHigh = 127,
  parameter bit [2**LevelBits-1:0][SigmoidBits-1:0] InputTable = '0,
  parameter bit [2**LevelBits-1:0][SigmoidBits-1:0] ForgetTable = '0,
  parameter bit [2**LevelBits-1:0][TanhBits-1:0] CellTable = '0,
  parameter bit [2**LevelBits-1:0][SigmoidBits-1:0] OutputTable = '0,
  parameter bit [2**CellBits-1:0][TanhBits-1:0] StateTable = '0,
  // Of f * c, of i * g and of o * tanh(c').
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
  input  logic [Units-1:0][3:0][LevelBits-1:0] levels_i,  // input, forget, cell, output gate
  output logic                                valid_o,
  output logic [Units-1:0][OutBits-1:0]       state_o
);

  localparam int unsigned Words = States / Units;
  localparam int unsigned WordBits = Words > 1 ? $clog2(Words) : 1;
  localparam int unsigned AddressBits = Words * Places > 1 ? $clog2(Words * Places) : 1;

  logic [11:0]               valid;
  logic                      first;
  logic [6:0][PlaceBits-1:0] places;

  assign valid[0] = valid_i;
  assign valid_o  = valid[11];

  assign places[0] = place_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid[11:1] <= '0;
    else if (en_i) valid[11:1] <= valid[10:0];
  end

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      first       <= first_i;
      places[6:1] <= places[5:0];
    end
  end

  logic [Units-1:0][CellBits-1:0] cell_before, cell_next;

  // Cells in the order of the units; a step reads what the one before has written.
  function automatic logic [AddressBits-1:0] address(
    logic [PlaceBits-1:0] place, logic [WordBits-1:0] word
  );
    return AddressBits'(place * Words + 32'(word));
  endfunction

  logic [WordBits-1:0]       read_q, write_q;
  logic [Units*CellBits-1:0] memory [Words*Places];

  assign cell_before = memory[address(places[1], read_q)];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_q  <= '0;
      write_q <= '0;
    end else if (en_i) begin
      if (valid[1]) read_q <= read_q == WordBits'(Words - 1) ? '0 : read_q + 1'b1;
      if (valid[6]) write_q <= write_q == WordBits'(Words - 1) ? '0 : write_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid[6]) memory[address(places[6], write_q)] <= cell_next;
  end

  for (genvar u = 0; u < int'(Units); u++) begin : gen_unit
    logic [SigmoidBits-1:0] in_gate, forget_gate, out_gate, out_gate_7;
    logic [TanhBits-1:0]    cell_gate, shown;
    logic [CellBits-1:0]    kept, taken, previous;

    table_rom #(.InBits(LevelBits), .OutBits(SigmoidBits), .Table(InputTable)) u_input (
      .clk_i, .en_i, .index_i(levels_i[u][0]), .value_o(in_gate)
    );
    table_rom #(.InBits(LevelBits), .OutBits(SigmoidBits), .Table(ForgetTable)) u_forget (
      .clk_i, .en_i, .index_i(levels_i[u][1]), .value_o(forget_gate)
    );
    table_rom #(.InBits(LevelBits), .OutBits(TanhBits), .Table(CellTable)) u_cell (
      .clk_i, .en_i, .index_i(levels_i[u][2]), .value_o(cell_gate)
    );
    table_rom #(.InBits(LevelBits), .OutBits(SigmoidBits), .Table(OutputTable)) u_output (
      .clk_i, .en_i, .index_i(levels_i[u][3]), .value_o(out_gate)
    );

    assign previous = first ? '0 : cell_before[u];

    scaled_product #(
      .LhsBits(SigmoidBits + 1), .RhsBits(CellBits), .FactorBits(FactorBits),
      .OffsetBits(OffsetBits), .Factor(Factor[0]), .Offset(Offset[0]), .Shift(Shift),
      .Low(CellLow), .High(CellHigh), .OutBits(CellBits)
    ) u_kept (
      .clk_i, .en_i, .lhs_i({1'b0, forget_gate}), .rhs_i(previous), .level_o(kept)
    );

    scaled_product #(
      .LhsBits(SigmoidBits + 1), .RhsBits(TanhBits), .FactorBits(FactorBits),
      .OffsetBits(OffsetBits), .Factor(Factor[1]), .Offset(Offset[1]), .Shift(Shift),
      .Low(CellLow), .High(CellHigh), .OutBits(CellBits)
    ) u_taken (
      .clk_i, .en_i, .lhs_i({1'b0, in_gate}), .rhs_i(cell_gate), .level_o(taken)
    );

    clipped_sum #(.Bits(CellBits), .Low(CellLow), .High(CellHigh)) u_next (
      .clk_i, .en_i, .lhs_i(kept), .rhs_i(taken), .sum_o(cell_next[u])
    );

    table_rom #(.InBits(CellBits), .OutBits(TanhBits), .Table(StateTable)) u_shown (
      .clk_i, .en_i, .index_i(cell_next[u]), .value_o(shown)
    );

    delay_line #(.Width(SigmoidBits), .Cycles(6)) u_wait (
      .clk_i, .en_i, .data_i(out_gate), .data_o(out_gate_7)
    );

    scaled_product #(
      .LhsBits(SigmoidBits + 1), .RhsBits(TanhBits), .FactorBits(FactorBits),
      .OffsetBits(OffsetBits), .Factor(Factor[2]), .Offset(Offset[2]), .Shift(Shift),
      .Low(OutLow), .High(OutHigh), .OutBits(OutBits)
    ) u_state (
      .clk_i, .en_i, .lhs_i({1'b0, out_gate_7}), .rhs_i(shown), .level_o(state_o[u])
    );
  end

endmodule

`default_nettype wire
