`default_nettype none

/// 4:2 compressor of unsigned rows: a + b + c + d = s + 2 m.
///
/// A column takes one dual-output LUT and one carry bit: the majority of a, b, c leaves for the
/// next column as m, their parity is added to d on the carry chain.
module row_compressor
  import msq_pkg::*;
#(
  parameter int unsigned Width = 4,
  parameter fabric_e Fabric = Portable
) (
  input  logic [Width-1:0] a_i,
  input  logic [Width-1:0] b_i,
  input  logic [Width-1:0] c_i,
  input  logic [Width-1:0] d_i,
  output logic [Width:0]   s_o,
  output logic [Width-1:0] m_o
);

  if (Fabric == Portable) begin : gen_behavioural
    assign m_o = (a_i & b_i) | (a_i & c_i) | (b_i & c_i);
    assign s_o = {1'b0, a_i ^ b_i ^ c_i} + {1'b0, d_i};
  end else begin : gen_primitives
    // Inputs a, b, c, d in I0 to I3: parity of all four above, majority of three below.
    localparam bit [63:0] Init = {32'h6996_6996, 32'hE8E8_E8E8};

    logic [Width-1:0] propagate;

    for (genvar k = 0; k < Width; k++) begin : gen_column
      LUT6_2 #(
        .INIT(Init)
      ) u_lut (
        .I0(a_i[k]),
        .I1(b_i[k]),
        .I2(c_i[k]),
        .I3(d_i[k]),
        .I4(1'b0),
        .I5(1'b1),
        .O5(m_o[k]),
        .O6(propagate[k])
      );
    end

    carry_chain #(
      .Width        (Width),
      .Fabric       (Fabric)
    ) u_chain (
      .carry_i    (1'b0),
      .propagate_i(propagate),
      .generate_i (d_i),
      .sum_o      (s_o[Width-1:0]),
      .carry_o    (s_o[Width])
    );
  end

endmodule

`default_nettype wire
