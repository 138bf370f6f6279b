// UltraRAM (UG573) as Yosys maps memories to it: 4096 words of 72 bits, no pipeline registers, no
// cascades; another mode ends the simulation. Port A comes before port B in a cycle. A port that
// writes keeps its output.
module URAM288 #(
  parameter BWE_MODE_A = "PARITY_INTERLEAVED", BWE_MODE_B = "PARITY_INTERLEAVED",
  parameter CASCADE_ORDER_A = "NONE", CASCADE_ORDER_B = "NONE", EN_AUTO_SLEEP_MODE = "FALSE",
  parameter EN_ECC_RD_A = "FALSE", EN_ECC_RD_B = "FALSE", EN_ECC_WR_A = "FALSE",
  parameter EN_ECC_WR_B = "FALSE", IREG_PRE_A = "FALSE", IREG_PRE_B = "FALSE",
  parameter OREG_A = "FALSE", OREG_B = "FALSE", RST_MODE_A = "SYNC", RST_MODE_B = "SYNC",
  parameter [0:0] IS_CLK_INVERTED = 0, IS_EN_A_INVERTED = 0, IS_EN_B_INVERTED = 0,
  parameter [0:0] IS_RDB_WR_A_INVERTED = 0, IS_RDB_WR_B_INVERTED = 0, IS_RST_A_INVERTED = 0,
  parameter [0:0] IS_RST_B_INVERTED = 0
) (
  output reg  [71:0] DOUT_A, DOUT_B,
  input  wire [22:0] ADDR_A, ADDR_B,
  input  wire [8:0]  BWE_A, BWE_B,
  input  wire [71:0] DIN_A, DIN_B,
  input  wire        CLK, EN_A, EN_B, RDB_WR_A, RDB_WR_B, RST_A, RST_B, SLEEP,
  input  wire        INJECT_DBITERR_A, INJECT_DBITERR_B, INJECT_SBITERR_A, INJECT_SBITERR_B
);
  initial begin
    if (CASCADE_ORDER_A != "NONE" || CASCADE_ORDER_B != "NONE" || EN_AUTO_SLEEP_MODE != "FALSE"
        || EN_ECC_RD_A != "FALSE" || EN_ECC_RD_B != "FALSE" || EN_ECC_WR_A != "FALSE"
        || EN_ECC_WR_B != "FALSE")
      $fatal(1, "URAM288: cascades, ECC and sleep are not modelled");
    if (IREG_PRE_A != "FALSE" || IREG_PRE_B != "FALSE" || OREG_A != "FALSE" || OREG_B != "FALSE")
      $fatal(1, "URAM288: pipeline registers are not modelled");
    if (IS_CLK_INVERTED || IS_EN_A_INVERTED || IS_EN_B_INVERTED || IS_RDB_WR_A_INVERTED
        || IS_RDB_WR_B_INVERTED || IS_RST_A_INVERTED || IS_RST_B_INVERTED)
      $fatal(1, "URAM288: inverted pins are not modelled");
  end

  // Bits that a port's enables let through: the ninth is of all parity bits, or each is of a byte
  // and its parity bit.
  function [71:0] enabled(input [8:0] enable, input interleaved);
    integer k;
    begin
      for (k = 0; k < 8; k = k + 1) begin
        enabled[8*k+:8] = {8{enable[k]}};
        enabled[64+k]   = interleaved ? enable[k] : enable[8];
      end
    end
  endfunction

  // What the memory starts with cannot be set, and is not relied on.
  reg [71:0] words[0:4095];
  wire [71:0] mask_a = enabled(BWE_A, BWE_MODE_A == "PARITY_INTERLEAVED");
  wire [71:0] mask_b = enabled(BWE_B, BWE_MODE_B == "PARITY_INTERLEAVED");
  wire [11:0] at_a = ADDR_A[11:0], at_b = ADDR_B[11:0];
  wire writes_a = EN_A && RDB_WR_A, writes_b = EN_B && RDB_WR_B;
  wire [71:0] old_a = words[at_a];
  wire [71:0] new_a = writes_a ? (old_a & ~mask_a) | (DIN_A & mask_a) : old_a;
  wire [71:0] old_b = at_a == at_b ? new_a : words[at_b];
  wire [71:0] new_b = writes_b ? (old_b & ~mask_b) | (DIN_B & mask_b) : old_b;

  always @(posedge CLK) begin
    if (writes_a) words[at_a] <= at_a == at_b ? new_b : new_a;
    if (writes_b) words[at_b] <= new_b;
  end

  // Yosys asks for asynchronous resets where it has none to connect.
  wire clear_a = RST_MODE_A == "ASYNC" && RST_A, clear_b = RST_MODE_B == "ASYNC" && RST_B;

  always @(posedge CLK or posedge clear_a) begin
    if (clear_a || RST_A) DOUT_A <= 72'b0;
    else if (EN_A && !RDB_WR_A) DOUT_A <= old_a;
  end

  always @(posedge CLK or posedge clear_b) begin
    if (clear_b || RST_B) DOUT_B <= 72'b0;
    else if (EN_B && !RDB_WR_B) DOUT_B <= old_b;
  end
endmodule
