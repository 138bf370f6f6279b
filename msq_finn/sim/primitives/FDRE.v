// A flip-flop with synchronous reset. An unknown reset or enable makes it unknown, where the "if"
// of other models would take it for false.
module FDRE #(
  parameter [0:0] INIT = 1'b0, IS_C_INVERTED = 1'b0, IS_D_INVERTED = 1'b0, IS_R_INVERTED = 1'b0
) (
  output reg  Q,
  input  wire C, CE, D, R
);
  initial begin
    if (IS_C_INVERTED || IS_D_INVERTED || IS_R_INVERTED)
      $fatal(1, "FDRE: inverted pins are not modelled");
    Q = INIT;
  end
  always @(posedge C) Q <= R ? 1'b0 : CE ? D : Q;
endmodule
