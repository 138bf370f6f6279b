`default_nettype none

/// Rows of one product of a 4-bit two's complement weight and an activation by radix-4 Booth
/// digits: low + 4 high = w a + a constant for signed activations + a constant for each negative
/// digit. The two rows of product_rows.sv, placed in as few LUTs as there can be.
///
/// The digits are low = c0 - 2 c1 and high = c1 + c2 - 2 c3. A negative digit is a one's complement
/// of its row. For signed activations a row's top bit is inverted, which makes it unsigned by
/// adding half its range.
module booth_4_rows #(
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0
) (
  input  logic [3:0]         code_i,
  input  logic [ActBits-1:0] act_i,
  output logic [ActBits:0]   low_o,
  output logic [ActBits:0]   high_o
);

  // Bit k of a digit times the activation, given the activation's bits k and k - 1.
  function automatic bit digit(bit [2:0] window, bit same, bit below);
    case (window)
      3'd1, 3'd2: return same;
      3'd3:       return below;
      3'd4:       return !below;
      3'd5, 3'd6: return !same;
      default:    return 1'b0;
    endcase
  endfunction

  // A column of the low row from the activation's bits k - 1, k, k + 1 in I0 to I2 and c0, c1.
  function automatic bit [31:0] low_table(bit upper, bit flip);
    bit [31:0] entries;
    for (int unsigned k = 0; k < 32; k++) begin
      if (upper) entries[k] = digit({k[4:3], 1'b0}, k[2], k[1]) ^ flip;
      else entries[k] = digit({k[4:3], 1'b0}, k[1], k[0]) ^ flip;
    end
    return entries;
  endfunction

  // A column of the high row from the activation's bits k - 1 and k in I0 and I1 and c1 to c3.
  function automatic bit [31:0] high_table();
    bit [31:0] entries;
    for (int unsigned k = 0; k < 32; k++) entries[k] = digit(k[4:2], k[1], k[0]);
    return entries;
  endfunction

  // The lowest column from its bits 0 and 1 in I0 and I1: nothing lies below.
  function automatic bit [31:0] high_bottom_table();
    bit [31:0] entries;
    for (int unsigned k = 0; k < 32; k++) entries[k] = digit(k[4:2], k[0], 1'b0);
    return entries;
  endfunction

  // The top column from the activation's top bits in I0 and I1: above them lies the sign.
  function automatic bit [31:0] high_top_table();
    bit [31:0] entries;
    for (int unsigned k = 0; k < 32; k++) begin
      entries[k] = digit(k[4:2], ActSigned & k[1], k[1]) ^ ActSigned;
    end
    return entries;
  endfunction

  logic [ActBits+1:0] act;  // the activation's bit k at k + 1; a zero below, the sign above

  assign act = {ActSigned & act_i[ActBits-1], act_i, 1'b0};

  // Two columns share a dual-output LUT where both together need five inputs: everywhere in the
  // low row, at either end of the high row.
  for (genvar k = 0; k < ActBits; k += 2) begin : gen_low
    LUT6_2 #(
      .INIT({low_table(1, ActSigned && k + 1 == ActBits), low_table(0, 0)})
    ) u_lut (
      .I0(act[k]),
      .I1(act[k+1]),
      .I2(act[k+2]),
      .I3(code_i[0]),
      .I4(code_i[1]),
      .I5(1'b1),
      .O5(low_o[k]),
      .O6(low_o[k+1])
    );
  end

  if (ActBits % 2 == 0) begin : gen_low_top
    LUT5 #(
      .INIT(low_table(0, ActSigned))
    ) u_lut (
      .I0(act[ActBits]),
      .I1(act[ActBits+1]),
      .I2(1'b0),
      .I3(code_i[0]),
      .I4(code_i[1]),
      .O (low_o[ActBits])
    );
  end

  LUT6_2 #(
    .INIT({high_table(), high_bottom_table()})
  ) u_bottom (
    .I0(act_i[0]),
    .I1(act_i[1]),
    .I2(code_i[1]),
    .I3(code_i[2]),
    .I4(code_i[3]),
    .I5(1'b1),
    .O5(high_o[0]),
    .O6(high_o[1])
  );

  for (genvar k = 2; k < ActBits - 1; k++) begin : gen_middle
    LUT5 #(
      .INIT(high_table())
    ) u_lut (
      .I0(act_i[k-1]),
      .I1(act_i[k]),
      .I2(code_i[1]),
      .I3(code_i[2]),
      .I4(code_i[3]),
      .O (high_o[k])
    );
  end

  if (ActBits == 2) begin : gen_top_alone
    LUT5 #(
      .INIT(high_top_table())
    ) u_lut (
      .I0(act_i[0]),
      .I1(act_i[1]),
      .I2(code_i[1]),
      .I3(code_i[2]),
      .I4(code_i[3]),
      .O (high_o[2])
    );
  end else begin : gen_top
    LUT6_2 #(
      .INIT({high_top_table(), high_table()})
    ) u_lut (
      .I0(act_i[ActBits-2]),
      .I1(act_i[ActBits-1]),
      .I2(code_i[1]),
      .I3(code_i[2]),
      .I4(code_i[3]),
      .I5(1'b1),
      .O5(high_o[ActBits-1]),
      .O6(high_o[ActBits])
    );
  end

endmodule

`default_nettype wire
