`default_nettype none

/// Hands the bit planes of a vector on, Repeats times: of Length words the lowest bits, then the
/// next, and so on. The highest bits of signed activations are inverted.
///
/// A word stays in memory until the last plane of the last pass has been read; the next vector's
/// takes its place in the same cycle. The memory is read without a clock (distributed RAM, or
/// registers for a single word); the output is registered.
module plane_replay #(
  parameter int unsigned Simd = 4,
  parameter int unsigned ActBits = 4,  // at least 2
  parameter bit ActSigned = 0,
  parameter int unsigned Length = 1,
  parameter int unsigned Repeats = 1,

  localparam int unsigned AddressBits = Length * Repeats > 1 ? $clog2(Length * Repeats) : 1
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,

  input  logic [Simd-1:0][ActBits-1:0] data_i,
  input  logic                         valid_i,
  output logic                         ready_o,

  output logic [Simd-1:0]              bits_o,
  output logic [AddressBits-1:0]       fold_o,   // the word, counted through all repeats
  output logic                         start_o,  // of a plane
  output logic                         first_o,  // of a sum: of its lowest plane
  output logic                         last_o,   // of a sum
  output logic                         valid_o,
  input  logic                         ready_i
);

  localparam int unsigned PositionBits = Length > 1 ? $clog2(Length) : 1;
  localparam int unsigned PlaneBits = $clog2(ActBits);
  localparam int unsigned RepeatBits = Repeats > 1 ? $clog2(Repeats) : 1;
  localparam int unsigned HeldBits = $clog2(Length + 1);

  logic [PositionBits-1:0]      position_q, write_q;
  logic [PlaneBits-1:0]         plane_q;
  logic [RepeatBits-1:0]        repeat_q;
  logic [AddressBits-1:0]       base_q;
  logic [HeldBits-1:0]          held_q;  // words in memory that are still needed
  logic                         start, stop, lowest, highest, final_repeat;
  logic                         there, room, step, freed, take;
  logic [Simd-1:0][ActBits-1:0] word;

  assign start        = position_q == '0;
  assign stop         = position_q == PositionBits'(Length - 1);
  assign lowest       = plane_q == '0;
  assign highest      = plane_q == PlaneBits'(ActBits - 1);
  assign final_repeat = repeat_q == RepeatBits'(Repeats - 1);

  // The first pass may catch up with the words as they arrive.
  assign there   = !(lowest && repeat_q == '0) || held_q > HeldBits'(position_q);
  assign room    = !valid_o || ready_i;
  assign step    = room && there;
  assign freed   = step && highest && final_repeat;
  assign ready_o = held_q != HeldBits'(Length) || freed;
  assign take    = valid_i && ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      position_q <= '0;
      plane_q    <= '0;
      repeat_q   <= '0;
      base_q     <= '0;
    end else if (step) begin
      position_q <= stop ? '0 : position_q + 1'b1;
      if (stop) plane_q <= highest ? '0 : plane_q + 1'b1;
      if (stop && highest) begin
        repeat_q <= final_repeat ? '0 : repeat_q + 1'b1;
        base_q   <= final_repeat ? '0 : base_q + AddressBits'(Length);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q <= '0;
      held_q  <= '0;
    end else begin
      if (take) write_q <= write_q == PositionBits'(Length - 1) ? '0 : write_q + 1'b1;
      held_q <= held_q + HeldBits'(take) - HeldBits'(freed);
    end
  end

  if (Length > 1) begin : gen_memory
    logic [Simd*ActBits-1:0] memory [Length];

    always_ff @(posedge clk_i) begin
      if (take) memory[write_q] <= data_i;
    end

    assign word = memory[position_q];
  end else begin : gen_register
    logic [Simd*ActBits-1:0] word_q;

    always_ff @(posedge clk_i) begin
      if (take) word_q <= data_i;
    end

    assign word = word_q;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_o <= 1'b0;
    else if (room) valid_o <= step;
  end

  for (genvar i = 0; i < Simd; i++) begin : gen_element
    always_ff @(posedge clk_i) begin
      if (room) bits_o[i] <= word[i][plane_q] ^ (ActSigned && highest);
    end
  end

  always_ff @(posedge clk_i) begin
    if (room) begin
      fold_o  <= base_q + AddressBits'(position_q);
      start_o <= start;
      first_o <= start && lowest;
      last_o  <= stop && highest;
    end
  end

endmodule

`default_nettype wire
