// A word selected from an array ($bmux) becomes one selection a bit ($shiftx), the form in which
// Yosys recognises a shift register with a variable tap. An unpacked array [0:N-1] arrives with
// element 0 on top and, if N is no power of two, with undefined words at the bottom: both are
// turned around.
(* techmap_celltype = "$bmux" *)
module bmux_taps #(
  parameter WIDTH = 1,
  parameter S_WIDTH = 1,
  parameter [(WIDTH << S_WIDTH)-1:0] _TECHMAP_CONSTMSK_A_ = 0,
  parameter [(WIDTH << S_WIDTH)-1:0] _TECHMAP_CONSTVAL_A_ = 0
) (
  input  wire [(WIDTH << S_WIDTH)-1:0] A,
  input  wire [S_WIDTH-1:0]            S,
  output wire [WIDTH-1:0]              Y
);
  localparam SLOTS = 1 << S_WIDTH;
  localparam WORDS = defined_words(0);

  function integer defined_words(input integer unused);
    integer w;
    begin
      defined_words = 1;
      for (w = 0; w < SLOTS; w = w + 1)
        if (!(&_TECHMAP_CONSTMSK_A_[(SLOTS-1-w)*WIDTH +: WIDTH])
            || _TECHMAP_CONSTVAL_A_[(SLOTS-1-w)*WIDTH +: WIDTH] !== {WIDTH{1'bx}})
          defined_words = w + 1;
    end
  endfunction

  genvar b, w;
  generate
    for (b = 0; b < WIDTH; b = b + 1) begin : gen_bit
      wire [WORDS-1:0] column;
      for (w = 0; w < WORDS; w = w + 1) begin : gen_word
        assign column[w] = A[(SLOTS-1-w)*WIDTH + b];
      end
      \$shiftx #(
        .A_SIGNED(0), .B_SIGNED(0), .A_WIDTH(WORDS), .B_WIDTH(S_WIDTH), .Y_WIDTH(1)
      ) tap (
        .A(column), .B(~S), .Y(Y[b])
      );
    end
  endgenerate
endmodule
