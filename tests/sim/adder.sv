`default_nettype none

/// Test design: s = a + b, word by word; stops itself at the sum Stop.
module adder #(
  parameter logic [16:0] Stop = 17'd131070
) (
  input  logic        ap_clk,
  input  logic        ap_rst_n,
  input  logic [15:0] a_tdata,
  input  logic        a_tvalid,
  output logic        a_tready,
  input  logic [15:0] b_TDATA,
  input  logic        b_TVALID,
  output logic        b_TREADY,
  output logic [16:0] s_tdata,
  output logic        s_tvalid,
  input  logic        s_tready,
  output logic [47:0] words__sum,
  output logic [70:0] wide
);

  // Never reset and never written: what random initial state must show.
  logic [70:0] noise;
  logic        go;

  assign go       = a_tvalid && b_TVALID && (!s_tvalid || s_tready);
  assign a_tready = go;
  assign b_TREADY = go;
  assign wide     = noise;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      s_tvalid   <= 1'b0;
      words__sum <= '0;
    end else if (go) begin
      s_tvalid   <= 1'b1;
      s_tdata    <= {1'b0, a_tdata} + {1'b0, b_TDATA};
      words__sum <= words__sum + 48'(a_tdata);
      if ({1'b0, a_tdata} + {1'b0, b_TDATA} == Stop) $error("reached %0d", Stop);
    end else if (s_tready) begin
      s_tvalid <= 1'b0;
    end
  end

endmodule

`default_nettype wire
