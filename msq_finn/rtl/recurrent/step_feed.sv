`default_nettype none

/// What a step multiplies, word by word: its inputs, then the state that the step before left.
///
/// In a sequence's first step, and in padding, the state is 0, which nothing has to be waited for.
/// Inputs of a step are taken while its state is still being computed.
module step_feed #(
  parameter int unsigned Width = 8,
  parameter int unsigned Steps = 1,
  parameter int unsigned InputWords = 1,
  parameter int unsigned StateWords = 1,
  parameter bit PaddingFirst = 0,

  localparam int unsigned LengthBits = $clog2(Steps + 1)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic [LengthBits-1:0] length_i,      // of the sequences that are under way
  output logic                  begins_o,      // a frame, in this cycle

  input  logic [Width-1:0]      in_data_i,
  input  logic                  in_valid_i,
  output logic                  in_ready_o,

  input  logic [Width-1:0]      state_i,
  output logic                  state_read_o,  // the word of state has been taken
  input  logic                  state_done_i,  // a state that a next step reads is complete

  output logic [Width-1:0]      out_data_o,
  output logic                  out_valid_o,
  input  logic                  out_ready_i
);

  localparam int unsigned Words = InputWords + StateWords;
  localparam int unsigned WordBits = $clog2(Words + 1);
  localparam int unsigned StepBits = Steps > 1 ? $clog2(Steps) : 1;

  logic [WordBits-1:0] word_q;
  logic [StepBits-1:0] step_q;
  logic                complete_q;  // the state is there
  logic                of_input, first, last, take, unused_inside, unused_last;

  step_window #(.Steps(Steps), .PaddingFirst(PaddingFirst)) u_window (
    .step_i(step_q), .length_i, .inside_o(unused_inside), .first_o(first),
    .last_o(unused_last)
  );

  assign of_input     = word_q < WordBits'(InputWords);
  assign last         = word_q == WordBits'(Words - 1);
  assign out_valid_o  = of_input ? in_valid_i : first || complete_q;
  assign take         = out_valid_o && out_ready_i;
  assign begins_o     = take && step_q == '0 && word_q == '0;
  assign in_ready_o   = of_input && out_ready_i;
  assign state_read_o = take && !of_input && !first;
  assign out_data_o   = of_input ? in_data_i : first ? '0 : state_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      word_q     <= '0;
      step_q     <= '0;
      complete_q <= 1'b0;
    end else begin
      if (take) begin
        word_q <= last ? '0 : word_q + 1'b1;
        if (last) step_q <= step_q == StepBits'(Steps - 1) ? '0 : step_q + 1'b1;
      end
      if (state_done_i) complete_q <= 1'b1;
      else if (take && last) complete_q <= 1'b0;
    end
  end

endmodule

`default_nettype wire
