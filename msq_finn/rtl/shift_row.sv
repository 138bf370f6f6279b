`default_nettype none

/// The row of a power of two times an activation: code c shifts by Shifts[c-1], code 0 gives none.
///
/// The sign is a one's complement. For signed activations the top bit is inverted, which makes the
/// row unsigned by adding half its range.
module shift_row #(
  parameter int unsigned CodeBits = 2,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned MaxShift = 2,
  parameter bit [6:0][3:0] Shifts = {20'd0, 4'd2, 4'd1, 4'd0},

  localparam int unsigned Width = ActBits + MaxShift
) (
  input  logic [CodeBits-1:0] code_i,
  input  logic                sign_i,
  input  logic [ActBits-1:0]  act_i,
  output logic [Width-1:0]    row_o
);

  logic [Width-1:0] act, row;

  assign act   = Width'($signed({ActSigned & act_i[ActBits-1], act_i}));
  assign row_o = row ^ {Width{sign_i}} ^ {ActSigned, {(Width - 1) {1'b0}}};

  always_comb begin
    row = '0;
    for (int unsigned c = 1; c < 2 ** CodeBits; c++) begin
      if (code_i == CodeBits'(c)) row = act << Shifts[c-1];
    end
  end

endmodule

`default_nettype wire
