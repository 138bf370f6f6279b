`default_nettype none

/// Reduces windows that come whole: per element the largest value, or the sum shifted right.
///
/// A word has Windows windows of Pixels pixels of Channels elements; what leaves has a pixel for
/// each window. The result is registered.
module stream_pool_whole #(
  parameter int unsigned Windows = 1,
  parameter int unsigned Pixels = 4,
  parameter int unsigned Channels = 1,
  parameter int unsigned InBits = 4,
  parameter bit Signed = 0,
  parameter bit Sum = 0,            // 0: the largest value, 1: the sum >> Shift
  parameter int unsigned Shift = 0,
  parameter int unsigned OutBits = 4
) (
  input  logic                                                  clk_i,
  input  logic                                                  rst_ni,

  input  logic [Windows-1:0][Pixels-1:0][Channels-1:0][InBits-1:0] in_data_i,
  input  logic                                                  in_valid_i,
  output logic                                                  in_ready_o,

  output logic [Windows-1:0][Channels-1:0][OutBits-1:0]         out_data_o,
  output logic                                                  out_valid_o,
  input  logic                                                  out_ready_i
);

  if (Windows == 0 || Pixels == 0 || Channels == 0) begin : gen_check_size
    $fatal(1, "Windows = %0d, Pixels = %0d and Channels = %0d: must be at least 1",
           Windows, Pixels, Channels);
  end
  if (!Sum && (Shift != 0 || OutBits != InBits)) begin : gen_check_largest
    $fatal(1, "Sum = 0: Shift = %0d must be 0 and OutBits = %0d be InBits = %0d",
           Shift, OutBits, InBits);
  end

  localparam int unsigned AccBits = Sum ? InBits + $clog2(Pixels) : InBits;

  logic step;

  assign in_ready_o = !out_valid_o || out_ready_i;
  assign step       = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      out_valid_o <= 1'b0;
    end else if (in_ready_o) begin
      out_valid_o <= in_valid_i;
    end
  end

  for (genvar w = 0; w < Windows; w++) begin : gen_window
    for (genvar c = 0; c < Channels; c++) begin : gen_channel
      logic [AccBits-1:0] result, acc_q;

      always_comb begin
        result = '0;
        for (int unsigned p = 0; p < Pixels; p++) begin
          logic [InBits-1:0] value;
          value = in_data_i[w][p][c];
          if (Sum) begin
            result = result + (Signed ? AccBits'(signed'(value)) : AccBits'(value));
          end else if (p == 0 ||
                       (Signed ? signed'(value) > signed'(result[InBits-1:0])
                               : value > result[InBits-1:0])) begin
            result = AccBits'(value);
          end
        end
      end

      always_ff @(posedge clk_i) begin
        if (step) acc_q <= result;
      end

      if (Sum) begin : gen_sum
        assign out_data_o[w][c] =
            Signed ? OutBits'(signed'(acc_q) >>> Shift) : OutBits'(acc_q >> Shift);
      end else begin : gen_largest
        assign out_data_o[w][c] = acc_q;
      end
    end
  end

endmodule

`default_nettype wire
