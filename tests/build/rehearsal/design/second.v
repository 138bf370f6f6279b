module second #(parameter WIDTH = 8) (
  (* X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF in0_V:out0_V:s_axilite, ASSOCIATED_RESET ap_rst_n" *)
  input ap_clk,
  (* X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
  input ap_rst_n,
  input [7:0] s_axilite_AWADDR, input [0:0] s_axilite_AWVALID, input [31:0] s_axilite_WDATA, input [3:0] s_axilite_WSTRB, input [0:0] s_axilite_WVALID, input [0:0] s_axilite_BREADY, input [7:0] s_axilite_ARADDR, input [0:0] s_axilite_ARVALID, input [0:0] s_axilite_RREADY, output [0:0] s_axilite_AWREADY, output [0:0] s_axilite_WREADY, output [1:0] s_axilite_BRESP, output [0:0] s_axilite_BVALID, output [0:0] s_axilite_ARREADY, output [31:0] s_axilite_RDATA, output [1:0] s_axilite_RRESP, output [0:0] s_axilite_RVALID,
  input [WIDTH-1:0] in0_V_TDATA, input in0_V_TVALID, output in0_V_TREADY,
  output [WIDTH-1:0] out0_V_TDATA, output out0_V_TVALID, input out0_V_TREADY
);
  core #(.WIDTH(WIDTH)) i_core (
    .clk(ap_clk), .d(in0_V_TDATA), .v(in0_V_TVALID), .q(out0_V_TDATA), .w(out0_V_TVALID));
  assign in0_V_TREADY = out0_V_TREADY;
endmodule
