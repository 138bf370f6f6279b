`default_nettype none

/// Finished sums of a unit as a stream, modulo 2^Width and with their rows' offsets where there are
/// any. Everything before it moves when en_o says so: when nothing waits at the output.
module unit_output #(
  parameter int unsigned Lanes = 4,
  parameter int unsigned Folds = 1,  // words of sums that take all rows
  parameter int unsigned SumBits = 16,
  parameter int unsigned Width = 16,  // at most SumBits
  parameter bit AddOffset = 0,
  parameter logic [Folds*Lanes*Width-1:0] Offset = '0
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,
  output logic                          en_o,
  input  logic                          done_i,
  input  logic [Lanes-1:0][SumBits-1:0] sums_i,
  output logic [Lanes-1:0][Width-1:0]   data_o,
  output logic                          valid_o,
  input  logic                          ready_i
);

  logic [Lanes-1:0][Width-1:0] sums;

  for (genvar i = 0; i < Lanes; i++) begin : gen_sum
    assign sums[i] = sums_i[i][Width-1:0];
  end

  assign en_o = !valid_o || ready_i;

  if (!AddOffset) begin : gen_sums
    assign data_o  = sums;
    assign valid_o = done_i;
  end else begin : gen_offsets
    row_offsets #(
      .Lanes (Lanes),
      .Folds (Folds),
      .Width (Width),
      .Offset(Offset)
    ) u_offsets (
      .clk_i,
      .rst_ni,
      .en_i   (en_o),
      .valid_i(done_i),
      .sums_i (sums),
      .valid_o,
      .sums_o (data_o)
    );
  end

endmodule

`default_nettype wire
