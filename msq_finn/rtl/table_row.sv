`default_nettype none

/// A table of sums in LUTs, two columns a site: what a group of bits and the fold's address select.
module table_row
  import msq_pkg::*;
#(
  parameter int unsigned Inputs = 5,   // at most 5
  parameter int unsigned Columns = 4,
  parameter bit [Columns-1:0][2**Inputs-1:0] Table = '0,
  parameter fabric_e Fabric = Portable
) (
  input  logic [Inputs-1:0]  address_i,
  output logic [Columns-1:0] entry_o
);

  logic [4:0] inputs;

  assign inputs = 5'(address_i);

  for (genvar b = 0; b < Columns; b++) begin : gen_column
    localparam bit [2**Inputs-1:0] Column = Table[b];

    // Left to itself, synthesis chains tables that have something in common.
    if (Fabric == Portable) begin : gen_behavioural
      assign entry_o[b] = Column[address_i];
    end else if (Column == '0) begin : gen_empty
      assign entry_o[b] = 1'b0;
    end else begin : gen_primitives
      LUT5 #(
        .INIT(32'(Column))
      ) u_lut (
        .I0(inputs[0]),
        .I1(inputs[1]),
        .I2(inputs[2]),
        .I3(inputs[3]),
        .I4(inputs[4]),
        .O (entry_o[b])
      );
    end
  end

endmodule

`default_nettype wire
