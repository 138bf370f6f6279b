`default_nettype none

/// Unsigned rows of one product of a weight's code and an activation, for any kind of LUT lane.
///
/// Shifts and Booth digits say what a row is; for the two kinds of four bits that matter most, the
/// LUTs are placed by hand as well. Row r occupies the ActBits + row_shift(Kind, r) columns from
/// row_base(Kind, r) on. Their sum is w a + a constant for signed activations + a constant of the
/// code.
module product_rows
  import msq_pkg::*;
#(
  parameter lut_kind_e Kind = Sp2x4,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned Width = 10,
  parameter fabric_e Fabric = Portable,

  localparam int unsigned Rows = row_count(Kind),
  localparam int unsigned CodeBits = code_bits(Kind)
) (
  input  logic [CodeBits-1:0]          code_i,
  input  logic [ActBits-1:0]           act_i,
  output logic [Rows-1:0][Width-1:0]   rows_o
);

  if (Kind == Sp2x4 && Fabric != Portable) begin : gen_sp2_4
    logic [ActBits+1:0] low;
    logic [ActBits-1:0] high;

    sp2_4_rows #(
      .ActBits  (ActBits),
      .ActSigned(ActSigned)
    ) u_rows (
      .code_i,
      .act_i,
      .low_o (low),
      .high_o(high)
    );

    assign rows_o = {Width'({high, 2'b00}), Width'(low)};
  end else if (Kind == Fixed4 && Fabric != Portable) begin : gen_fixed_4
    logic [ActBits:0] low, high;

    booth_4_rows #(
      .ActBits  (ActBits),
      .ActSigned(ActSigned)
    ) u_rows (
      .code_i,
      .act_i,
      .low_o (low),
      .high_o(high)
    );

    assign rows_o = {Width'({high, 2'b00}), Width'(low)};
  end else if (is_fixed(Kind)) begin : gen_fixed
    logic [CodeBits:0] code;

    assign code = {code_i, 1'b0};

    for (genvar r = 0; r < Rows; r++) begin : gen_row
      logic [ActBits:0] row;

      booth_row #(
        .ActBits  (ActBits),
        .ActSigned(ActSigned)
      ) u_row (
        .window_i(code[2*r+:3]),
        .act_i,
        .row_o   (row)
      );

      assign rows_o[r] = Width'(row) << (2 * r);
    end
  end else begin : gen_powers
    // A code is a sign above one field for each row, the first row's on top.
    localparam int unsigned LastBits = Rows == 1 ? 0 : (CodeBits - 1) / 2;
    localparam int unsigned FirstBits = CodeBits - 1 - LastBits;

    for (genvar r = 0; r < Rows; r++) begin : gen_row
      localparam int unsigned FieldBits = r == 0 ? FirstBits : LastBits;

      logic [ActBits+row_shift(Kind, r)-1:0] row;

      if (is_long(Kind, r)) begin : gen_long
        long_shift_row #(
          .ActBits      (ActBits),
          .ActSigned    (ActSigned),
          .Fabric       (Fabric)
        ) u_row (
          .field_i(code_i[(r==0?LastBits:0)+:3]),
          .sign_i (code_i[CodeBits-1]),
          .act_i,
          .row_o  (row)
        );
      end else begin : gen_short
        shift_row #(
          .CodeBits (FieldBits),
          .ActBits  (ActBits),
          .ActSigned(ActSigned),
          .SkipOne  (Kind == Apot4 && r == 0)
        ) u_row (
          .code_i(code_i[(r==0?LastBits:0)+:FieldBits]),
          .sign_i(code_i[CodeBits-1]),
          .act_i,
          .row_o (row)
        );
      end

      assign rows_o[r] = Width'(row) << row_base(Kind, r);
    end
  end

endmodule

`default_nettype wire
