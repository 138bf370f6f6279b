`default_nettype none

/// Reduces every Window words to one: per element the largest value, or the sum shifted right.
///
/// The register that gathers a window is the output register as well, so no word is taken while a
/// result waits to leave. A consumer that never waits gets one input word taken in every cycle.
module stream_pool #(
  parameter int unsigned Elements = 1,
  parameter int unsigned Window = 4,
  parameter int unsigned InBits = 4,
  parameter bit Signed = 0,
  parameter bit Sum = 0,            // 0: the largest value, 1: the sum >> Shift
  parameter int unsigned Shift = 0,
  parameter int unsigned OutBits = 4
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,

  input  logic [Elements-1:0][InBits-1:0]   in_data_i,
  input  logic                              in_valid_i,
  output logic                              in_ready_o,

  output logic [Elements-1:0][OutBits-1:0]  out_data_o,
  output logic                              out_valid_o,
  input  logic                              out_ready_i
);

  if (Elements == 0 || Window == 0) begin : gen_check_size
    $fatal(1, "Elements = %0d and Window = %0d: must be at least 1", Elements, Window);
  end
  if (!Sum && (Shift != 0 || OutBits != InBits)) begin : gen_check_largest
    $fatal(1, "Sum = 0: Shift = %0d must be 0 and OutBits = %0d be InBits = %0d",
           Shift, OutBits, InBits);
  end

  localparam int unsigned AccBits = Sum ? InBits + $clog2(Window) : InBits;
  localparam int unsigned PositionBits = Window > 1 ? $clog2(Window) : 1;

  logic [PositionBits-1:0] position_q;
  logic                    first, last, step;

  assign first      = position_q == '0;
  assign last       = position_q == PositionBits'(Window - 1);
  assign in_ready_o = !out_valid_o || out_ready_i;
  assign step       = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      position_q  <= '0;
      out_valid_o <= 1'b0;
    end else if (in_ready_o) begin
      out_valid_o <= step && last;
      if (step) position_q <= last ? '0 : position_q + 1'b1;
    end
  end

  for (genvar i = 0; i < Elements; i++) begin : gen_element
    logic [InBits-1:0]  value;
    logic [AccBits-1:0] acc_q;

    assign value = in_data_i[i];

    if (Sum) begin : gen_sum
      logic [AccBits-1:0] term;

      assign term          = Signed ? AccBits'(signed'(value)) : AccBits'(value);
      assign out_data_o[i] = Signed ? OutBits'(signed'(acc_q) >>> Shift) : OutBits'(acc_q >> Shift);

      always_ff @(posedge clk_i) begin
        if (step) acc_q <= term + (first ? '0 : acc_q);
      end
    end else begin : gen_largest
      logic larger;

      assign larger        = Signed ? signed'(value) > signed'(acc_q) : value > acc_q;
      assign out_data_o[i] = acc_q;

      always_ff @(posedge clk_i) begin
        if (step && (first || larger)) acc_q <= value;
      end
    end
  end

endmodule

`default_nettype wire
