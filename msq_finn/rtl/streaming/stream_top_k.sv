`default_nettype none

/// Gives the labels of the K largest of Labels values, largest first; of equal values the lower
/// label comes first.
///
/// Values arrive PE a word. Each of the PE lanes keeps the K largest it saw; at the end of a vector
/// the largest head of all lanes leaves in each of K cycles, while the next vector arrives.
module stream_top_k #(
  parameter int unsigned Labels = 10,
  parameter int unsigned PE = 1,
  parameter int unsigned K = 1,
  parameter int unsigned InBits = 8,
  parameter bit Signed = 1,
  parameter int unsigned OutBits = 8
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  input  logic [PE-1:0][InBits-1:0]  in_data_i,
  input  logic                       in_valid_i,
  output logic                       in_ready_o,

  output logic [OutBits-1:0]         out_data_o,
  output logic                       out_valid_o,
  input  logic                       out_ready_i
);

  if (PE == 0 || Labels == 0 || Labels % PE != 0) begin : gen_check_pe
    $fatal(1, "Labels = %0d: must be a positive multiple of PE = %0d", Labels, PE);
  end
  if (K == 0 || K > Labels) begin : gen_check_k
    $fatal(1, "K = %0d: must be 1 to Labels = %0d", K, Labels);
  end

  localparam int unsigned LabelBits = Labels > 1 ? $clog2(Labels) : 1;

  if (OutBits < LabelBits) begin : gen_check_out_bits
    $fatal(1, "OutBits = %0d: %0d labels need %0d", OutBits, Labels, LabelBits);
  end

  localparam int unsigned Folds = Labels / PE;
  localparam int unsigned Depth = K < Folds ? K : Folds;
  localparam int unsigned LeftBits = $clog2(K + 1);

  // A key orders values, then labels: {1, value as offset binary, complement of the label}.
  localparam int unsigned KeyBits = 1 + InBits + LabelBits;

  logic [LabelBits-1:0]         base_q;  // label of element 0
  logic [LeftBits-1:0]          left_q;  // labels yet to go to the output register
  logic                         first, last, step, free, room, pop;
  logic [PE-1:0][KeyBits-1:0]   heads;
  logic [KeyBits-1:0]           winner;

  assign first      = base_q == '0;
  assign last       = base_q == LabelBits'(Labels - PE);
  assign room       = !out_valid_o || out_ready_i;
  assign pop        = room && left_q != '0;
  assign free       = left_q == '0 || (pop && left_q == LeftBits'(1));
  assign in_ready_o = !last || free;
  assign step       = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      base_q      <= '0;
      left_q      <= '0;
      out_valid_o <= 1'b0;
    end else begin
      if (step) base_q <= last ? '0 : base_q + LabelBits'(PE);
      if (step && last) left_q <= LeftBits'(K);
      else if (pop) left_q <= left_q - 1'b1;
      if (room) out_valid_o <= pop;
    end
  end

  always_ff @(posedge clk_i) begin
    // Braces keep the complement from being widened before it is taken.
    if (pop) out_data_o <= OutBits'({~winner[LabelBits-1:0]});
  end

  for (genvar i = 0; i < PE; i++) begin : gen_lane
    logic [InBits-1:0]    value;
    logic [LabelBits-1:0] label;

    assign value = in_data_i[i] ^ (Signed ? InBits'(1) << (InBits - 1) : '0);
    assign label = base_q + LabelBits'(i);

    top_k_list #(
      .Width(KeyBits),
      .Depth(Depth)
    ) u_list (
      .clk_i,
      .key_i  ({1'b1, value, ~label}),
      .push_i (step),
      .start_i(first),
      .done_i (last),
      .head_o (heads[i]),
      .pop_i  (pop && heads[i] == winner)
    );
  end

  // A tree of comparisons as a heap: node n is the larger of nodes 2n and 2n + 1.
  localparam int unsigned Leaves = 1 << $clog2(PE);

  always_comb begin
    logic [2*Leaves-1:0][KeyBits-1:0] tree;

    tree = '0;
    for (int unsigned i = 0; i < PE; i++) tree[Leaves+i] = heads[i];
    for (int unsigned n = Leaves - 1; n > 0; n--) begin
      tree[n] = tree[2*n] > tree[2*n+1] ? tree[2*n] : tree[2*n+1];
    end
    winner = tree[1];
  end

endmodule

`default_nettype wire
