`default_nettype none

/// Counts the thresholds that every element of a word reaches, one comparison a cycle.
///
/// Words of a frame take the channels in turn. A word stays at the input until its last comparison:
/// with S steps, it takes as many cycles as S has bits.
module stream_thresholds #(
  parameter int unsigned InBits = 8,
  parameter bit Signed = 1'b1,                // the elements
  parameter int unsigned OutBits = 2,
  parameter int unsigned Elements = 1,        // of a word
  parameter int unsigned Folds = 1,           // words that have thresholds of their own
  parameter int unsigned Steps = 3,           // thresholds of an element
  parameter int signed   Bias = 0,            // result of an element that reaches none
  parameter int unsigned ThresholdBits = 8,   // of a word in memory
  parameter Contents = "",                    // memory of element i: this, then i.dat
  parameter RamStyle = "distributed"          // or "block"
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,

  input  logic [Elements-1:0][InBits-1:0]  in_data_i,
  input  logic                             in_valid_i,
  output logic                             in_ready_o,

  output logic [Elements-1:0][OutBits-1:0] out_data_o,
  output logic                             out_valid_o,
  input  logic                             out_ready_i
);

  localparam int unsigned Planes   = $clog2(Steps + 1);
  localparam int unsigned FoldBits = Folds > 1 ? $clog2(Folds) : 1;

  if (Elements == 0 || Folds == 0 || Steps == 0) begin : gen_check_size
    $fatal(1, "Elements = %0d, Folds = %0d and Steps = %0d: must be at least 1",
           Elements, Folds, Steps);
  end
  if (ThresholdBits == 0 || ThresholdBits > InBits + 1) begin : gen_check_bits
    $fatal(1, "ThresholdBits = %0d: must be 1 to InBits + 1 = %0d", ThresholdBits, InBits + 1);
  end

  logic [FoldBits-1:0] fold_q, fold_d;
  // Elements of a word end together.
  /* verilator lint_off UNUSEDSIGNAL */
  logic [Elements-1:0] ends;
  /* verilator lint_on UNUSEDSIGNAL */
  logic                first, last, room, step;

  // A reset reads the first word of the memories.
  assign last  = ends[0];
  assign room  = !out_valid_o || out_ready_i;
  assign first = !rst_ni || last;
  assign step  = !rst_ni || (in_valid_i && (!last || room));

  assign in_ready_o = last && room;

  always_comb begin
    if (!rst_ni) fold_d = '0;
    else if (!last) fold_d = fold_q;
    else if (fold_q == FoldBits'(Folds - 1)) fold_d = '0;
    else fold_d = fold_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (step) fold_q <= fold_d;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_valid_o <= 1'b0;
    else if (room) out_valid_o <= in_valid_i && last;
  end

  for (genvar i = 0; i < int'(Elements); i++) begin : gen_element
    logic [Planes-1:0] result;

    threshold_search #(
      .InBits       (InBits),
      .Signed       (Signed),
      .ThresholdBits(ThresholdBits),
      .Planes       (Planes),
      .Folds        (Folds),
      .FoldBits     (FoldBits),
      .Contents     (Contents),
      .Index        (i),
      .RamStyle     (RamStyle)
    ) u_search (
      .clk_i,
      .step_i  (step),
      .first_i (first),
      .fold_i  (fold_d),
      .value_i (in_data_i[i]),
      .last_o  (ends[i]),
      .result_o(result)
    );

    always_ff @(posedge clk_i) begin
      if (room) out_data_o[i] <= OutBits'($signed({1'b0, result}) + Bias);
    end
  end

endmodule

`default_nettype wire
