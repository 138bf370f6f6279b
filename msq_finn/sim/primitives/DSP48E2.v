// DSP48E2 of UltraScale+ (UG579), in the modes of msq_dsp48; another one ends the simulation.
module DSP48E2 #(
  parameter AMULTSEL = "A", A_INPUT = "DIRECT", BMULTSEL = "B", B_INPUT = "DIRECT",
  parameter PREADDINSEL = "A",
  parameter USE_MULT = "MULTIPLY", USE_SIMD = "ONE48", USE_WIDEXOR = "FALSE",
  parameter XORSIMD = "XOR24_48_96",
  parameter AUTORESET_PATDET = "NO_RESET", AUTORESET_PRIORITY = "RESET",
  parameter USE_PATTERN_DETECT = "NO_PATDET", SEL_MASK = "MASK", SEL_PATTERN = "PATTERN",
  parameter [47:0] MASK = 48'h3FFF_FFFF_FFFF, PATTERN = 48'h0, RND = 48'h0,
  parameter integer ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1,
  parameter integer CARRYINREG = 1, CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1,
  parameter integer MREG = 1, OPMODEREG = 1, PREG = 1,
  parameter [3:0] IS_ALUMODE_INVERTED = 4'b0,
  parameter [4:0] IS_INMODE_INVERTED = 5'b0,
  parameter [8:0] IS_OPMODE_INVERTED = 9'b0,
  parameter [0:0] IS_CARRYIN_INVERTED = 1'b0, IS_CLK_INVERTED = 1'b0,
  parameter [0:0] IS_RSTALLCARRYIN_INVERTED = 1'b0,
  parameter [0:0] IS_RSTALUMODE_INVERTED = 1'b0, IS_RSTA_INVERTED = 1'b0, IS_RSTB_INVERTED = 1'b0,
  parameter [0:0] IS_RSTCTRL_INVERTED = 1'b0, IS_RSTC_INVERTED = 1'b0, IS_RSTD_INVERTED = 1'b0,
  parameter [0:0] IS_RSTINMODE_INVERTED = 1'b0, IS_RSTM_INVERTED = 1'b0, IS_RSTP_INVERTED = 1'b0
) (
  output wire [29:0] ACOUT,
  output wire [17:0] BCOUT,
  output wire [47:0] P, PCOUT,
  output wire  [7:0] XOROUT,
  output wire  [3:0] CARRYOUT,
  output wire        CARRYCASCOUT, MULTSIGNOUT, OVERFLOW, UNDERFLOW, PATTERNBDETECT, PATTERNDETECT,
  input  wire [29:0] A, ACIN,
  input  wire [17:0] B, BCIN,
  input  wire [47:0] C, PCIN,
  input  wire [26:0] D,
  input  wire  [3:0] ALUMODE,
  input  wire  [4:0] INMODE,
  input  wire  [8:0] OPMODE,
  input  wire  [2:0] CARRYINSEL,
  input  wire        CLK, CARRYIN, CARRYCASCIN, MULTSIGNIN,
  input  wire        CEA1, CEA2, CEAD, CEALUMODE, CEB1, CEB2, CEC, CECARRYIN, CECTRL, CED,
  input  wire        CEINMODE, CEM, CEP,
  input  wire        RSTA, RSTALLCARRYIN, RSTALUMODE, RSTB, RSTC, RSTCTRL, RSTD, RSTINMODE,
  input  wire        RSTM, RSTP
);
  initial begin
    if (USE_SIMD != "ONE48" || USE_PATTERN_DETECT != "NO_PATDET"
        || AUTORESET_PATDET != "NO_RESET" || USE_WIDEXOR != "FALSE")
      $fatal(1, "DSP48E2: SIMD, pattern detection and wide XOR are not modelled");
    if (IS_CLK_INVERTED != 0 || IS_RSTALLCARRYIN_INVERTED != 0
        || IS_RSTALUMODE_INVERTED != 0 || IS_RSTA_INVERTED != 0 || IS_RSTB_INVERTED != 0
        || IS_RSTCTRL_INVERTED != 0 || IS_RSTC_INVERTED != 0 || IS_RSTD_INVERTED != 0
        || IS_RSTINMODE_INVERTED != 0 || IS_RSTM_INVERTED != 0 || IS_RSTP_INVERTED != 0)
      $fatal(1, "DSP48E2: inverted clocks and resets are not modelled");
  end
  // A carry from elsewhere than CARRYIN, in the cycles in which it is chosen.
  always @(posedge CLK)
    if (CARRYINSEL != 3'b000) $fatal(1, "DSP48E2: CARRYINSEL %b is not modelled", CARRYINSEL);

  msq_dsp48 #(
    .PORT_D(27), .A_INPUT(A_INPUT), .B_INPUT(B_INPUT),
    .USE_MULT(USE_MULT != "NONE"),
    .PREADD(1), .PREADD_B(PREADDINSEL == "B"), .MULT_A_AD(AMULTSEL == "AD"),
    .MULT_B_AD(BMULTSEL == "AD"), .RND(RND),
    .ACASCREG(ACASCREG), .ADREG(ADREG), .ALUMODEREG(ALUMODEREG), .AREG(AREG),
    .BCASCREG(BCASCREG), .BREG(BREG), .CARRYINREG(CARRYINREG), .CREG(CREG), .DREG(DREG),
    .INMODEREG(INMODEREG), .MREG(MREG), .OPMODEREG(OPMODEREG), .PREG(PREG)
  ) model (
    .CLK(CLK), .A(A), .ACIN(ACIN), .B(B), .BCIN(BCIN), .C(C), .PCIN(PCIN), .D(D),
    .ACOUT(ACOUT), .BCOUT(BCOUT), .P(P),
    .CEA1(CEA1), .CEA2(CEA2), .CEAD(CEAD), .CEALUMODE(CEALUMODE), .CEB1(CEB1), .CEB2(CEB2),
    .CEC(CEC), .CECARRYIN(CECARRYIN), .CECTRL(CECTRL), .CED(CED), .CEINMODE(CEINMODE),
    .CEM(CEM), .CEP(CEP),
    .RSTA(RSTA), .RSTALLCARRYIN(RSTALLCARRYIN), .RSTALUMODE(RSTALUMODE), .RSTB(RSTB),
    .RSTC(RSTC), .RSTCTRL(RSTCTRL), .RSTD(RSTD), .RSTINMODE(RSTINMODE), .RSTM(RSTM), .RSTP(RSTP),
    .CARRYIN(CARRYIN ^ IS_CARRYIN_INVERTED), .ALUMODE(ALUMODE ^ IS_ALUMODE_INVERTED),
    .INMODE(INMODE ^ IS_INMODE_INVERTED),
    .OPMODE(OPMODE ^ IS_OPMODE_INVERTED)
  );

  assign PCOUT = P;
  // Nothing that is modelled reads these.
  assign CARRYOUT = 4'bx;
  assign {CARRYCASCOUT, MULTSIGNOUT, OVERFLOW, UNDERFLOW, PATTERNBDETECT, PATTERNDETECT} = 6'bx;
  assign XOROUT = 8'bx;
endmodule
