`default_nettype none

/// Rows of one product of an SP2(4) weight {sign, q1 code, q2 code} and an activation:
/// low + 4 high = w a + a constant for signed activations + a constant for negative weights.
/// The two rows of product_rows.sv, placed in as few LUTs as there can be.
///
/// The sign is a one's complement of both rows. For signed activations a row's top bit is inverted,
/// which makes it unsigned by adding half its range.
module sp2_4_rows #(
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0
) (
  input  logic [3:0]         code_i,
  input  logic [ActBits-1:0] act_i,
  output logic [ActBits+1:0] low_o,
  output logic [ActBits-1:0] high_o
);

  // Bit k of q1 a, given the activation's bits k, k - 1 and k - 2.
  function automatic bit shifted(bit [1:0] q1, bit same, bit below, bit second);
    case (q1)
      2'd1:    return same;
      2'd2:    return below;
      2'd3:    return second;
      default: return 1'b0;
    endcase
  endfunction

  // Two columns share a dual-output LUT at either end of the low row, where they need only two
  // activation bits (I0 the lower, I1 the higher), and everywhere in the high row.
  function automatic bit [31:0] low_table(bit top, bit upper);
    bit [31:0] entries;
    bit a, b, s;
    for (int unsigned k = 0; k < 32; k++) begin
      a = k[0];
      b = k[1];
      s = ActSigned & b;
      if (!top) entries[k] = shifted(k[3:2], upper ? b : a, upper & a, 1'b0) ^ k[4];
      else if (!upper) entries[k] = shifted(k[3:2], s, b, a) ^ k[4];
      else entries[k] = shifted(k[3:2], s, s, b) ^ k[4] ^ ActSigned;
    end
    return entries;
  endfunction

  function automatic bit [63:0] middle_table();
    bit [63:0] entries;
    for (int unsigned k = 0; k < 64; k++) entries[k] = shifted(k[4:3], k[2], k[1], k[0]) ^ k[5];
    return entries;
  endfunction

  // Inputs: two activation bits, q2's code, the sign; `flip` inverts.
  function automatic bit [31:0] high_table(bit upper, bit flip);
    bit [31:0] entries;
    for (int unsigned k = 0; k < 32; k++) entries[k] = ((upper ? k[1] : k[0]) & k[2]) ^ k[3] ^ flip;
    return entries;
  endfunction

  LUT6_2 #(
    .INIT({low_table(0, 1), low_table(0, 0)})
  ) u_bottom (
    .I0(act_i[0]),
    .I1(act_i[1]),
    .I2(code_i[1]),
    .I3(code_i[2]),
    .I4(code_i[3]),
    .I5(1'b1),
    .O5(low_o[0]),
    .O6(low_o[1])
  );

  LUT6_2 #(
    .INIT({low_table(1, 1), low_table(1, 0)})
  ) u_top (
    .I0(act_i[ActBits-2]),
    .I1(act_i[ActBits-1]),
    .I2(code_i[1]),
    .I3(code_i[2]),
    .I4(code_i[3]),
    .I5(1'b1),
    .O5(low_o[ActBits]),
    .O6(low_o[ActBits+1])
  );

  for (genvar k = 2; k < ActBits; k++) begin : gen_middle
    LUT6 #(
      .INIT(middle_table())
    ) u_lut (
      .I0(act_i[k-2]),
      .I1(act_i[k-1]),
      .I2(act_i[k]),
      .I3(code_i[1]),
      .I4(code_i[2]),
      .I5(code_i[3]),
      .O (low_o[k])
    );
  end

  for (genvar k = 0; k + 1 < ActBits; k += 2) begin : gen_high
    LUT6_2 #(
      .INIT({high_table(1, ActSigned && k + 2 == ActBits), high_table(0, 0)})
    ) u_lut (
      .I0(act_i[k]),
      .I1(act_i[k+1]),
      .I2(code_i[0]),
      .I3(code_i[3]),
      .I4(1'b0),
      .I5(1'b1),
      .O5(high_o[k]),
      .O6(high_o[k+1])
    );
  end

  if (ActBits % 2 == 1) begin : gen_last
    LUT5 #(
      .INIT(high_table(0, ActSigned))
    ) u_lut (
      .I0(act_i[ActBits-1]),
      .I1(1'b0),
      .I2(code_i[0]),
      .I3(code_i[3]),
      .I4(1'b0),
      .O (high_o[ActBits-1])
    );
  end

endmodule

`default_nettype wire
