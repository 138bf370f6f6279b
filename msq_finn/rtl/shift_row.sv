`default_nettype none

/// The row of a power of two times an activation: code c shifts by c - 1, code 0 gives none.
///
/// The sign is a one's complement. For signed activations the top bit is inverted, which makes the
/// row unsigned by adding half its range.
module shift_row #(
  parameter int unsigned CodeBits = 2,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter bit SkipOne = 0,  // no code shifts by one: those from 2 on by c instead

  localparam int unsigned MaxShift = 2 ** CodeBits - 2 + (SkipOne ? 1 : 0),
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
      if (code_i == CodeBits'(c)) row = act << (SkipOne && c > 1 ? c : c - 1);
    end
  end

endmodule

`default_nettype wire
