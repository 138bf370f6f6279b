`default_nettype none

/// Ternary accumulator: acc <= s + m + (first ? Start : acc), modulo 2^Width.
///
/// No carry chain is longer than AccColumns: the columns above add what comes out of those below
/// one cycle later. The operands of the upper ones wait, as do the sums of the lower ones, and all
/// of a sum stands Depth cycles after its last operands.
module accumulator
  import msq_pkg::*;
#(
  parameter int unsigned Width = 16,
  parameter int unsigned Depth = acc_depth(Width),  // at least that
  parameter bit [Width-1:0] Start = '0,
  parameter fabric_e Fabric = Portable
) (
  input  logic             clk_i,
  input  logic             en_i,
  input  logic             valid_i,
  input  logic             first_i,
  input  logic [Width-1:0] s_i,
  input  logic [Width-1:0] m_i,
  output logic [Width-1:0] acc_o
);

  localparam int unsigned Parts = acc_depth(Width);

  if (Depth < Parts) begin : gen_check_depth
    $fatal(1, "Depth = %0d: sums of %0d bits take %0d", Depth, Width, Parts);
  end

  logic [Parts:0][1:0] carries;  // registered, into each part

  assign carries[0] = '0;

  for (genvar k = 0; k < Parts; k++) begin : gen_part
    localparam int unsigned Lo = k * AccColumns;
    localparam int unsigned Columns = min(AccColumns, Width - Lo);

    logic               valid, first;
    logic [Columns-1:0] s, m, sum;
    logic [1:0]         carries_out;

    delay_line #(
      .Width (2 * Columns + 2),
      .Cycles(k)
    ) u_operands (
      .clk_i,
      .en_i,
      .data_i({valid_i, first_i, s_i[Lo+:Columns], m_i[Lo+:Columns]}),
      .data_o({valid, first, s, m})
    );

    accumulator_columns #(
      .Width        (Columns),
      .Start        (Start[Lo+:Columns]),
      .Fabric       (Fabric)
    ) u_columns (
      .clk_i,
      .en_i     (en_i && valid),
      .first_i  (first),
      .base_i   (sum),
      .s_i      (s),
      .m_i      (m),
      .carries_i(carries[k]),
      .carries_o(carries_out),
      .acc_o    (sum)
    );

    delay_line #(
      .Width (2),
      .Cycles(1)
    ) u_carries (
      .clk_i,
      .en_i,
      .data_i(carries_out),
      .data_o(carries[k+1])
    );

    delay_line #(
      .Width (Columns),
      .Cycles(Depth - 1 - k)
    ) u_sum (
      .clk_i,
      .en_i,
      .data_i(sum),
      .data_o(acc_o[Lo+:Columns])
    );
  end

endmodule

`default_nettype wire
