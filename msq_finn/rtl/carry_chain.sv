`default_nettype none

/// Xilinx carry logic of any length: bit k of sum_o is propagate ^ carry-in, and the carry goes on
/// where a column propagates, else generate_i starts a new one.
module carry_chain
  import msq_pkg::*;
#(
  parameter int unsigned Width = 4,
  parameter fabric_e Fabric = Series7  // or UltraScale
) (
  input  logic             carry_i,
  input  logic [Width-1:0] propagate_i,
  input  logic [Width-1:0] generate_i,
  output logic [Width-1:0] sum_o,
  output logic             carry_o
);

  localparam int unsigned Bits = Fabric == UltraScale ? 8 : 4;
  localparam int unsigned Cells = (Width + Bits - 1) / Bits;

  logic [Cells-1:0][Bits-1:0] propagate, generate_bit, sum, carry;
  logic [Cells*Bits-1:0]      carries;

  assign propagate    = (Bits * Cells)'(propagate_i);
  assign generate_bit = (Bits * Cells)'(generate_i);
  assign carries      = carry;

  for (genvar k = 0; k < Cells; k++) begin : gen_cell
    // CARRY4 has a pin of its own for a carry that comes from the fabric.
    logic below;

    if (k == 0) begin : gen_first
      assign below = Fabric == UltraScale ? carry_i : 1'b0;
    end else begin : gen_next
      assign below = carry[k-1][Bits-1];
    end

    if (Fabric == UltraScale) begin : gen_carry8
      CARRY8 #(
        .CARRY_TYPE("SINGLE_CY8")
      ) u_carry (
        .CI    (below),
        .CI_TOP(1'b0),
        .S     (propagate[k]),
        .DI    (generate_bit[k]),
        .O     (sum[k]),
        .CO    (carry[k])
      );
    end else begin : gen_carry4
      CARRY4 u_carry (
        .CI    (below),
        .CYINIT(k == 0 ? carry_i : 1'b0),
        .S     (propagate[k]),
        .DI    (generate_bit[k]),
        .O     (sum[k]),
        .CO    (carry[k])
      );
    end
  end

  assign sum_o   = Width'(sum);
  assign carry_o = carries[Width-1];

endmodule

`default_nettype wire
