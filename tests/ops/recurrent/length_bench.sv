`default_nettype none

// A recurrent layer whose length is written between groups of frames: a word of the stream length_V
// is written over AXI-lite and read again, which goes to read_V; then FRAMES frames pass, and when
// all of these has left, the next word is taken; or frames pass whatever is written (not WAITS).
// NODE is the layer, of which a frame has IN_WORDS
// and OUT_WORDS words of IN_BITS and OUT_BITS.
module length_bench (
  input  logic                 ap_clk,
  input  logic                 ap_rst_n,

  input  logic [31:0]          length_V_TDATA,
  input  logic                 length_V_TVALID,
  output logic                 length_V_TREADY,

  output logic [31:0]          read_V_TDATA,
  output logic                 read_V_TVALID,
  input  logic                 read_V_TREADY,

  input  logic [`IN_BITS-1:0]  in0_V_TDATA,
  input  logic                 in0_V_TVALID,
  output logic                 in0_V_TREADY,

  output logic [`OUT_BITS-1:0] out0_V_TDATA,
  output logic                 out0_V_TVALID,
  input  logic                 out0_V_TREADY
);

  typedef enum logic [2:0] {Write, Written, Read, Reads, Frames} phase_t;

  phase_t      phase_q;
  logic [31:0] in_left_q, out_left_q;
  logic        aw_sent_q, w_sent_q;
  logic        awready, awvalid, wready, wvalid, bvalid, arready, rvalid;
  logic        passes, in_ready, out_ready;

  assign awvalid = phase_q == Write && length_V_TVALID && !aw_sent_q;
  assign wvalid  = phase_q == Write && length_V_TVALID && !w_sent_q;

  assign length_V_TREADY = phase_q == Written && bvalid;
  assign read_V_TVALID   = phase_q == Reads && rvalid;

  assign passes        = !`WAITS || (phase_q == Frames && in_left_q != 0);
  assign in0_V_TREADY  = passes && in_ready;
  assign out_ready     = out0_V_TREADY;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      phase_q   <= Write;
      aw_sent_q <= 1'b0;
      w_sent_q  <= 1'b0;
    end else begin
      case (phase_q)
        Write: begin
          if (awvalid && awready) aw_sent_q <= 1'b1;
          if (wvalid && wready) w_sent_q <= 1'b1;
          if (aw_sent_q && w_sent_q) phase_q <= Written;
        end
        Written: if (bvalid) begin
          phase_q   <= Read;
          aw_sent_q <= 1'b0;
          w_sent_q  <= 1'b0;
        end
        Read: if (arready) phase_q <= Reads;
        Reads: if (rvalid && read_V_TREADY) begin
          phase_q    <= Frames;
          in_left_q  <= `FRAMES * `IN_WORDS;
          out_left_q <= `FRAMES * `OUT_WORDS;
        end
        default: begin
          if (in0_V_TVALID && in0_V_TREADY) in_left_q <= in_left_q - 1;
          if (out0_V_TVALID && out_ready) out_left_q <= out_left_q - 1;
          if (!`WAITS || out_left_q == 0) phase_q <= Write;
        end
      endcase
    end
  end

  `NODE u_layer (
    .ap_clk,
    .ap_rst_n,
    .s_axilite_AWVALID(awvalid), .s_axilite_AWREADY(awready), .s_axilite_AWPROT('0),
    .s_axilite_AWADDR ('0),
    .s_axilite_WVALID (wvalid), .s_axilite_WREADY(wready), .s_axilite_WDATA(length_V_TDATA),
    .s_axilite_WSTRB  ('1),
    .s_axilite_BVALID (bvalid), .s_axilite_BREADY(phase_q == Written), .s_axilite_BRESP(),
    .s_axilite_ARVALID(phase_q == Read), .s_axilite_ARREADY(arready), .s_axilite_ARPROT('0),
    .s_axilite_ARADDR ('0),
    .s_axilite_RVALID (rvalid), .s_axilite_RREADY(read_V_TVALID && read_V_TREADY),
    .s_axilite_RDATA  (read_V_TDATA), .s_axilite_RRESP(),
    .in0_V_TDATA,
    .in0_V_TVALID     (in0_V_TVALID && passes),
    .in0_V_TREADY     (in_ready),
    .out0_V_TDATA,
    .out0_V_TVALID,
    .out0_V_TREADY    (out_ready)
  );

endmodule

`default_nettype wire
