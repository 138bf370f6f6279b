`default_nettype none

/// The row of a power of two times an activation, for shifts of up to six: a field of 1 to 7 shifts
/// by 0 to 6, a field of 0 gives none.
///
/// The sign complements the activation's bits alone: -a shifted by s is the row less
/// (2^ActBits - 1) 2^s. The top bit of signed activations is inverted, which adds half their range.
/// Both constants depend on the code only (see msq_finn/lanes).
module long_shift_row
  import msq_pkg::*;
#(
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter fabric_e Fabric = Portable,

  localparam int unsigned Width = ActBits + 6
) (
  input  logic [2:0]         field_i,
  input  logic               sign_i,
  input  logic [ActBits-1:0] act_i,
  output logic [Width-1:0]   row_o
);

  localparam int unsigned NearWidth = ActBits + 2;

  // First by none, one or two, then by none, three or four more: a shift by three is one of none
  // and three, so that two bits of the field say the first and two signals the second.
  logic [NearWidth-1:0] near;
  logic                 skip;

  // Column k of the first step, given the activation's bits k - 2, k - 1 and k.
  function automatic bit first_step(int k, bit [2:0] bits, bit [1:0] field, bit sign);
    int source;
    source = field == 3 ? k - 2 : field == 2 ? k - 1 : k;
    if (source < 0 || source >= ActBits) return 1'b0;
    return bits[source-k+2] ^ sign ^ (ActSigned && source == ActBits - 1);
  endfunction

  // A column of the second step, given those of the first by none, three and four.
  function automatic bit second_step(bit same, bit three, bit four, bit far, bit skipped);
    if (far) return skipped ? three : four;
    return same & !skipped;
  endfunction

  function automatic bit [63:0] first_table(int k);
    bit [63:0] entries;
    for (int unsigned e = 0; e < 64; e++) entries[e] = first_step(k, e[2:0], e[4:3], e[5]);
    return entries;
  endfunction

  function automatic bit [31:0] second_table();
    bit [31:0] entries;
    for (int unsigned e = 0; e < 32; e++) entries[e] = second_step(e[0], e[1], e[2], e[3], e[4]);
    return entries;
  endfunction

  // Zeros around what there is, so that all columns are alike.
  logic [ActBits+3:0] act;
  logic [Width+3:0]   same;
  logic [Width+3:0]   three;  // nothing is shifted by both a near step and three

  assign skip  = field_i[1:0] == 0;
  assign act   = {2'b0, act_i, 2'b0};
  assign same  = {{(Width + 4 - NearWidth - 4) {1'b0}}, near, 4'b0};
  assign three = {{(Width + 4 - ActBits - 4) {1'b0}}, near[ActBits-1:0], 4'b0};

  if (Fabric != Portable) begin : gen_primitives
    for (genvar k = 0; k < NearWidth; k++) begin : gen_near
      LUT6 #(
        .INIT(first_table(k))
      ) u_lut (
        .I0(act[k]),
        .I1(act[k+1]),
        .I2(act[k+2]),
        .I3(field_i[0]),
        .I4(field_i[1]),
        .I5(sign_i),
        .O (near[k])
      );
    end

    for (genvar k = 0; k < Width; k++) begin : gen_row
      LUT5 #(
        .INIT(second_table())
      ) u_lut (
        .I0(same[k+4]),
        .I1(three[k+1]),
        .I2(same[k]),
        .I3(field_i[2]),
        .I4(skip),
        .O (row_o[k])
      );
    end
  end else begin : gen_portable
    for (genvar k = 0; k < NearWidth; k++) begin : gen_near
      assign near[k] = first_step(k, act[k+:3], field_i[1:0], sign_i);
    end

    for (genvar k = 0; k < Width; k++) begin : gen_row
      assign row_o[k] = second_step(same[k+4], three[k+1], same[k], field_i[2], skip);
    end
  end

endmodule

`default_nettype wire
