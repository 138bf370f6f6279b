`default_nettype none

/// One or two channels of a depthwise layer on one DSP slice, which also accumulates.
///
/// The slice multiplies a0 + a1 2^Spacing by w0 + w1 2^Spacing. Over a window, channel 0's sum
/// gathers in the low field, both cross products in the middle one and channel 1's sum on top. The
/// two lower fields start at half their range, so that they never borrow from the next.
module dsp_channels
  import msq_pkg::*;
#(
  parameter int unsigned Channels = 2,
  parameter int unsigned Window = 9,  // products in a sum
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned WeightBits = 5,
  parameter int unsigned AccBits = 16,
  parameter int unsigned DspVersion = 1,
  parameter bit UsePrimitives = 0
) (
  input  logic                                clk_i,
  input  logic                                en_i,
  input  logic [Channels-1:0][WeightBits-1:0] weights_i,    // two's complement, narrow range
  input  logic [Channels-1:0][ActBits-1:0]    acts_i,
  input  logic                                acc_valid_i,  // 2 cycles later
  input  logic                                acc_first_i,
  output logic [Channels-1:0][AccBits-1:0]    acc_o
);

  localparam int unsigned Spacing =
      Channels > 1 ? channel_spacing(Window, ActBits, ActSigned, WeightBits) : 0;
  localparam int unsigned PortBits = dsp_weight_port(DspVersion);
  localparam int unsigned ActPortBits = dsp_act_port(DspVersion);
  localparam int unsigned SumBits = dsp_sum_port(DspVersion);
  localparam bit [57:0] Start =
      Channels > 1 ? 58'd1 << (Spacing - 1) | 58'd1 << (2 * Spacing - 1) : 58'd0;

  if (Channels > channel_packing(Window, ActBits, ActSigned, WeightBits)) begin : gen_check_channels
    $fatal(1, "Channels = %0d: the sums of Window = %0d products do not fit side by side", Channels,
           Window);
  end
  if (WeightBits > PortBits) begin : gen_check_weight_bits
    $fatal(1, "WeightBits = %0d: the DSP's port A has %0d bits", WeightBits, PortBits);
  end
  if (ActBits >= ActPortBits + ActSigned) begin : gen_check_act_bits
    $fatal(1, "ActBits = %0d: the DSP's port B has %0d bits, one a sign", ActBits, ActPortBits);
  end
  if (AccBits > SumBits) begin : gen_check_acc_bits
    $fatal(1, "AccBits = %0d: the DSP's port P has %0d bits", AccBits, SumBits);
  end

  logic [PortBits-1:0]           minuend, subtrahend;
  logic signed [ActPortBits-1:0] acts;
  logic [SumBits-1:0]            sum, unused_chain;

  // The pre-adder takes the weights' sign bits off, each at its weight.
  always_comb begin
    minuend    = '0;
    subtrahend = '0;
    acts       = '0;
    for (int unsigned k = 0; k < Channels; k++) begin
      minuend[k*Spacing+:WeightBits-1]  = weights_i[k][WeightBits-2:0];
      subtrahend[k*Spacing+WeightBits-1] = weights_i[k][WeightBits-1];
      acts +=
          ActPortBits'($signed({ActSigned & acts_i[k][ActBits-1], acts_i[k]})) <<< (k * Spacing);
    end
  end

  dsp_mac #(
    .DspVersion   (DspVersion),
    .Accumulate   (1),
    .Start        (Start),
    .UsePrimitives(UsePrimitives)
  ) u_mac (
    .clk_i,
    .en_i,
    .p_en_i (en_i && acc_valid_i),
    .first_i(acc_first_i),
    .d_i    (minuend),
    .a_i    (subtrahend),
    .b_i    (acts),
    .chain_i('0),
    .chain_o(unused_chain),
    .p_o    (sum)
  );

  if (Channels == 1) begin : gen_one
    assign acc_o = AccBits'($signed(sum));
  end else begin : gen_two
    // Without its start value the low field is two's complement: its top bit is inverted.
    assign acc_o[0] = AccBits'($signed({~sum[Spacing-1], sum[Spacing-2:0]}));
    assign acc_o[1] = AccBits'($signed(sum[SumBits-1:2*Spacing]));
  end

endmodule

`default_nettype wire
