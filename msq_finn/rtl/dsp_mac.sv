`default_nettype none

/// One DSP slice: p = (d - a) b, plus the sum of the slice below where Chained, or plus p itself
/// where Accumulate. A chain, or an accumulation, starts at Start.
///
/// p follows the operands by 3 cycles, by 4 where Delayed: a chained slice holds its operands for a
/// cycle more, so that it meets the product of the slice below from the same cycle. p_en_i and
/// first_i belong to the cycle in which p takes the product.
/* verilator lint_off PINCONNECTEMPTY */  // outputs of the primitives

module dsp_mac
  import msq_pkg::*;
#(
  parameter int unsigned DspVersion = 1,
  parameter bit Delayed = 0,
  parameter bit Chained = 0,
  parameter bit Accumulate = 0,
  parameter bit [57:0] Start = '0,
  parameter bit UsePrimitives = 0,
  localparam int unsigned PortBits = dsp_weight_port(DspVersion),
  localparam int unsigned ActPortBits = dsp_act_port(DspVersion),
  localparam int unsigned SumBits = dsp_sum_port(DspVersion)
) (
  input  logic                   clk_i,
  input  logic                   en_i,
  input  logic                   p_en_i,
  input  logic                   first_i,
  input  logic [PortBits-1:0]    d_i,
  input  logic [PortBits-1:0]    a_i,
  input  logic [ActPortBits-1:0] b_i,
  input  logic [SumBits-1:0]     chain_i,
  output logic [SumBits-1:0]     chain_o,
  output logic [SumBits-1:0]     p_o
);

  // What the slice adds to its product: the slice below, p or Start.
  logic [2:0] addend_select;

  assign addend_select = Chained ? 3'b001 : Accumulate && !first_i ? 3'b010 : 3'b011;

  if (!UsePrimitives) begin : gen_behavioural
    logic signed [PortBits-1:0]    d, a, difference_q;
    logic signed [ActPortBits-1:0] b, b_q;
    logic signed [SumBits-1:0]     product_q, p_q, addend;

    delay_line #(
      .Width (2 * PortBits + ActPortBits),
      .Cycles(Delayed ? 1 : 0)
    ) u_delay (
      .clk_i,
      .en_i,
      .data_i({d_i, a_i, b_i}),
      .data_o({d, a, b})
    );

    always_ff @(posedge clk_i) begin
      if (en_i) begin
        difference_q <= d - a;
        b_q          <= b;
        product_q    <= SumBits'(difference_q) * SumBits'(b_q);
      end
      if (p_en_i) p_q <= product_q + addend;
    end

    always_comb begin
      case (addend_select)
        3'b001:  addend = chain_i;
        3'b010:  addend = p_q;
        default: addend = Start[SumBits-1:0];
      endcase
    end

    assign p_o     = p_q;
    assign chain_o = p_q;
  end else if (DspVersion == 1) begin : gen_dsp48e1
    DSP48E1 #(
      .USE_DPORT    ("TRUE"),
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
      .A             ({5'b0, a_i}),
      .B             (b_i),
      .C             (Start[SumBits-1:0]),
      .D             (d_i),
      .PCIN          (chain_i),
      .PCOUT         (chain_o),
      .P             (p_o),
      .INMODE        (5'b01100),
      .OPMODE        ({addend_select, 4'b01_01}),
      .ALUMODE       (4'b0000),
      .CARRYINSEL    (3'b000),
      .CARRYIN       (1'b0),
      .CARRYCASCIN   (1'b0),
      .MULTSIGNIN    (1'b0),
      .ACIN          (30'b0),
      .BCIN          (18'b0),
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
      .UNDERFLOW     ()
    );
  end else if (DspVersion == 2) begin : gen_dsp48e2
    DSP48E2 #(
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
      .A             ({3'b0, a_i}),
      .B             (b_i),
      .C             (Start[SumBits-1:0]),
      .D             (d_i),
      .PCIN          (chain_i),
      .PCOUT         (chain_o),
      .P             (p_o),
      .INMODE        (5'b01100),
      .OPMODE        ({2'b00, addend_select, 4'b01_01}),
      .ALUMODE       (4'b0000),
      .CARRYINSEL    (3'b000),
      .CARRYIN       (1'b0),
      .CARRYCASCIN   (1'b0),
      .MULTSIGNIN    (1'b0),
      .ACIN          (30'b0),
      .BCIN          (18'b0),
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
  end else begin : gen_dsp58
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
      .C             (Start[SumBits-1:0]),
      .D             (d_i),
      .PCIN          (chain_i),
      .PCOUT         (chain_o),
      .P             (p_o),
      .INMODE        (5'b01100),
      .NEGATE        (3'b000),
      .OPMODE        ({2'b00, addend_select, 4'b01_01}),
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
  end

endmodule

/* verilator lint_on PINCONNECTEMPTY */

`default_nettype wire
