// A flip-flop with synchronous set. An unknown set or enable makes it unknown, where the "if" of
// other models would take it for false.
module FDSE #(
  parameter [0:0] INIT = 1'b1, IS_C_INVERTED = 1'b0, IS_D_INVERTED = 1'b0, IS_S_INVERTED = 1'b0
) (
  output reg  Q,
  input  wire C, CE, D, S
);
  initial begin
    if (IS_C_INVERTED || IS_D_INVERTED || IS_S_INVERTED)
      $fatal(1, "FDSE: inverted pins are not modelled");
    Q = INIT;
  end
  always @(posedge C) Q <= S ? 1'b1 : CE ? D : Q;
endmodule
