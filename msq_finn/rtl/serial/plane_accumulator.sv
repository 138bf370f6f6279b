`default_nettype none

/// Sums of planes, the lowest first: acc <= s + m + (first ? 0 : start ? acc / 2 : acc). The bit
/// that halving drops is a bit of the result, of which acc are the highest ones.
///
/// Where every word starts a plane, one chain adds all three: a LUT site and a carry bit a column.
/// Else s and m are added in a cycle before, so that a column's LUT has inputs left to choose.
module plane_accumulator
  import msq_pkg::*;
#(
  parameter int unsigned Width = 12,     // columns of acc
  parameter int unsigned Planes = 4,     // at least 2
  parameter int unsigned TreeBits = 10,  // at most Width
  parameter bit EveryStarts = 0,
  parameter fabric_e Fabric = Portable
) (
  input  logic                      clk_i,
  input  logic                      en_i,
  input  logic                      valid_i,
  input  logic                      first_i,
  input  logic                      start_i,
  input  logic [TreeBits-1:0]       s_i,
  input  logic [TreeBits-1:0]       m_i,
  output logic [Width+Planes-2:0]   acc_o  // plane_accumulator_depth later
);

  logic [Width-1:0]  acc_q, half;
  logic [Planes-2:0] dropped_q;
  logic              halves;

  assign half  = acc_q >> 1;
  assign acc_o = {acc_q, dropped_q};

  if (EveryStarts) begin : gen_ternary
    assign halves = valid_i;

    accumulator_columns #(
      .Width (Width),
      .Fabric(Fabric)
    ) u_columns (
      .clk_i,
      .en_i     (en_i && valid_i),
      .first_i,
      .base_i   (half),
      .s_i      (Width'(s_i)),
      .m_i      (Width'(m_i)),
      .carries_i('0),
      .carries_o(),
      .acc_o    (acc_q)
    );
  end else begin : gen_binary
    logic [TreeBits-1:0] word_q;
    logic                first_q, start_q, valid_q;
    logic [Width-1:0]    sum;

    always_ff @(posedge clk_i) begin
      if (en_i) begin
        valid_q <= valid_i;
        first_q <= first_i;
        start_q <= start_i;
        word_q  <= s_i + m_i;
      end
    end

    assign halves = valid_q && start_q;

    if (Fabric == Portable) begin : gen_behavioural
      assign sum = Width'(word_q) + (first_q ? '0 : start_q ? half : acc_q);
    end else begin : gen_primitives
      // Inputs acc, half, start, first, word in I0 to I4.
      logic [Width-1:0] word, propagate;

      assign word = Width'(word_q);

      for (genvar k = 0; k < Width; k++) begin : gen_column
        LUT5 #(
          .INIT(32'hFF35_00CA)
        ) u_parity (
          .I0(acc_q[k]),
          .I1(half[k]),
          .I2(start_q),
          .I3(first_q),
          .I4(word[k]),
          .O (propagate[k])
        );
      end

      carry_chain #(
        .Width (Width),
        .Fabric(Fabric)
      ) u_chain (
        .carry_i    (1'b0),
        .propagate_i(propagate),
        .generate_i (word),
        .sum_o      (sum),
        .carry_o    ()
      );
    end

    always_ff @(posedge clk_i) begin
      if (en_i && valid_q) acc_q <= sum;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i && halves) dropped_q <= (Planes - 1)'({acc_q[0], dropped_q} >> 1);
  end

endmodule

`default_nettype wire
