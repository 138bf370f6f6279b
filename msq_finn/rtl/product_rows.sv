`default_nettype none

/// Partial products of a weight's code and an activation, unsigned, for any kind of LUT lane.
///
/// Kind.products says what makes them: shifts (0) or Booth digits (1); for two kinds of four bits,
/// SP2(4) (2) and Fixed(4) (3), LUTs are placed by hand as well. Other numbers are those of other
/// packages' kinds. Row r occupies the ActBits + added
/// columns from its base on. Their sum is w a + a constant for signed activations + a constant of
/// the code.
module product_rows
  import msq_pkg::*;
#(
  parameter lane_kind_t Kind = '0,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned Width = 10,
  parameter fabric_e Fabric = Portable,

  localparam int unsigned Rows = int'(Kind.count),
  localparam int unsigned CodeBits = int'(Kind.code_bits)
) (
  input  logic [CodeBits-1:0]          code_i,
  input  logic [ActBits-1:0]           act_i,
  output logic [Rows-1:0][Width-1:0]   rows_o
);

  localparam int unsigned Products = int'(Kind.products);

  if (Products == 2 && Fabric != Portable) begin : gen_sp2_4
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
  end else if (Products == 3 && Fabric != Portable) begin : gen_fixed_4
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
  end else if (Products == 1 || Products == 3) begin : gen_fixed
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
  end else if (Products == 0 || Products == 2) begin : gen_powers
    for (genvar r = 0; r < Rows; r++) begin : gen_row
      localparam partial_t Partial = Kind.partials[r];
      localparam int unsigned Low = int'(Partial.low);
      localparam int unsigned FieldBits = int'(Partial.bits);

      logic [ActBits+int'(Partial.added)-1:0] row;

      if (Partial.is_long) begin : gen_long
        long_shift_row #(
          .ActBits      (ActBits),
          .ActSigned    (ActSigned),
          .Fabric       (Fabric)
        ) u_row (
          .field_i(code_i[Low+:3]),
          .sign_i (code_i[CodeBits-1]),
          .act_i,
          .row_o  (row)
        );
      end else begin : gen_short
        shift_row #(
          .CodeBits (FieldBits),
          .ActBits  (ActBits),
          .ActSigned(ActSigned),
          .MaxShift (int'(Partial.added)),
          .Shifts   (Partial.shifts)
        ) u_row (
          .code_i(code_i[Low+:FieldBits]),
          .sign_i(code_i[CodeBits-1]),
          .act_i,
          .row_o (row)
        );
      end

      assign rows_o[r] = Width'(row) << Partial.base;
    end
  end else begin : gen_other
    other_products #(
      .Kind     (Kind),
      .ActBits  (ActBits),
      .ActSigned(ActSigned),
      .Width    (Width),
      .Fabric   (Fabric)
    ) u_rows (
      .code_i,
      .act_i,
      .rows_o
    );
  end

endmodule

`default_nettype wire
