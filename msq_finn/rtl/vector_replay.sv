`default_nettype none

/// Hands a vector of Length words on Repeats times: as it arrives, then from memory.
///
/// The memory is written in passing and read without a clock (distributed RAM); the output is
/// registered. first_o and last_o mark a vector's first and last word on every pass.
module vector_replay #(
  parameter int unsigned Width = 8,
  parameter int unsigned Length = 1,
  parameter int unsigned Repeats = 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic [Width-1:0] data_i,
  input  logic             valid_i,
  output logic             ready_o,

  output logic [Width-1:0] data_o,
  output logic             first_o,
  output logic             last_o,
  output logic             valid_o,
  input  logic             ready_i
);

  localparam int unsigned PositionBits = Length > 1 ? $clog2(Length) : 1;
  localparam int unsigned PassBits = Repeats > 1 ? $clog2(Repeats) : 1;

  logic [PositionBits-1:0] position_q;
  logic [PassBits-1:0]     pass_q;
  logic                    first, last, arriving, room, step;
  logic [Width-1:0]        data;

  assign first    = position_q == '0;
  assign last     = position_q == PositionBits'(Length - 1);
  assign arriving = pass_q == '0;
  assign room     = !valid_o || ready_i;
  assign step     = room && (valid_i || !arriving);
  assign ready_o  = room && arriving;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      position_q <= '0;
      pass_q     <= '0;
    end else if (step) begin
      position_q <= last ? '0 : position_q + 1'b1;
      if (last) pass_q <= pass_q == PassBits'(Repeats - 1) ? '0 : pass_q + 1'b1;
    end
  end

  if (Repeats > 1) begin : gen_memory
    logic [Width-1:0] memory [Length];

    always_ff @(posedge clk_i) begin
      if (step && arriving) memory[position_q] <= data_i;
    end

    assign data = arriving ? data_i : memory[position_q];
  end else begin : gen_pass
    assign data = data_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end else if (room) begin
      valid_o <= step;
    end
  end

  always_ff @(posedge clk_i) begin
    if (room) begin
      data_o  <= data;
      first_o <= first;
      last_o  <= last;
    end
  end

endmodule

`default_nettype wire
