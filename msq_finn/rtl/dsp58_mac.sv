`default_nettype none

/// dsp_mac on a DSP58. addend_i is what OPMODE calls Z.
/* verilator lint_off PINCONNECTEMPTY */  // outputs of the primitive

module dsp58_mac #(
  parameter bit Delayed = 0,
  parameter logic [57:0] Start = '0
) (
  input  logic        clk_i,
  input  logic        en_i,
  input  logic        p_en_i,
  input  logic [2:0]  addend_i,
  input  logic [26:0] d_i,
  input  logic [26:0] a_i,
  input  logic [23:0] b_i,
  input  logic [57:0] chain_i,
  output logic [57:0] chain_o,
  output logic [57:0] p_o
);

  DSP58 #(
    .DSP_MODE     ("INT24"),
    .USE_SIMD     ("ONE58"),
    .AMULTSEL     ("AD"),
    .BMULTSEL     ("B"),
    .PREADDINSEL  ("A"),
    .ACASCREG     (Delayed ? 1 : 0),
    .ADREG        (1),
    .ALUMODEREG   (0),
    .AREG         (Delayed ? 1 : 0),
    .BCASCREG     (Delayed ? 2 : 1),
    .BREG         (Delayed ? 2 : 1),
    .CARRYINREG   (0),
    .CARRYINSELREG(0),
    .CREG         (0),
    .DREG         (Delayed ? 1 : 0),
    .INMODEREG    (0),
    .MREG         (1),
    .OPMODEREG    (0),
    .PREG         (1)
  ) u_dsp (
    .CLK           (clk_i),
    .A             ({7'b0, a_i}),
    .B             (b_i),
    .C             (Start),
    .D             (d_i),
    .PCIN          (chain_i),
    .PCOUT         (chain_o),
    .P             (p_o),
    .INMODE        (5'b01100),
    .NEGATE        (3'b000),
    .OPMODE        ({2'b00, addend_i, 4'b01_01}),
    .ALUMODE       (4'b0000),
    .CARRYINSEL    (3'b000),
    .CARRYIN       (1'b0),
    .CARRYCASCIN   (1'b0),
    .MULTSIGNIN    (1'b0),
    .ACIN          (34'b0),
    .BCIN          (24'b0),
    .ASYNC_RST     (1'b0),
    .CEA1          (1'b0),
    .CEA2          (en_i),
    .CEAD          (en_i),
    .CEALUMODE     (1'b0),
    .CEB1          (en_i),
    .CEB2          (en_i),
    .CEC           (1'b0),
    .CECARRYIN     (1'b0),
    .CECTRL        (1'b0),
    .CED           (en_i),
    .CEINMODE      (1'b0),
    .CEM           (en_i),
    .CEP           (p_en_i),
    .RSTA          (1'b0),
    .RSTALLCARRYIN (1'b0),
    .RSTALUMODE    (1'b0),
    .RSTB          (1'b0),
    .RSTC          (1'b0),
    .RSTCTRL       (1'b0),
    .RSTD          (1'b0),
    .RSTINMODE     (1'b0),
    .RSTM          (1'b0),
    .RSTP          (1'b0),
    .ACOUT         (),
    .BCOUT         (),
    .CARRYCASCOUT  (),
    .CARRYOUT      (),
    .MULTSIGNOUT   (),
    .OVERFLOW      (),
    .PATTERNBDETECT(),
    .PATTERNDETECT (),
    .UNDERFLOW     (),
    .XOROUT        ()
  );

endmodule

/* verilator lint_on PINCONNECTEMPTY */

`default_nettype wire
