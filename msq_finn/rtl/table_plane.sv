`default_nettype none

/// What a bit plane of the activations selects: of every group of columns, its members' bits and
/// the fold's address look up a sum of weights.
module table_plane
  import msq_pkg::*;
#(
  parameter int unsigned Simd = 4,
  parameter int unsigned FoldBits = 1,   // of the fold's address; 0: there is but one fold
  parameter int unsigned Groups = 1,
  parameter int unsigned Members = 4,    // inputs of a table beside the address
  parameter int unsigned TableBits = 5,  // columns a table may have
  parameter index_t [Groups-1:0][Members-1:0] Source = '0,  // elements of a group
  parameter bit [Groups-1:0][TableBits-1:0][2**(Members+FoldBits)-1:0] Table = '0,
  parameter fabric_e Fabric = Portable,

  localparam int unsigned AddressBits = max(FoldBits, 1)
) (
  input  logic [AddressBits-1:0]           fold_i,
  input  logic [Simd-1:0]                  bits_i,
  output logic [Groups-1:0][TableBits-1:0] entries_o
);

  for (genvar g = 0; g < Groups; g++) begin : gen_group
    logic [Members-1:0]          selected;
    logic [Members+FoldBits-1:0] address;

    for (genvar i = 0; i < Members; i++) begin : gen_member
      localparam int unsigned Element = int'(Source[g][i]);

      assign selected[i] = bits_i[Element];
    end

    if (FoldBits == 0) begin : gen_one_fold
      assign address = selected;
    end else begin : gen_folds
      assign address = {fold_i, selected};
    end

    table_row #(
      .Inputs (Members + FoldBits),
      .Columns(TableBits),
      .Table  (Table[g]),
      .Fabric (Fabric)
    ) u_table (
      .address_i(address),
      .entry_o  (entries_o[g])
    );
  end

endmodule

`default_nettype wire
