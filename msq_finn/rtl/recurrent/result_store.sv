`default_nettype none

/// Hands out sequences of states one after the other that are made in turn, step by step.
///
/// A sequence has a place, in the order in which they began, and leaves when all of it is there.
module result_store #(
  parameter int unsigned Width = 8,
  parameter int unsigned Places = 2,
  parameter int unsigned Steps = 2,
  parameter int unsigned Words = 1,  // of a step

  localparam int unsigned PlaceBits = Places > 1 ? $clog2(Places) : 1,
  localparam int unsigned StepBits = Steps > 1 ? $clog2(Steps) : 1
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  input  logic                 write_i,
  input  logic [PlaceBits-1:0] place_i,
  input  logic [StepBits-1:0]  step_i,
  input  logic                 last_word_i,  // of the step
  input  logic [Width-1:0]     data_i,

  output logic                 left_o,       // a sequence
  output logic [PlaceBits-1:0] left_place_o,

  output logic [Width-1:0]     out_data_o,
  output logic                 out_valid_o,
  input  logic                 out_ready_i
);

  localparam int unsigned FrameWords = Steps * Words;
  localparam int unsigned FrameBits = FrameWords > 1 ? $clog2(FrameWords) : 1;
  localparam int unsigned WordBits = Words > 1 ? $clog2(Words) : 1;
  localparam int unsigned Depth = Places * FrameWords;
  localparam int unsigned AddressBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam int unsigned CountBits = $clog2(Places + 1);

  logic [Width-1:0]       memory [Depth];
  logic [WordBits-1:0]    word_q;
  logic [PlaceBits-1:0]   place_q;
  logic [FrameBits-1:0]   read_q;
  logic [CountBits-1:0]   complete_q;  // sequences
  logic [AddressBits-1:0] write_address, read_address;
  logic                   completes, reads;

  assign write_address = AddressBits'(place_i * FrameWords + 32'(step_i) * Words + 32'(word_q));
  assign read_address  = AddressBits'(place_q * FrameWords + 32'(read_q));
  assign completes     = write_i && last_word_i && step_i == StepBits'(Steps - 1);
  assign reads         = complete_q != '0 && (!out_valid_o || out_ready_i);
  assign left_o        = reads && read_q == FrameBits'(FrameWords - 1);
  assign left_place_o  = place_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      word_q      <= '0;
      place_q     <= '0;
      read_q      <= '0;
      complete_q  <= '0;
      out_valid_o <= 1'b0;
    end else begin
      if (write_i) word_q <= last_word_i ? '0 : word_q + 1'b1;
      if (reads) read_q <= left_o ? '0 : read_q + 1'b1;
      if (left_o) place_q <= place_q == PlaceBits'(Places - 1) ? '0 : place_q + 1'b1;
      complete_q <= complete_q + CountBits'(completes) - CountBits'(left_o);
      if (!out_valid_o || out_ready_i) out_valid_o <= reads;
    end
  end

  always_ff @(posedge clk_i) begin
    if (write_i) memory[write_address] <= data_i;
    if (reads) out_data_o <= memory[read_address];
  end

endmodule

`default_nettype wire
