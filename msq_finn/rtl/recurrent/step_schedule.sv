`default_nettype none

/// What the lanes of a recurrent layer multiply, step by step, and which step of which sequence
/// comes out behind them: of one sequence, or of several in turn. Sequences may be shorter than
/// their frames, see step_window.
///
/// A step is InputWords + StateWords words that go in, and Words that come out of the lanes as
/// levels and later as states.
module step_schedule #(
  parameter int unsigned Width = 8,
  parameter int unsigned Steps = 1,
  parameter int unsigned InputWords = 1,
  parameter int unsigned StateWords = 1,
  parameter int unsigned Words = 1,
  parameter int unsigned Places = 1,  // for sequences under way
  parameter bit KeepsResults = 0,     // a place is free when its results have left
  parameter bit Shorter = 0,          // sequences may be shorter than frames
  parameter bit PaddingFirst = 0,     // where a sequence is shorter than its frame

  localparam int unsigned StepBits = Steps > 1 ? $clog2(Steps) : 1,
  localparam int unsigned LengthBits = $clog2(Steps + 1),
  localparam int unsigned PlaceBits = Places > 1 ? $clog2(Places) : 1
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic [LengthBits-1:0] length_i,      // of sequences, 1 to Steps

  input  logic [Width-1:0]      in_data_i,
  input  logic                  in_valid_i,
  output logic                  in_ready_o,

  output logic [Width-1:0]      out_data_o,
  output logic                  out_valid_o,
  input  logic                  out_ready_i,

  // The state before the step that is multiplied.
  output logic [PlaceBits-1:0]  state_place_o,
  input  logic [Width-1:0]      state_i,
  output logic                  state_read_o,  // the word of state has been taken

  input  logic                  level_i,       // a word of levels goes on
  output logic [PlaceBits-1:0]  level_place_o,
  output logic                  level_first_o,

  input  logic                  leave_i,       // a word of a new state leaves
  output logic [PlaceBits-1:0]  leave_place_o,
  output logic [StepBits-1:0]   leave_step_o,
  output logic                  leave_inside_o,
  output logic                  leave_last_o,
  output logic                  leave_read_o,  // a next step reads it
  output logic                  last_word_o,   // of its step

  input  logic                  results_left_i,
  input  logic [PlaceBits-1:0]  left_place_i
);

  logic state_done;  // a state that a next step reads is complete

  assign leave_read_o = leave_inside_o && !leave_last_o;
  assign state_done   = leave_i && last_word_o && leave_read_o;

  if (Places > 1) begin : gen_turns
    logic [StepBits-1:0] step;
    logic                step_inside, step_first, step_last;
    logic                begins, level_room, leave_room, unused_last;

    turn_feed #(
      .Width       (Width),
      .Steps       (Steps),
      .InputWords  (InputWords),
      .StateWords  (StateWords),
      .Places      (Places),
      .Products    ((InputWords + StateWords) * Words),
      .KeepsResults(KeepsResults),
      .PaddingFirst(PaddingFirst)
    ) u_feed (
      .clk_i,
      .rst_ni,
      .length_i,
      .in_data_i,
      .in_valid_i,
      .in_ready_o,
      .place_o     (state_place_o),
      .step_o      (step),
      .inside_o    (step_inside),
      .first_o     (step_first),
      .last_o      (step_last),
      .begins_o    (begins),
      .begin_i     (level_room && leave_room),
      .state_i,
      .state_read_o,
      .state_done_i(state_done),
      .done_place_i(leave_place_o),
      .results_left_i,
      .left_place_i,
      .out_data_o,
      .out_valid_o,
      .out_ready_i
    );

    turn_tags #(.Width(PlaceBits + 1), .Depth(2 * Places), .Words(Words)) u_levels (
      .clk_i,
      .rst_ni,
      .begins_i(begins),
      .tag_i   ({state_place_o, step_first}),
      .room_o  (level_room),
      .next_i  (level_i),
      .tag_o   ({level_place_o, level_first_o}),
      .last_o  (unused_last)
    );

    turn_tags #(.Width(PlaceBits + StepBits + 2), .Depth(2 * Places), .Words(Words)) u_states (
      .clk_i,
      .rst_ni,
      .begins_i(begins),
      .tag_i   ({state_place_o, step, step_inside, step_last}),
      .room_o  (leave_room),
      .next_i  (leave_i),
      .tag_o   ({leave_place_o, leave_step_o, leave_inside_o, leave_last_o}),
      .last_o  (last_word_o)
    );
  end else begin : gen_one
    localparam int unsigned WordBits = Words > 1 ? $clog2(Words) : 1;

    logic [WordBits-1:0]   unused_word, leave_word;
    logic [StepBits-1:0]   level_step;
    logic [LengthBits-1:0] length;
    logic                  begins, ends, unused, unused_inside, unused_last, unused_first;

    assign unused = &{1'b0, results_left_i, left_place_i, begins, ends};

    assign ends = leave_i && last_word_o && leave_step_o == StepBits'(Steps - 1);

    if (Shorter) begin : gen_length
      frame_length #(.Bits(LengthBits)) u_length (
        .clk_i, .rst_ni, .begins_i(begins), .ends_i(ends), .length_i, .length_o(length)
      );
    end else begin : gen_whole
      assign length = length_i;
    end

    assign {state_place_o, level_place_o, leave_place_o} = '0;
    assign last_word_o = leave_word == WordBits'(Words - 1);

    row_counter #(.Rows(Steps), .Parts(Words)) u_levels (
      .clk_i,
      .rst_ni,
      .next_i(level_i),
      .row_o (level_step),
      .part_o(unused_word)
    );

    step_window #(.Steps(Steps), .PaddingFirst(PaddingFirst)) u_level_window (
      .step_i(level_step), .length_i(length), .inside_o(unused_inside),
      .first_o(level_first_o), .last_o(unused_last)
    );

    row_counter #(.Rows(Steps), .Parts(Words)) u_states (
      .clk_i,
      .rst_ni,
      .next_i(leave_i),
      .row_o (leave_step_o),
      .part_o(leave_word)
    );

    step_window #(.Steps(Steps), .PaddingFirst(PaddingFirst)) u_leave_window (
      .step_i(leave_step_o), .length_i(length), .inside_o(leave_inside_o),
      .first_o(unused_first), .last_o(leave_last_o)
    );

    step_feed #(
      .Width       (Width),
      .Steps       (Steps),
      .InputWords  (InputWords),
      .StateWords  (StateWords),
      .PaddingFirst(PaddingFirst)
    ) u_feed (
      .clk_i,
      .rst_ni,
      .length_i    (length),
      .begins_o    (begins),
      .in_data_i,
      .in_valid_i,
      .in_ready_o,
      .state_i,
      .state_read_o,
      .state_done_i(state_done),
      .out_data_o,
      .out_valid_o,
      .out_ready_i
    );
  end

endmodule

`default_nettype wire
