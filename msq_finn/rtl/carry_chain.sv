`default_nettype none

/// Xilinx carry logic of any length: bit k of sum_o is propagate ^ carry-in, and the carry goes on
/// where a column propagates, else generate_i starts a new one.
module carry_chain #(
  parameter int unsigned Width = 4
) (
  input  logic [Width-1:0] propagate_i,
  input  logic [Width-1:0] generate_i,
  output logic [Width-1:0] sum_o,
  output logic             carry_o
);

  localparam int unsigned Cells = (Width + 3) / 4;

  logic [4*Cells-1:0] propagate, generate_bit, sum, carry;

  assign propagate    = (4 * Cells)'(propagate_i);
  assign generate_bit = (4 * Cells)'(generate_i);

  for (genvar k = 0; k < Cells; k++) begin : gen_cell
    logic carry_in;
    if (k == 0) begin : gen_first
      assign carry_in = 1'b0;
    end else begin : gen_next
      assign carry_in = carry[4*k-1];
    end

    CARRY4 u_carry (
      .CI    (carry_in),
      .CYINIT(1'b0),
      .S     (propagate[4*k+:4]),
      .DI    (generate_bit[4*k+:4]),
      .O     (sum[4*k+:4]),
      .CO    (carry[4*k+:4])
    );
  end

  assign sum_o   = sum[Width-1:0];
  assign carry_o = carry[Width-1];

endmodule

`default_nettype wire
