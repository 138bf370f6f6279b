`default_nettype none

/// Columns of an accumulator: acc and carries above <= s + m + carries + (first ? Start : base),
/// where base is acc, or made of it.
///
/// One LUT site and one carry bit a column. Start is part of the LUTs' tables, so that loading it
/// costs nothing. The majority that leaves for the next column has a LUT of its own inputs: inside
/// a dual-output LUT timing tools would see it depend on the previous column and report a ripple.
/// Two carries enter and leave, that of the chain and a majority.
module accumulator_columns
  import msq_pkg::*;
#(
  parameter int unsigned Width = 16,
  parameter bit [Width-1:0] Start = '0,
  parameter fabric_e Fabric = Portable
) (
  input  logic             clk_i,
  input  logic             en_i,
  input  logic             first_i,
  input  logic [Width-1:0] base_i,
  input  logic [Width-1:0] s_i,
  input  logic [Width-1:0] m_i,
  input  logic [1:0]       carries_i,
  output logic [1:0]       carries_o,  // before the register
  output logic [Width-1:0] acc_o
);

  logic [Width-1:0] sum;

  if (Fabric == Portable) begin : gen_behavioural
    logic [Width-1:0] base, majority;

    assign base         = first_i ? Start : base_i;
    assign majority     = (base & s_i) | (base & m_i) | (s_i & m_i);
    assign carries_o[1] = majority[Width-1];

    assign {carries_o[0], sum} = {1'b0, base ^ s_i ^ m_i}
        + {1'b0, Width'({majority, carries_i[1]})} + (Width + 1)'(carries_i[0]);
  end else begin : gen_primitives
    // Inputs base, s, m, first in I0 to I3; the majority from the column below in I4.
    localparam bit [7:0] Majority = 8'hE8;
    localparam bit [7:0] Parity = 8'h96;

    logic [Width-1:0] propagate, majority, below;

    assign carries_o[1] = majority[Width-1];

    for (genvar k = 0; k < Width; k++) begin : gen_column
      // The tables with base replaced by Start's bit.
      localparam bit [7:0] MajorityFirst = Start[k] ? 8'hFC : 8'hC0;
      localparam bit [7:0] ParityFirst = Start[k] ? 8'hC3 : 8'h3C;

      if (k == 0) begin : gen_lowest
        assign below[k] = carries_i[1];
      end else begin : gen_higher
        assign below[k] = majority[k-1];
      end

      LUT5 #(
        .INIT({2{MajorityFirst, Majority}})
      ) u_majority (
        .I0(base_i[k]),
        .I1(s_i[k]),
        .I2(m_i[k]),
        .I3(first_i),
        .I4(1'b0),
        .O (majority[k])
      );

      LUT5 #(
        .INIT({~{ParityFirst, Parity}, ParityFirst, Parity})
      ) u_parity (
        .I0(base_i[k]),
        .I1(s_i[k]),
        .I2(m_i[k]),
        .I3(first_i),
        .I4(below[k]),
        .O (propagate[k])
      );
    end

    carry_chain #(
      .Width        (Width),
      .Fabric       (Fabric)
    ) u_chain (
      .carry_i    (carries_i[0]),
      .propagate_i(propagate),
      .generate_i (below),
      .sum_o      (sum),
      .carry_o    (carries_o[0])
    );
  end

  always_ff @(posedge clk_i) begin
    if (en_i) acc_o <= sum;
  end

endmodule

`default_nettype wire
