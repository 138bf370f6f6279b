// Simulation models of the Xilinx primitives that the lanes instantiate: the functions of the
// vendor's libraries guides (UG953, UG974), restricted for the DSPs to the modes in use.

module LUT5 #(
  parameter [31:0] INIT = 32'h0
) (
  output wire O,
  input  wire I0, I1, I2, I3, I4
);
  assign O = INIT[{I4, I3, I2, I1, I0}];
endmodule

module LUT6 #(
  parameter [63:0] INIT = 64'h0
) (
  output wire O,
  input  wire I0, I1, I2, I3, I4, I5
);
  assign O = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule

module LUT6_2 #(
  parameter [63:0] INIT = 64'h0
) (
  output wire O5, O6,
  input  wire I0, I1, I2, I3, I4, I5
);
  assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];
  assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule

module CARRY4 (
  output wire [3:0] CO, O,
  input  wire       CI, CYINIT,
  input  wire [3:0] DI, S
);
  wire [4:0] carry;
  // One of the two is tied low in hardware.
  assign carry[0] = CI | CYINIT;
  genvar k;
  generate
    for (k = 0; k < 4; k = k + 1) begin : bits
      assign carry[k+1] = S[k] ? carry[k] : DI[k];
      assign O[k] = S[k] ^ carry[k];
    end
  endgenerate
  assign CO = carry[4:1];
endmodule

// One chain of eight: another CARRY_TYPE gives X.
module CARRY8 #(
  parameter CARRY_TYPE = "SINGLE_CY8"
) (
  output wire [7:0] CO, O,
  input  wire       CI, CI_TOP,
  input  wire [7:0] DI, S
);
  wire [8:0] carry;
  assign carry[0] = CARRY_TYPE == "SINGLE_CY8" ? CI : 1'bx;
  genvar k;
  generate
    for (k = 0; k < 8; k = k + 1) begin : bits
      assign carry[k+1] = S[k] ? carry[k] : DI[k];
      assign O[k] = S[k] ^ carry[k];
    end
  endgenerate
  assign CO = carry[8:1];
endmodule

// (D - A) * B [+ PCIN, P or C], the only modes that the lanes use; anything else gives X.
module dsp48_model #(
  parameter integer PORT = 25, ACT = 18, SUM = 48,
  parameter integer ADREG = 1, AREG = 1, BREG = 1, DREG = 1, MREG = 1, PREG = 1
) (
  input  wire                   CLK,
  input  wire signed [PORT-1:0] A, D,
  input  wire signed [ACT-1:0]  B,
  input  wire [SUM-1:0]         PCIN, C,
  input  wire [2:0]             z,  // of OPMODE: what is added
  input  wire                   subtract, legal,
  input  wire                   CEA2, CEB1, CEB2, CED, CEAD, CEM, CEP,
  output wire [SUM-1:0]         P
);
  reg signed [PORT-1:0] a2, d1, ad1;
  reg signed [ACT-1:0] b1, b2;
  reg signed [SUM-1:0] m1;
  reg [SUM-1:0] p1;
  wire signed [PORT-1:0] a = AREG == 0 ? A : a2;
  wire signed [PORT-1:0] d = DREG == 0 ? D : d1;
  wire signed [PORT-1:0] ad = ADREG == 0 ? d - a : ad1;
  wire signed [ACT-1:0] b = BREG == 0 ? B : b2;
  wire signed [SUM-1:0] product = ad * b;
  wire signed [SUM-1:0] m = MREG == 0 ? product : m1;
  wire [SUM-1:0] sum = m + (z == 1 ? PCIN : z == 2 ? P : z == 3 ? C : {SUM{1'b0}});
  always @(posedge CLK) begin
    if (CEA2) a2 <= A;
    if (CED) d1 <= D;
    if (CEAD) ad1 <= d - a;
    if (CEB1) b1 <= B;
    if (CEB2) b2 <= BREG == 2 ? b1 : B;
    if (CEM) m1 <= product;
    if (CEP) p1 <= sum;
  end
  assign P = !(legal && subtract) ? {SUM{1'bx}} : PREG == 0 ? sum : p1;
endmodule

module DSP48E1 #(
  parameter USE_DPORT = "FALSE",
  parameter integer ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1,
  parameter integer CARRYINREG = 1, CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1,
  parameter integer MREG = 1, OPMODEREG = 1, PREG = 1
) (
  input  wire CLK,
  input  wire [29:0] A, ACIN,
  input  wire [17:0] B, BCIN,
  input  wire [47:0] C, PCIN,
  input  wire [24:0] D,
  input  wire [4:0] INMODE,
  input  wire [6:0] OPMODE,
  input  wire [3:0] ALUMODE,
  input  wire [2:0] CARRYINSEL,
  input  wire CARRYIN, CARRYCASCIN, MULTSIGNIN,
  input  wire CEA1, CEA2, CEAD, CEALUMODE, CEB1, CEB2, CEC, CECARRYIN, CECTRL, CED, CEINMODE,
  input  wire CEM, CEP,
  input  wire RSTA, RSTALLCARRYIN, RSTALUMODE, RSTB, RSTC, RSTCTRL, RSTD, RSTINMODE, RSTM, RSTP,
  output wire [47:0] P, PCOUT,
  output wire [29:0] ACOUT,
  output wire [17:0] BCOUT,
  output wire [3:0] CARRYOUT,
  output wire CARRYCASCOUT, MULTSIGNOUT, OVERFLOW, PATTERNBDETECT, PATTERNDETECT, UNDERFLOW
);
  wire legal = USE_DPORT == "TRUE" && INMODE == 5'b01100 && ALUMODE == 0 && INMODEREG == 0
             && OPMODEREG == 0 && ALUMODEREG == 0 && CARRYINSEL == 0 && !CARRYIN
             && CREG == 0 && OPMODE[6] == 0 && OPMODE[3:0] == 4'b0101
             && !RSTA && !RSTB && !RSTD && !RSTM && !RSTP;
  dsp48_model #(
    .PORT(25), .ADREG(ADREG), .AREG(AREG), .BREG(BREG), .DREG(DREG), .MREG(MREG), .PREG(PREG)
  ) model (
    .CLK(CLK), .A(A[24:0]), .D(D), .B(B), .PCIN(PCIN), .P(P),
    .C(C), .subtract(INMODE[3]), .z(OPMODE[6:4]), .legal(legal),
    .CEA2(CEA2), .CEB1(CEB1), .CEB2(CEB2), .CED(CED), .CEAD(CEAD), .CEM(CEM), .CEP(CEP)
  );
  assign PCOUT = P;
endmodule

module DSP48E2 #(
  parameter AMULTSEL = "A", BMULTSEL = "B", PREADDINSEL = "A",
  parameter integer ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1,
  parameter integer CARRYINREG = 1, CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1,
  parameter integer MREG = 1, OPMODEREG = 1, PREG = 1
) (
  input  wire CLK,
  input  wire [29:0] A, ACIN,
  input  wire [17:0] B, BCIN,
  input  wire [47:0] C, PCIN,
  input  wire [26:0] D,
  input  wire [4:0] INMODE,
  input  wire [8:0] OPMODE,
  input  wire [3:0] ALUMODE,
  input  wire [2:0] CARRYINSEL,
  input  wire CARRYIN, CARRYCASCIN, MULTSIGNIN,
  input  wire CEA1, CEA2, CEAD, CEALUMODE, CEB1, CEB2, CEC, CECARRYIN, CECTRL, CED, CEINMODE,
  input  wire CEM, CEP,
  input  wire RSTA, RSTALLCARRYIN, RSTALUMODE, RSTB, RSTC, RSTCTRL, RSTD, RSTINMODE, RSTM, RSTP,
  output wire [47:0] P, PCOUT,
  output wire [29:0] ACOUT,
  output wire [17:0] BCOUT,
  output wire [3:0] CARRYOUT,
  output wire [7:0] XOROUT,
  output wire CARRYCASCOUT, MULTSIGNOUT, OVERFLOW, PATTERNBDETECT, PATTERNDETECT, UNDERFLOW
);
  wire legal = AMULTSEL == "AD" && BMULTSEL == "B" && PREADDINSEL == "A" && INMODE == 5'b01100
             && ALUMODE == 0 && INMODEREG == 0 && OPMODEREG == 0 && ALUMODEREG == 0
             && CARRYINSEL == 0 && !CARRYIN && CREG == 0
             && OPMODE[8:6] == 0 && OPMODE[3:0] == 4'b0101
             && !RSTA && !RSTB && !RSTD && !RSTM && !RSTP;
  dsp48_model #(
    .PORT(27), .ADREG(ADREG), .AREG(AREG), .BREG(BREG), .DREG(DREG), .MREG(MREG), .PREG(PREG)
  ) model (
    .CLK(CLK), .A(A[26:0]), .D(D), .B(B), .PCIN(PCIN), .P(P),
    .C(C), .subtract(INMODE[3]), .z(OPMODE[6:4]), .legal(legal),
    .CEA2(CEA2), .CEB1(CEB1), .CEB2(CEB2), .CED(CED), .CEAD(CEAD), .CEM(CEM), .CEP(CEP)
  );
  assign PCOUT = P;
endmodule

module DSP58 #(
  parameter DSP_MODE = "INT8", USE_SIMD = "FOUR12",
  parameter AMULTSEL = "A", BMULTSEL = "B", PREADDINSEL = "A",
  parameter integer ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1,
  parameter integer CARRYINREG = 1, CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1,
  parameter integer MREG = 1, OPMODEREG = 1, PREG = 1
) (
  input  wire CLK,
  input  wire [33:0] A, ACIN,
  input  wire [23:0] B, BCIN,
  input  wire [57:0] C, PCIN,
  input  wire [26:0] D,
  input  wire [4:0] INMODE,
  input  wire [2:0] NEGATE,
  input  wire [8:0] OPMODE,
  input  wire [3:0] ALUMODE,
  input  wire [2:0] CARRYINSEL,
  input  wire CARRYIN, CARRYCASCIN, MULTSIGNIN,
  input  wire CEA1, CEA2, CEAD, CEALUMODE, CEB1, CEB2, CEC, CECARRYIN, CECTRL, CED, CEINMODE,
  input  wire CEM, CEP, ASYNC_RST,
  input  wire RSTA, RSTALLCARRYIN, RSTALUMODE, RSTB, RSTC, RSTCTRL, RSTD, RSTINMODE, RSTM, RSTP,
  output wire [57:0] P, PCOUT,
  output wire [33:0] ACOUT,
  output wire [23:0] BCOUT,
  output wire [3:0] CARRYOUT,
  output wire [7:0] XOROUT,
  output wire CARRYCASCOUT, MULTSIGNOUT, OVERFLOW, PATTERNBDETECT, PATTERNDETECT, UNDERFLOW
);
  wire legal = DSP_MODE == "INT24" && USE_SIMD == "ONE58" && NEGATE == 0 && !ASYNC_RST
             && AMULTSEL == "AD" && BMULTSEL == "B" && PREADDINSEL == "A" && INMODE == 5'b01100
             && ALUMODE == 0 && INMODEREG == 0 && OPMODEREG == 0 && ALUMODEREG == 0
             && CARRYINSEL == 0 && !CARRYIN && CREG == 0
             && OPMODE[8:6] == 0 && OPMODE[3:0] == 4'b0101
             && !RSTA && !RSTB && !RSTD && !RSTM && !RSTP;
  dsp48_model #(
    .PORT(27), .ACT(24), .SUM(58),
    .ADREG(ADREG), .AREG(AREG), .BREG(BREG), .DREG(DREG), .MREG(MREG), .PREG(PREG)
  ) model (
    .CLK(CLK), .A(A[26:0]), .D(D), .B(B), .PCIN(PCIN), .P(P),
    .C(C), .subtract(INMODE[3]), .z(OPMODE[6:4]), .legal(legal),
    .CEA2(CEA2), .CEB1(CEB1), .CEB2(CEB2), .CED(CED), .CEAD(CEAD), .CEM(CEM), .CEP(CEP)
  );
  assign PCOUT = P;
endmodule
