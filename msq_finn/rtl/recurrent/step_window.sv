`default_nettype none

/// Where a step lies in a sequence that may be shorter than its frame. The frame's other steps are
/// padding: behind the sequence, or before it where the frame is read from its end.
module step_window #(
  parameter int unsigned Steps = 1,   // of a frame
  parameter bit PaddingFirst = 0,

  localparam int unsigned StepBits = Steps > 1 ? $clog2(Steps) : 1,
  localparam int unsigned LengthBits = $clog2(Steps + 1)
) (
  input  logic [StepBits-1:0]   step_i,
  input  logic [LengthBits-1:0] length_i,  // of the sequence, 1 to Steps

  output logic                  inside_o,  // the step is one of the sequence
  output logic                  first_o,   // no state before it: the sequence's first, or padding
  output logic                  last_o     // the sequence's last
);

  logic [LengthBits-1:0] step;

  assign step = LengthBits'(step_i);

  if (PaddingFirst) begin : gen_padding_first
    logic [LengthBits-1:0] begins;

    assign begins   = LengthBits'(Steps) - length_i;
    assign inside_o = step >= begins;
    assign first_o  = step <= begins;
    assign last_o   = step == LengthBits'(Steps - 1);
  end else begin : gen_padding_last
    assign inside_o = step < length_i;
    assign first_o  = step == '0 || !inside_o;
    assign last_o   = step == length_i - 1'b1;
  end

endmodule

`default_nettype wire
