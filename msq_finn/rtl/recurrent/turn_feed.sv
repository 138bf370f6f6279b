`default_nettype none

/// What the steps of several sequences multiply, in turn: a step's inputs, then the state that the
/// step before left.
///
/// Sequences have places in a memory, in the order in which they arrive, and begin in this order
/// when all of them is there, one every Steps * Products cycles in the mean. From every place whose
/// sequence has begun one step is taken in turn, as soon as the state before it is there; so a
/// sequence ends before those that came behind it.
module turn_feed #(
  parameter int unsigned Width = 8,
  parameter int unsigned Steps = 2,
  parameter int unsigned InputWords = 1,
  parameter int unsigned StateWords = 1,
  parameter int unsigned Places = 2,
  parameter int unsigned Products = 2,  // cycles in which the lanes multiply a step
  parameter bit KeepsResults = 0,  // a place is free when its results have left
  parameter bit PaddingFirst = 0,

  localparam int unsigned PlaceBits = Places > 1 ? $clog2(Places) : 1,
  localparam int unsigned StepBits = Steps > 1 ? $clog2(Steps) : 1,
  localparam int unsigned LengthBits = $clog2(Steps + 1)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic [LengthBits-1:0] length_i,      // of the sequence that begins next

  input  logic [Width-1:0]      in_data_i,
  input  logic                  in_valid_i,
  output logic                  in_ready_o,

  // The step that is being taken, where it lies in its sequence, and its state before.
  output logic [PlaceBits-1:0]  place_o,
  output logic [StepBits-1:0]   step_o,
  output logic                  inside_o,
  output logic                  first_o,
  output logic                  last_o,
  output logic                  begins_o,      // in this cycle
  input  logic                  begin_i,       // it may
  input  logic [Width-1:0]      state_i,
  output logic                  state_read_o,  // the word of state has been taken

  input  logic                  state_done_i,  // a state that a next step reads is complete
  input  logic [PlaceBits-1:0]  done_place_i,
  input  logic                  results_left_i,
  input  logic [PlaceBits-1:0]  left_place_i,

  output logic [Width-1:0]      out_data_o,
  output logic                  out_valid_o,
  input  logic                  out_ready_i
);

  localparam int unsigned Words = InputWords + StateWords;
  localparam int unsigned WordBits = $clog2(Words + 1);
  localparam int unsigned FrameWords = Steps * InputWords;
  localparam int unsigned FrameBits = FrameWords > 1 ? $clog2(FrameWords) : 1;
  localparam int unsigned Depth = Places * FrameWords;
  localparam int unsigned AddressBits = Depth > 1 ? $clog2(Depth) : 1;
  // That a sequence had to wait for its turn is made up for, if no longer than a round may take.
  localparam int unsigned Pace = Steps * Products;
  localparam int unsigned Slack = 2 * Products + 32;
  localparam int unsigned PaceBits = $clog2(Slack + Pace + 1);

  function automatic logic [PlaceBits-1:0] next(logic [PlaceBits-1:0] place);
    return place == PlaceBits'(Places - 1) ? '0 : place + 1'b1;
  endfunction

  logic [Width-1:0]                  memory [Depth];
  logic [PlaceBits-1:0]              fill_q, begin_q, place_q;
  logic [FrameBits-1:0]              filled_q;
  logic [WordBits-1:0]               word_q;
  logic [Places-1:0][StepBits-1:0]   steps_q;
  logic [Places-1:0][LengthBits-1:0] lengths_q;
  logic [PaceBits-1:0]               ahead_q;     // of the mean, in cycles, and Slack
  logic [Places-1:0]                 there_q;     // all inputs of the frame are there
  logic [Places-1:0]                 begun_q;     // the frame has begun, and its last step has not
  logic [Places-1:0]                 complete_q;  // the state before the next step is there
  logic [Places-1:0]                 held_q;      // by results
  logic [StepBits-1:0]               step;
  logic [LengthBits-1:0]             length;
  logic [AddressBits-1:0]            write_address, read_address;
  logic [Width-1:0]                  input_q, state_q;
  logic                              of_input_q, writes, filled, starts, of_input, opens;
  logic                              last_step, last, may_begin, can, take;

  assign in_ready_o    = !there_q[fill_q];
  assign writes        = in_valid_i && in_ready_o;
  assign filled        = filled_q == FrameBits'(FrameWords - 1);
  assign write_address = AddressBits'(fill_q * FrameWords + 32'(filled_q));

  step_window #(.Steps(Steps), .PaddingFirst(PaddingFirst)) u_window (
    .step_i(step), .length_i(length), .inside_o, .first_o, .last_o
  );

  assign step         = steps_q[place_q];
  assign opens        = starts && step == '0;
  assign length       = opens ? length_i : lengths_q[place_q];
  assign last_step    = step == StepBits'(Steps - 1);
  assign starts       = word_q == '0;
  assign of_input     = word_q < WordBits'(InputWords);
  assign last         = word_q == WordBits'(Words - 1);
  assign can          = begin_i
                        && (begun_q[place_q] ? first_o || complete_q[place_q] : may_begin);
  assign take         = (!out_valid_o || out_ready_i) && (!starts || can);
  assign may_begin    = there_q[place_q] && !held_q[place_q] && place_q == begin_q
                        && ahead_q <= PaceBits'(Slack);
  assign read_address = AddressBits'(place_q * FrameWords + 32'(step) * InputWords + 32'(word_q));

  assign place_o      = place_q;
  assign step_o       = step;
  assign begins_o     = take && starts;
  assign state_read_o = take && !of_input && !first_o;
  assign out_data_o   = of_input_q ? input_q : state_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fill_q      <= '0;
      filled_q    <= '0;
      begin_q     <= '0;
      place_q     <= '0;
      ahead_q     <= '0;
      begun_q     <= '0;
      word_q      <= '0;
      steps_q     <= '0;
      lengths_q   <= {Places{LengthBits'(Steps)}};
      there_q     <= '0;
      complete_q  <= '0;
      held_q      <= '0;
      out_valid_o <= 1'b0;
    end else begin
      if (writes) begin
        filled_q <= filled ? '0 : filled_q + 1'b1;
        if (filled) begin
          there_q[fill_q] <= 1'b1;
          fill_q          <= next(fill_q);
        end
      end

      if (take) begin
        word_q <= last ? '0 : word_q + 1'b1;
        if (last) begin
          place_q          <= next(place_q);
          steps_q[place_q] <= last_step ? '0 : step + 1'b1;
        end
        if (last_step && word_q == WordBits'(InputWords - 1)) there_q[place_q] <= 1'b0;
        if (starts) begin
          begun_q[place_q]    <= !last_step;
          complete_q[place_q] <= 1'b0;
        end
        if (opens) begin
          begin_q            <= next(begin_q);
          held_q[place_q]    <= KeepsResults;
          lengths_q[place_q] <= length_i;
        end
      end else if (starts && !begun_q[place_q] && !may_begin) begin
        place_q <= next(place_q);
      end

      if (take && opens) ahead_q <= ahead_q + PaceBits'(Pace - 1);
      else if (ahead_q != '0) ahead_q <= ahead_q - 1'b1;

      if (state_done_i) complete_q[done_place_i] <= 1'b1;
      if (results_left_i) held_q[left_place_i] <= 1'b0;
      if (!out_valid_o || out_ready_i) out_valid_o <= take;
    end
  end

  always_ff @(posedge clk_i) begin
    if (writes) memory[write_address] <= in_data_i;
    if (take) begin
      input_q    <= memory[read_address];
      state_q    <= first_o ? '0 : state_i;
      of_input_q <= of_input;
    end
  end

endmodule

`default_nettype wire
