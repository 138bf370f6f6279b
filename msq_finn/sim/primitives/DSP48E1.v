// DSP48E1 of 7-series (UG479), in the modes of msq_dsp48; another one ends the simulation.
module DSP48E1 #(
  parameter A_INPUT = "DIRECT", B_INPUT = "DIRECT",
  parameter USE_DPORT = "FALSE", USE_MULT = "MULTIPLY", USE_SIMD = "ONE48",
  parameter AUTORESET_PATDET = "NO_RESET", USE_PATTERN_DETECT = "NO_PATDET",
  parameter SEL_MASK = "MASK", SEL_PATTERN = "PATTERN",
  parameter [47:0] MASK = 48'h3FFF_FFFF_FFFF, PATTERN = 48'h0,
  parameter integer ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1,
  parameter integer CARRYINREG = 1, CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1,
  parameter integer MREG = 1, OPMODEREG = 1, PREG = 1,
  parameter [3:0] IS_ALUMODE_INVERTED = 4'b0,
  parameter [0:0] IS_CARRYIN_INVERTED = 1'b0, IS_CLK_INVERTED = 1'b0,
  parameter [4:0] IS_INMODE_INVERTED = 5'b0,
  parameter [6:0] IS_OPMODE_INVERTED = 7'b0
) (
  output wire [29:0] ACOUT,
  output wire [17:0] BCOUT,
  output wire [47:0] P, PCOUT,
  output wire  [3:0] CARRYOUT,
  output wire        CARRYCASCOUT, MULTSIGNOUT, OVERFLOW, UNDERFLOW, PATTERNBDETECT, PATTERNDETECT,
  input  wire [29:0] A, ACIN,
  input  wire [17:0] B, BCIN,
  input  wire [47:0] C, PCIN,
  input  wire [24:0] D,
  input  wire  [3:0] ALUMODE,
  input  wire  [4:0] INMODE,
  input  wire  [6:0] OPMODE,
  input  wire  [2:0] CARRYINSEL,
  input  wire        CLK, CARRYIN, CARRYCASCIN, MULTSIGNIN,
  input  wire        CEA1, CEA2, CEAD, CEALUMODE, CEB1, CEB2, CEC, CECARRYIN, CECTRL, CED,
  input  wire        CEINMODE, CEM, CEP,
  input  wire        RSTA, RSTALLCARRYIN, RSTALUMODE, RSTB, RSTC, RSTCTRL, RSTD, RSTINMODE,
  input  wire        RSTM, RSTP
);
  initial begin
    if (USE_SIMD != "ONE48" || USE_PATTERN_DETECT != "NO_PATDET"
        || AUTORESET_PATDET != "NO_RESET")
      $fatal(1, "DSP48E1: SIMD and pattern detection are not modelled");
    if (IS_CLK_INVERTED != 0)
      $fatal(1, "DSP48E1: inverted clocks are not modelled");
  end
  // A carry from elsewhere than CARRYIN, in the cycles in which it is chosen.
  always @(posedge CLK)
    if (CARRYINSEL != 3'b000) $fatal(1, "DSP48E1: CARRYINSEL %b is not modelled", CARRYINSEL);

  msq_dsp48 #(
    .PORT_D(25), .A_INPUT(A_INPUT), .B_INPUT(B_INPUT),
    .USE_MULT(USE_MULT != "NONE"),
    .PREADD(USE_DPORT == "TRUE"), .PREADD_B(0), .MULT_A_AD(1), .MULT_B_AD(0),
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
    .OPMODE({2'b00, OPMODE ^ IS_OPMODE_INVERTED})
  );

  assign PCOUT = P;
  // Nothing that is modelled reads these.
  assign CARRYOUT = 4'bx;
  assign {CARRYCASCOUT, MULTSIGNOUT, OVERFLOW, UNDERFLOW, PATTERNBDETECT, PATTERNDETECT} = 6'bx;
endmodule
