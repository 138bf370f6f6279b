`default_nettype none

/// Products of a few activations with the weights of several lanes, each lane's products summed in
/// a chain of slices.
///
/// Weights sit Spacing bits apart on the DSP's port. Where that leaves room for the sum of Chain
/// products, fields_o[k] is lane k's sum plus half a field: the chain starts at that, so that no
/// lane borrows from the next, and carries_o is zero.
///
/// Elsewhere, where Chain is 2, fields_o[k] is lane k's sum modulo 2^Spacing, less the borrow of
/// the lanes below. carries_o[k] - 2 is the multiple of 2^Spacing that belongs to lane k, -2 to 1:
/// the bits above its field, less the next lane's sum, whose two lowest bits are computed beside
/// the DSP.
///
/// The operands of each slice behind the second come a cycle after those of the slice below. Both
/// outputs follow the last slice's operands by four cycles.
module dsp_chain
  import msq_pkg::*;
#(
  parameter int unsigned Lanes = 4,
  parameter int unsigned Chain = 2,     // products that fields may have to hold the sum of
  parameter int unsigned Elements = 2,  // of them, those that there are
  parameter int unsigned WeightBits = 4,
  parameter int unsigned ActBits = 4,
  parameter bit ActSigned = 0,
  parameter int unsigned DspVersion = 1,
  parameter bit UsePrimitives = 0,
  localparam int unsigned Spacing =
      dsp_spacing(DspVersion, WeightBits, ActBits, ActSigned, Chain)
) (
  input  logic                                           clk_i,
  input  logic                                           en_i,
  input  logic [Lanes-1:0][Elements-1:0][WeightBits-1:0] weights_i,
  input  logic [Elements-1:0][ActBits-1:0]               acts_i,
  output logic [Lanes-1:0][Spacing-1:0]                  fields_o,
  output logic [Lanes-1:0][1:0]                          carries_o
);

  localparam int unsigned PortBits = dsp_weight_port(DspVersion);
  localparam int unsigned ActPortBits = dsp_act_port(DspVersion);
  localparam int unsigned SumBits = dsp_sum_port(DspVersion);
  localparam bit Apart = dsp_apart(DspVersion, WeightBits, ActBits, ActSigned, Chain);

  function automatic bit [57:0] half_fields();
    bit [57:0] start;
    start = '0;
    for (int unsigned k = 0; k < Lanes; k++) start[Spacing*(k+1)-1] = Apart;
    return start;
  endfunction

  logic [Elements-1:0][SumBits-1:0] chain, sum;

  for (genvar e = 0; e < Elements; e++) begin : gen_element
    logic [PortBits-1:0]    minuend, subtrahend;
    logic [ActPortBits-1:0] act;
    logic [SumBits-1:0]     below;

    // The pre-adder subtracts the weights' sign bits, each at its weight. A sign that reaches the
    // port's own sign bit counts negative there and goes to the other operand.
    for (genvar b = 0; b < PortBits; b++) begin : gen_bit
      localparam int unsigned K = b / Spacing;
      localparam int unsigned Place = b % Spacing;
      localparam bit Sign = Place == WeightBits - 1 && b != PortBits - 1;

      if (K >= Lanes || Place >= WeightBits) begin : gen_gap
        assign minuend[b]    = 1'b0;
        assign subtrahend[b] = 1'b0;
      end else begin : gen_weight
        assign minuend[b]    = Sign ? 1'b0 : weights_i[K][e][Place];
        assign subtrahend[b] = Sign ? weights_i[K][e][Place] : 1'b0;
      end
    end

    assign act = {{ActPortBits-ActBits{ActSigned & acts_i[e][ActBits-1]}}, acts_i[e]};

    if (e == 0) begin : gen_first
      assign below = '0;
    end else begin : gen_chained
      assign below = chain[e-1];
    end

    dsp_mac #(
      .DspVersion   (DspVersion),
      .Delayed      (e != 0 || Elements == 1),
      .Chained      (e != 0),
      .Start        (half_fields()),
      .UsePrimitives(UsePrimitives)
    ) u_mac (
      .clk_i,
      .en_i,
      .p_en_i (en_i),
      .first_i(1'b0),
      .d_i    (minuend),
      .a_i    (subtrahend),
      .b_i    (act),
      .chain_i(below),
      .chain_o(chain[e]),
      .p_o    (sum[e])
    );
  end

  for (genvar k = 0; k < Lanes; k++) begin : gen_field
    assign fields_o[k] = sum[Elements-1][Spacing*k+:Spacing];
  end

  if (Apart) begin : gen_apart
    assign carries_o = '0;
  end else begin : gen_carries
    // The lanes' sums modulo 4; nothing lies above the top lane but its own sign.
    logic [Lanes:1][1:0] low;

    for (genvar k = 1; k < Lanes; k++) begin : gen_low
      logic [Elements-1:0][1:0] product, product_late;
      logic [1:0]               total;

      // Its four cycles: two for the products, two for their sum.
      for (genvar e = 0; e < Elements; e++) begin : gen_product
        assign product[e] = weights_i[k][e][1:0] * acts_i[e][1:0];
      end

      delay_line #(
        .Width (2 * Elements),
        .Cycles(2)
      ) u_products (
        .clk_i,
        .en_i,
        .data_i(product),
        .data_o(product_late)
      );

      assign total = product_late[0] + (Elements > 1 ? product_late[Elements-1] : 2'd0);

      delay_line #(
        .Width (2),
        .Cycles(2)
      ) u_total (
        .clk_i,
        .en_i,
        .data_i(total),
        .data_o(low[k])
      );
    end

    assign low[Lanes] = '0;

    for (genvar k = 0; k < Lanes; k++) begin : gen_lane
      assign carries_o[k] = sum[Elements-1][Spacing*(k+1)+:2] - low[k+1] + 2'd2;
    end
  end

endmodule

`default_nettype wire
