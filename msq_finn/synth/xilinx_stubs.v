// Ports and parameters of the Xilinx primitives that lanes and FINN's cores instantiate by name.
// Bodies stay empty: Yosys' slang front end needs the parameters for its checks and imports every
// instance as a black box. Pins of one kind share a line, in the order of the vendor's libraries
// guides (UG953, UG974, AM004).
`default_nettype none

module LUT5 #(
  parameter [31:0] INIT = 32'h0
) (
  output wire O,
  input  wire I0, I1, I2, I3, I4
);
endmodule

module LUT6 #(
  parameter [63:0] INIT = 64'h0
) (
  output wire O,
  input  wire I0, I1, I2, I3, I4, I5
);
endmodule

module LUT6_2 #(
  parameter [63:0] INIT = 64'h0
) (
  output wire O5, O6,
  input  wire I0, I1, I2, I3, I4, I5
);
endmodule

module CARRY4 (
  output wire [3:0] CO, O,
  input  wire       CI, CYINIT,
  input  wire [3:0] DI, S
);
endmodule

module CARRY8 #(
  parameter CARRY_TYPE = "SINGLE_CY8"
) (
  output wire [7:0] CO, O,
  input  wire       CI, CI_TOP,
  input  wire [7:0] DI, S
);
endmodule

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
endmodule

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
endmodule

module DSP58 #(
  parameter AMULTSEL = "A", A_INPUT = "DIRECT", BMULTSEL = "B", B_INPUT = "DIRECT",
  parameter PREADDINSEL = "A",
  parameter DSP_MODE = "INT24", RESET_MODE = "SYNC",
  parameter USE_MULT = "MULTIPLY", USE_SIMD = "ONE58", USE_WIDEXOR = "FALSE",
  parameter XORSIMD = "XOR24_34_58_116",
  parameter AUTORESET_PATDET = "NO_RESET", AUTORESET_PRIORITY = "RESET",
  parameter USE_PATTERN_DETECT = "NO_PATDET", SEL_MASK = "MASK", SEL_PATTERN = "PATTERN",
  parameter [57:0] MASK = 58'hFF_FFFF_FFFF_FFFF, PATTERN = 58'h0, RND = 58'h0,
  parameter integer ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1,
  parameter integer CARRYINREG = 1, CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1,
  parameter integer MREG = 1, OPMODEREG = 1, PREG = 1,
  parameter [3:0] IS_ALUMODE_INVERTED = 4'b0,
  parameter [4:0] IS_INMODE_INVERTED = 5'b0,
  parameter [2:0] IS_NEGATE_INVERTED = 3'b0,
  parameter [8:0] IS_OPMODE_INVERTED = 9'b0,
  parameter [0:0] IS_ASYNC_RST_INVERTED = 1'b0, IS_CARRYIN_INVERTED = 1'b0, IS_CLK_INVERTED = 1'b0,
  parameter [0:0] IS_RSTALLCARRYIN_INVERTED = 1'b0, IS_RSTALUMODE_INVERTED = 1'b0,
  parameter [0:0] IS_RSTA_INVERTED = 1'b0, IS_RSTB_INVERTED = 1'b0, IS_RSTCTRL_INVERTED = 1'b0,
  parameter [0:0] IS_RSTC_INVERTED = 1'b0, IS_RSTD_INVERTED = 1'b0, IS_RSTINMODE_INVERTED = 1'b0,
  parameter [0:0] IS_RSTM_INVERTED = 1'b0, IS_RSTP_INVERTED = 1'b0
) (
  output wire [33:0] ACOUT,
  output wire [23:0] BCOUT,
  output wire [57:0] P, PCOUT,
  output wire  [7:0] XOROUT,
  output wire  [3:0] CARRYOUT,
  output wire        CARRYCASCOUT, MULTSIGNOUT, OVERFLOW, UNDERFLOW, PATTERNBDETECT, PATTERNDETECT,
  input  wire [33:0] A, ACIN,
  input  wire [23:0] B, BCIN,
  input  wire [57:0] C, PCIN,
  input  wire [26:0] D,
  input  wire  [3:0] ALUMODE,
  input  wire  [4:0] INMODE,
  input  wire  [2:0] NEGATE,
  input  wire  [8:0] OPMODE,
  input  wire  [2:0] CARRYINSEL,
  input  wire        CLK, CARRYIN, CARRYCASCIN, MULTSIGNIN, ASYNC_RST,
  input  wire        CEA1, CEA2, CEAD, CEALUMODE, CEB1, CEB2, CEC, CECARRYIN, CECTRL, CED,
  input  wire        CEINMODE, CEM, CEP,
  input  wire        RSTA, RSTALLCARRYIN, RSTALUMODE, RSTB, RSTC, RSTCTRL, RSTD, RSTINMODE,
  input  wire        RSTM, RSTP
);
endmodule

`default_nettype wire
