`default_nettype none

/// The row of a power of two times an activation: code c shifts by Shift[c - 1], code 0 gives none.
///
/// The sign is a one's complement. For signed activations the top bit is inverted, which makes the
/// row unsigned by adding half its range. Long shifts are done in two steps, by less than four and
/// by none or four, whose select signals all columns share.
module shift_row #(
  parameter int unsigned CodeBits = 3,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned MaxShift = 6,
  parameter bit [2**CodeBits-2:0][2:0] Shift = {3'd6, 3'd5, 3'd4, 3'd3, 3'd2, 3'd1, 3'd0},

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

  if (MaxShift < 4) begin : gen_one_step
    always_comb begin
      row = '0;
      for (int unsigned c = 1; c < 2 ** CodeBits; c++) begin
        if (code_i == CodeBits'(c)) row = act << Shift[c-1];
      end
    end
  end else begin : gen_two_steps
    logic [Width-1:0] near;
    // Kept, or synthesis merges them into every column again.
    (* keep *) logic is_near, is_far;

    always_comb begin
      near    = act;
      is_near = 1'b0;
      is_far  = 1'b0;
      for (int unsigned c = 1; c < 2 ** CodeBits; c++) begin
        if (code_i == CodeBits'(c)) begin
          near    = act << Shift[c-1][1:0];
          is_near = !Shift[c-1][2];
          is_far  = Shift[c-1][2];
        end
      end
      row = (near & {Width{is_near}}) | ((near << 4) & {Width{is_far}});
    end
  end

endmodule

`default_nettype wire
