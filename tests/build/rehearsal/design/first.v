module first #(parameter WIDTH = 8) (
  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF in0_V:out0_V, ASSOCIATED_RESET ap_rst_n" *)
  input ap_clk,
  (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
  input ap_rst_n,
  
  input [WIDTH-1:0] in0_V_TDATA, input in0_V_TVALID, output in0_V_TREADY,
  output [WIDTH-1:0] out0_V_TDATA, output out0_V_TVALID, input out0_V_TREADY
);
  core #(.WIDTH(WIDTH)) i_core (
    .clk(ap_clk), .d(in0_V_TDATA), .v(in0_V_TVALID), .q(out0_V_TDATA), .w(out0_V_TVALID));
  assign in0_V_TREADY = out0_V_TREADY;
endmodule
