`default_nettype none

/// Lays the channels of several streams one behind the other: Folds[0] words of input 0, Folds[1]
/// of input 1, and so on, then input 0 again. Elements are widened to OutBits by their sign.
///
/// Inputs share one data port, input 0 in the lowest bits, each without padding.
module stream_concat #(
  parameter int unsigned Inputs = 2,
  parameter int unsigned Elements = 1,
  parameter int unsigned OutBits = 4,
  parameter bit [Inputs-1:0][31:0] InBits = {Inputs{32'd4}},
  parameter bit [Inputs-1:0] InSigned = '0,
  parameter bit [Inputs-1:0][31:0] Folds = {Inputs{32'd1}},

  // Elements bits of every input, added up.
  parameter int unsigned InWidth = 8
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,

  input  logic [InWidth-1:0]                in_data_i,
  input  logic [Inputs-1:0]                 in_valid_i,
  output logic [Inputs-1:0]                 in_ready_o,

  output logic [Elements-1:0][OutBits-1:0]  out_data_o,
  output logic                              out_valid_o,
  input  logic                              out_ready_i
);

  localparam int unsigned IndexBits = Inputs > 1 ? $clog2(Inputs) : 1;

  function automatic int unsigned first_bit(int unsigned index);
    first_bit = 0;
    for (int unsigned i = 0; i < index; i++) first_bit += Elements * InBits[i];
  endfunction

  function automatic int unsigned count_bits();
    count_bits = 1;
    for (int unsigned i = 0; i < Inputs; i++) begin
      if ($clog2(Folds[i]) > count_bits) count_bits = $clog2(Folds[i]);
    end
  endfunction

  if (Inputs == 0 || Elements == 0) begin : gen_check_size
    $fatal(1, "Inputs = %0d, Elements = %0d: both must be at least 1", Inputs, Elements);
  end
  if (InWidth != first_bit(Inputs)) begin : gen_check_width
    $fatal(1, "InWidth = %0d: all inputs have %0d bits", InWidth, first_bit(Inputs));
  end

  localparam int unsigned CountBits = count_bits();

  logic [Inputs-1:0][Elements-1:0][OutBits-1:0] words;
  logic [IndexBits-1:0]                         chosen;
  logic [CountBits-1:0]                         count;
  logic                                         room, takes;

  for (genvar i = 0; i < Inputs; i++) begin : gen_input
    localparam int unsigned Bits = InBits[i];

    if (Bits == 0 || Bits > OutBits || Folds[i] == 0) begin : gen_check_input
      $fatal(1, "input %0d: %0d bits of OutBits = %0d, %0d folds", i, Bits, OutBits, Folds[i]);
    end

    for (genvar k = 0; k < Elements; k++) begin : gen_element
      logic [Bits-1:0] element;

      assign element     = in_data_i[first_bit(i)+k*Bits+:Bits];
      assign words[i][k] = InSigned[i] ? OutBits'(signed'(element)) : OutBits'(element);
    end

    assign in_ready_o[i] = room && chosen == IndexBits'(i);
  end

  assign room  = !out_valid_o || out_ready_i;
  assign takes = room && in_valid_i[chosen];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      out_valid_o <= 1'b0;
      chosen      <= '0;
      count       <= '0;
    end else begin
      if (room) out_valid_o <= takes;
      if (takes) begin
        count <= count + 1'b1;
        if (count == CountBits'(Folds[chosen] - 1)) begin
          count  <= '0;
          chosen <= chosen == IndexBits'(Inputs - 1) ? '0 : chosen + 1'b1;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (takes) out_data_o <= words[chosen];
  end

endmodule

`default_nettype wire
