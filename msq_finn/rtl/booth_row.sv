`default_nettype none

/// The row of one radix-4 Booth digit, -2 c[2] + c[1] + c[0], times an activation.
///
/// A negative digit is a one's complement. For signed activations the top bit is inverted, which
/// makes the row unsigned by adding half its range.
module booth_row #(
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0
) (
  input  logic [2:0]         window_i,
  input  logic [ActBits-1:0] act_i,
  output logic [ActBits:0]   row_o
);

  logic [ActBits:0] act, row;

  assign act   = {ActSigned & act_i[ActBits-1], act_i};
  assign row_o = row ^ {ActSigned, {ActBits{1'b0}}};

  always_comb begin
    case (window_i)
      3'd1, 3'd2: row = act;
      3'd3:       row = act << 1;
      3'd4:       row = ~(act << 1);
      3'd5, 3'd6: row = ~act;
      default:    row = '0;
    endcase
  end

endmodule

`default_nettype wire
