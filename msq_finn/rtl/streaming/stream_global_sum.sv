`default_nettype none

/// Sums Pixels * Folds words to Folds words: word f of the result is the sum of words f, f + Folds,
/// ...
///
/// Sums in the making lie in a memory read without a clock (distributed RAM). The last pixel's sums
/// go to the output register instead, so that the next image can follow at once.
module stream_global_sum #(
  parameter int unsigned Elements = 1,
  parameter int unsigned Pixels = 16,
  parameter int unsigned Folds = 1,
  parameter int unsigned InBits = 4,
  parameter bit Signed = 0,
  parameter int unsigned OutBits = 8
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

  if (Elements == 0 || Pixels == 0 || Folds == 0) begin : gen_check_size
    $fatal(1, "Elements = %0d, Pixels = %0d and Folds = %0d: must be at least 1",
           Elements, Pixels, Folds);
  end
  if (OutBits < InBits) begin : gen_check_out_bits
    $fatal(1, "OutBits = %0d: must be at least InBits = %0d", OutBits, InBits);
  end

  localparam int unsigned PixelBits = Pixels > 1 ? $clog2(Pixels) : 1;
  localparam int unsigned FoldBits = Folds > 1 ? $clog2(Folds) : 1;

  logic [PixelBits-1:0] pixel_q;
  logic [FoldBits-1:0]  fold_q;
  logic                 first, last, step;

  assign first      = pixel_q == '0;
  assign last       = pixel_q == PixelBits'(Pixels - 1);
  assign in_ready_o = !last || !out_valid_o || out_ready_i;
  assign step       = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pixel_q <= '0;
      fold_q  <= '0;
    end else if (step) begin
      fold_q <= fold_q + 1'b1;
      if (fold_q == FoldBits'(Folds - 1)) begin
        fold_q  <= '0;
        pixel_q <= last ? '0 : pixel_q + 1'b1;
      end
    end
  end

  logic [Elements-1:0][OutBits-1:0] memory [Folds];
  logic [Elements-1:0][OutBits-1:0] partial, sum;

  assign partial = memory[fold_q];

  for (genvar i = 0; i < Elements; i++) begin : gen_element
    logic [InBits-1:0]  value;
    logic [OutBits-1:0] term;

    assign value  = in_data_i[i];
    assign term   = Signed ? OutBits'(signed'(value)) : OutBits'(value);
    assign sum[i] = term + (first ? '0 : partial[i]);
  end

  always_ff @(posedge clk_i) begin
    if (step) memory[fold_q] <= sum;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      out_valid_o <= 1'b0;
    end else if (step && last) begin
      out_valid_o <= 1'b1;
    end else if (out_ready_i) begin
      out_valid_o <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (step && last) out_data_o <= sum;
  end

endmodule

`default_nettype wire
