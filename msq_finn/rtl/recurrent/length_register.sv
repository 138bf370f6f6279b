`default_nettype none

/// How long sequences are, as the processor writes and reads it, behind FINN's axilite. It begins
/// with the longest, and takes nothing but 1 to Steps.
module length_register #(
  parameter int unsigned Steps = 1,  // of a frame, the longest sequence

  localparam int unsigned LengthBits = $clog2(Steps + 1)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic                  en_i,
  input  logic                  write_i,
  input  logic [31:0]           data_i,
  output logic                  ack_o,   // of what is read
  output logic [31:0]           data_o,

  output logic [LengthBits-1:0] length_o
);

  assign data_o = 32'(length_o);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      length_o <= LengthBits'(Steps);
      ack_o    <= 1'b0;
    end else begin
      ack_o <= en_i && !write_i;
      if (en_i && write_i && data_i != '0 && data_i <= 32'(Steps)) begin
        length_o <= LengthBits'(data_i);
      end
    end
  end

endmodule

`default_nettype wire
