`default_nettype none

/// Adds two streams element by element, modulo 2^OutBits; words leave through a register.
module stream_add #(
  parameter int unsigned Elements = 1,
  parameter int unsigned LhsBits = 4,
  parameter bit LhsSigned = 0,
  parameter int unsigned RhsBits = 4,
  parameter bit RhsSigned = 0,
  parameter int unsigned OutBits = 5
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,

  input  logic [Elements-1:0][LhsBits-1:0]  lhs_data_i,
  input  logic                              lhs_valid_i,
  output logic                              lhs_ready_o,

  input  logic [Elements-1:0][RhsBits-1:0]  rhs_data_i,
  input  logic                              rhs_valid_i,
  output logic                              rhs_ready_o,

  output logic [Elements-1:0][OutBits-1:0]  out_data_o,
  output logic                              out_valid_o,
  input  logic                              out_ready_i
);

  if (Elements == 0) begin : gen_check_elements
    $fatal(1, "Elements = 0: must be at least 1");
  end

  logic room;

  assign room        = !out_valid_o || out_ready_i;
  assign lhs_ready_o = room && rhs_valid_i;
  assign rhs_ready_o = room && lhs_valid_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      out_valid_o <= 1'b0;
    end else if (room) begin
      out_valid_o <= lhs_valid_i && rhs_valid_i;
    end
  end

  for (genvar i = 0; i < Elements; i++) begin : gen_element
    logic [LhsBits-1:0] lhs;
    logic [RhsBits-1:0] rhs;
    logic [OutBits-1:0] a, b;

    assign lhs = lhs_data_i[i];
    assign rhs = rhs_data_i[i];
    assign a   = LhsSigned ? OutBits'(signed'(lhs)) : OutBits'(lhs);
    assign b   = RhsSigned ? OutBits'(signed'(rhs)) : OutBits'(rhs);

    always_ff @(posedge clk_i) begin
      if (room) out_data_o[i] <= a + b;
    end
  end

endmodule

`default_nettype wire
