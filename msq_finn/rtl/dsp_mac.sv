`default_nettype none

/// One DSP slice: p = (d - a) b, plus the sum of the slice below where Chained, or plus p itself
/// where Accumulate. A chain, or an accumulation, starts at Start.
///
/// p follows the operands by 3 cycles, by 4 where Delayed: a chained slice holds its operands for a
/// cycle more, so that it meets the product of the slice below from the same cycle. p_en_i and
/// first_i belong to the cycle in which p takes the product.
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
    dsp48e1_mac #(
      .Delayed(Delayed),
      .Start  (Start[SumBits-1:0])
    ) u_slice (
      .clk_i,
      .en_i,
      .p_en_i,
      .addend_i(addend_select),
      .d_i,
      .a_i,
      .b_i,
      .chain_i,
      .chain_o,
      .p_o
    );
  end else if (DspVersion == 2) begin : gen_dsp48e2
    dsp48e2_mac #(
      .Delayed(Delayed),
      .Start  (Start[SumBits-1:0])
    ) u_slice (
      .clk_i,
      .en_i,
      .p_en_i,
      .addend_i(addend_select),
      .d_i,
      .a_i,
      .b_i,
      .chain_i,
      .chain_o,
      .p_o
    );
  end else begin : gen_dsp58
    dsp58_mac #(
      .Delayed(Delayed),
      .Start  (Start[SumBits-1:0])
    ) u_slice (
      .clk_i,
      .en_i,
      .p_en_i,
      .addend_i(addend_select),
      .d_i,
      .a_i,
      .b_i,
      .chain_i,
      .chain_o,
      .p_o
    );
  end

endmodule

`default_nettype wire
