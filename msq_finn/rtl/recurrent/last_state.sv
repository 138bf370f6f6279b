`default_nettype none

/// Keeps the last state of a sequence that is shorter than its frame, until the frame's last step.
///
/// States come step by step, of several sequences in turn, and a step is Words words.
module last_state #(
  parameter int unsigned Width = 8,
  parameter int unsigned Words = 1,
  parameter int unsigned Places = 1,  // sequences under way

  localparam int unsigned PlaceBits = Places > 1 ? $clog2(Places) : 1
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  input  logic                 next_i,       // a word of a state has come
  input  logic [PlaceBits-1:0] place_i,
  input  logic                 last_word_i,  // of its step
  input  logic                 last_step_i,  // of its sequence
  input  logic [Width-1:0]     data_i,

  output logic [Width-1:0]     data_o        // the word of the last state that there has been
);

  localparam int unsigned WordBits = Words > 1 ? $clog2(Words) : 1;
  localparam int unsigned Depth = Words * Places;
  localparam int unsigned AddressBits = Depth > 1 ? $clog2(Depth) : 1;

  logic [Width-1:0]       memory [Depth];
  logic [WordBits-1:0]    word_q;
  logic [AddressBits-1:0] address;

  assign address = AddressBits'(place_i * Words + 32'(word_q));
  assign data_o  = last_step_i ? data_i : memory[address];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) word_q <= '0;
    else if (next_i) word_q <= last_word_i ? '0 : word_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (next_i && last_step_i) memory[address] <= data_i;
  end

endmodule

`default_nettype wire
