// Arithmetic of DSP48E1 and DSP48E2: (D +- A) * B, its registers, cascades, and the 48-bit adder
// behind them (UG479, UG579). Not modelled, and refused: SIMD, logic and pattern detection,
// carries other than CARRYIN.
module msq_dsp48 #(
  parameter integer PORT_D = 25,  // width of D and of the multiplier's first operand
  parameter A_INPUT = "DIRECT", B_INPUT = "DIRECT",
  parameter integer PREADD = 0,      // D +- (A or B) goes into the multiplier
  parameter integer PREADD_B = 0,    // the pre-adder takes B, not A
  parameter integer MULT_A_AD = 0,   // first operand: the pre-adder's result, not A
  parameter integer MULT_B_AD = 0,   // second operand, likewise
  parameter integer USE_MULT = 1,
  parameter integer ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1,
  parameter integer CARRYINREG = 1, CREG = 1, DREG = 1, INMODEREG = 1, MREG = 1,
  parameter integer OPMODEREG = 1, PREG = 1,
  parameter [47:0] RND = 48'h0
) (
  output wire [29:0]       ACOUT,
  output wire [17:0]       BCOUT,
  output wire [47:0]       P,
  input  wire [29:0]       A, ACIN,
  input  wire [17:0]       B, BCIN,
  input  wire [47:0]       C, PCIN,
  input  wire [PORT_D-1:0] D,
  input  wire [3:0]        ALUMODE,
  input  wire [4:0]        INMODE,
  input  wire [8:0]        OPMODE,
  input  wire              CARRYIN, CLK,
  input  wire CEA1, CEA2, CEAD, CEALUMODE, CEB1, CEB2, CEC, CECARRYIN, CECTRL, CED, CEINMODE,
  input  wire CEM, CEP,
  input  wire RSTA, RSTALLCARRYIN, RSTALUMODE, RSTB, RSTC, RSTCTRL, RSTD, RSTINMODE, RSTM, RSTP
);
  reg [29:0] a1, a2;
  reg [17:0] b1, b2;
  reg [47:0] c1, p1;
  reg [PORT_D-1:0] d1, ad1;
  reg [44:0] m1;
  reg [3:0] alumode1;
  reg [4:0] inmode1;
  reg [8:0] opmode1;
  reg carry1;

  wire [29:0] a_in = A_INPUT == "CASCADE" ? ACIN : A;
  wire [17:0] b_in = B_INPUT == "CASCADE" ? BCIN : B;
  wire [3:0] alumode = ALUMODEREG == 0 ? ALUMODE : alumode1;
  wire [4:0] inmode = INMODEREG == 0 ? INMODE : inmode1;
  wire [8:0] opmode = OPMODEREG == 0 ? OPMODE : opmode1;
  wire carry = CARRYINREG == 0 ? CARRYIN : carry1;
  wire [29:0] a_out = AREG == 0 ? a_in : a2;
  wire [17:0] b_out = BREG == 0 ? b_in : b2;
  wire [47:0] c = CREG == 0 ? C : c1;
  wire [PORT_D-1:0] d = DREG == 0 ? D : d1;

  // INMODE: 0 and 4 take the first of two registers, 1 gates A or B, 2 D, 3 subtracts.
  always @(posedge CLK)
    if (inmode[0] && AREG != 2 || inmode[4] && BREG != 2)
      $fatal(1, "%m: INMODE %b takes the first of two registers, and there is one", inmode);

  wire [29:0] a_early = inmode[0] && AREG == 2 ? a1 : a_out;
  wire [17:0] b_early = inmode[4] && BREG == 2 ? b1 : b_out;
  wire gate_a = PREADD_B == 0 && inmode[1];
  wire gate_b = PREADD_B == 1 && inmode[1];
  wire signed [PORT_D-1:0] a_mult = gate_a ? {PORT_D{1'b0}} : a_early[PORT_D-1:0];
  wire signed [17:0] b_mult = gate_b ? 18'b0 : b_early;
  wire [PORT_D-1:0] addend = PREADD_B == 1 ? {{PORT_D - 18{b_mult[17]}}, b_mult} : a_mult;
  wire [PORT_D-1:0] d_gated = inmode[2] ? d : {PORT_D{1'b0}};
  wire [PORT_D-1:0] sum_ad = inmode[3] ? d_gated - addend : d_gated + addend;
  wire [PORT_D-1:0] ad = ADREG == 0 ? sum_ad : ad1;

  wire signed [PORT_D-1:0] first = PREADD == 1 && MULT_A_AD == 1 ? ad : a_mult;
  wire signed [17:0] second = PREADD == 1 && MULT_B_AD == 1 ? ad[17:0] : b_mult;
  wire signed [44:0] product = USE_MULT == 1 ? first * second : 45'sb0;
  wire [44:0] m = MREG == 0 ? product : m1;

  reg [47:0] w, x, y, z;
  always @* begin
    // X and Y together are the product; half of it has no meaning.
    case (opmode[1:0])
      2'b00: x = 48'b0;
      2'b01: x = opmode[3:2] == 2'b01 && USE_MULT == 1 ? {{3{m[44]}}, m} : 48'bx;
      2'b10: x = PREG == 1 ? p1 : 48'bx;
      2'b11: x = {a_out, b_out};
      default: x = 48'bx;
    endcase
    case (opmode[3:2])
      2'b00: y = 48'b0;
      2'b01: y = opmode[1:0] == 2'b01 ? 48'b0 : 48'bx;
      2'b10: y = {48{1'b1}};
      2'b11: y = c;
      default: y = 48'bx;
    endcase
    case (opmode[6:4])
      3'b000: z = 48'b0;
      3'b001: z = PCIN;
      3'b010: z = PREG == 1 ? p1 : 48'bx;
      3'b011: z = c;
      3'b101: z = {{17{PCIN[47]}}, PCIN[47:17]};
      3'b110: z = PREG == 1 ? {{17{p1[47]}}, p1[47:17]} : 48'bx;
      default: z = 48'bx;
    endcase
    case (opmode[8:7])
      2'b00: w = 48'b0;
      2'b01: w = PREG == 1 ? p1 : 48'bx;
      2'b10: w = RND;
      2'b11: w = c;
      default: w = 48'bx;
    endcase
  end

  wire [47:0] addends = w + x + y + {47'b0, carry};
  // ALUMODE's other values are functions of single bits, or of half the adder.
  wire [47:0] sum = alumode == 4'b0000 ? z + addends
                  : alumode == 4'b0011 ? z - addends
                  : alumode == 4'b0001 ? ~z + addends
                  : alumode == 4'b0010 ? ~(z + addends)
                  : 48'bx;

  // A choice by an unknown enable or reset is unknown, where "if" would take it for false.
  always @(posedge CLK) begin
    a1       <= RSTA ? 30'b0 : CEA1 ? a_in : a1;
    a2       <= RSTA ? 30'b0 : CEA2 ? (AREG == 2 ? a1 : a_in) : a2;
    b1       <= RSTB ? 18'b0 : CEB1 ? b_in : b1;
    b2       <= RSTB ? 18'b0 : CEB2 ? (BREG == 2 ? b1 : b_in) : b2;
    c1       <= RSTC ? 48'b0 : CEC ? C : c1;
    d1       <= RSTD ? {PORT_D{1'b0}} : CED ? D : d1;
    ad1      <= RSTD ? {PORT_D{1'b0}} : CEAD ? sum_ad : ad1;
    m1       <= RSTM ? 45'b0 : CEM ? product : m1;
    p1       <= RSTP ? 48'b0 : CEP ? sum : p1;
    alumode1 <= RSTALUMODE ? 4'b0 : CEALUMODE ? ALUMODE : alumode1;
    inmode1  <= RSTINMODE ? 5'b0 : CEINMODE ? INMODE : inmode1;
    opmode1  <= RSTCTRL ? 9'b0 : CECTRL ? OPMODE : opmode1;
    carry1   <= RSTALLCARRYIN ? 1'b0 : CECARRYIN ? CARRYIN : carry1;
  end

  assign P = PREG == 0 ? sum : p1;
  assign ACOUT = AREG == 2 && ACASCREG == 1 ? a1 : a_out;
  assign BCOUT = BREG == 2 && BCASCREG == 1 ? b1 : b_out;
endmodule
