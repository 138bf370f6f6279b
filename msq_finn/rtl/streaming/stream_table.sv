`default_nettype none

/// Looks every element of a word up in a table, one word a cycle.
module stream_table #(
  parameter int unsigned InBits = 4,
  parameter int unsigned OutBits = 4,
  parameter int unsigned Elements = 1,                // of a word
  parameter bit [2**InBits-1:0][OutBits-1:0] Table = '0  // entry of an element as it travels
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,

  input  logic [Elements*InBits-1:0]  in_data_i,
  input  logic                        in_valid_i,
  output logic                        in_ready_o,

  output logic [Elements*OutBits-1:0] out_data_o,
  output logic                        out_valid_o,
  input  logic                        out_ready_i
);

  if (InBits == 0 || InBits > 8) begin : gen_check_bits
    $fatal(1, "InBits = %0d: must be 1 to 8", InBits);
  end
  if (OutBits == 0 || Elements == 0) begin : gen_check_size
    $fatal(1, "OutBits = %0d and Elements = %0d: must be at least 1", OutBits, Elements);
  end

  assign in_ready_o = !out_valid_o || out_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_valid_o <= 1'b0;
    else if (in_ready_o) out_valid_o <= in_valid_i;
  end

  for (genvar i = 0; i < int'(Elements); i++) begin : gen_element
    always_ff @(posedge clk_i) begin
      if (in_ready_o) begin
        out_data_o[i*OutBits+:OutBits] <= Table[in_data_i[i*InBits+:InBits]];
      end
    end
  end

endmodule

`default_nettype wire
