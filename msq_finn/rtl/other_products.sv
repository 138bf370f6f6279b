`default_nettype none

/// Stands for the partial products of lane kinds that other packages register: with such kinds, a
/// file of the same name is written that tells theirs from each other (msq_finn/lanes/hardware.py).
module other_products
  import msq_pkg::*;
#(
  parameter lane_kind_t Kind = '0,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned Width = 10,
  parameter fabric_e Fabric = Portable,

  localparam int unsigned Rows = max(int'(Kind.count), 1),
  localparam int unsigned CodeBits = max(int'(Kind.code_bits), 1)
) (
  input  logic [CodeBits-1:0]          code_i,
  input  logic [ActBits-1:0]           act_i,
  output logic [Rows-1:0][Width-1:0]   rows_o
);

  $fatal(1, "Kind.products = %0d: no module makes such partial products", Kind.products);

  assign rows_o = '0;

endmodule

`default_nettype wire
