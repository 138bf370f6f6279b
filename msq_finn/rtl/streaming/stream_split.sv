`default_nettype none

/// Deals the words of a stream to several: Folds[0] of them to output 0, Folds[1] to output 1, and
/// so on, then to output 0 again.
///
/// All outputs share one data register. A word waits there until its output takes it.
module stream_split #(
  parameter int unsigned Width = 8,
  parameter int unsigned Outputs = 2,
  parameter bit [Outputs-1:0][31:0] Folds = {Outputs{32'd1}}
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic [Width-1:0]   in_data_i,
  input  logic               in_valid_i,
  output logic               in_ready_o,

  output logic [Width-1:0]   out_data_o,
  output logic [Outputs-1:0] out_valid_o,
  input  logic [Outputs-1:0] out_ready_i
);

  for (genvar i = 0; i < Outputs; i++) begin : gen_check_folds
    if (Folds[i] == 0) begin : gen_check_fold
      $fatal(1, "output %0d: 0 folds", i);
    end
  end

  function automatic int unsigned count_bits();
    count_bits = 1;
    for (int unsigned i = 0; i < Outputs; i++) begin
      if ($clog2(Folds[i]) > count_bits) count_bits = $clog2(Folds[i]);
    end
  endfunction

  localparam int unsigned IndexBits = Outputs > 1 ? $clog2(Outputs) : 1;
  localparam int unsigned CountBits = count_bits();

  logic [IndexBits-1:0] chosen;
  logic [CountBits-1:0] count;

  assign in_ready_o = (out_valid_o & ~out_ready_i) == '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      out_valid_o <= '0;
      chosen      <= '0;
      count       <= '0;
    end else if (in_ready_o) begin
      out_valid_o <= in_valid_i ? Outputs'(1) << chosen : '0;
      if (in_valid_i) begin
        count <= count + 1'b1;
        if (count == CountBits'(Folds[chosen] - 1)) begin
          count  <= '0;
          chosen <= chosen == IndexBits'(Outputs - 1) ? '0 : chosen + 1'b1;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (in_ready_o) out_data_o <= in_data_i;
  end

endmodule

`default_nettype wire
