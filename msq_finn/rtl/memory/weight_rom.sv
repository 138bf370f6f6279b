`default_nettype none

/// Streams the words of a file, from the first to the last and over again.
///
/// One enable advances the address, the memory and the output. Block RAM has both registers behind
/// the array inside; words in LUTs go to the output register at once.
module weight_rom #(
  parameter int unsigned Width = 8,
  parameter int unsigned Depth = 1,   // words
  parameter Contents = "",            // file for $readmemh
  parameter RamStyle = "auto"         // "block", "distributed", "ultra", or "auto"
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  output logic [Width-1:0] data_o,
  output logic             valid_o,
  input  logic             ready_i
);

  if (Width == 0 || Depth == 0) begin : gen_check_size
    $fatal(1, "Width = %0d and Depth = %0d: must be at least 1", Width, Depth);
  end

  localparam int unsigned AddressBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam bit InLuts = 88'(RamStyle) == "distributed";

  // Vivado goes by rom_style where nothing writes; other tools know ram_style only.
  (* ram_style = RamStyle, rom_style = RamStyle *)
  logic [Width-1:0] memory [Depth];

  initial $readmemh(Contents, memory);

  logic [AddressBits-1:0] address_q;
  logic                   advance;

  assign advance = !valid_o || ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) address_q <= '0;
    else if (advance) address_q <= address_q == AddressBits'(Depth - 1) ? '0 : address_q + 1'b1;
  end

  if (InLuts) begin : gen_luts
    always_ff @(posedge clk_i) begin
      if (advance) data_o <= memory[address_q];
    end

    always_ff @(posedge clk_i) valid_o <= rst_ni;
  end else begin : gen_block
    logic [Width-1:0] word_q;
    logic             read_q;

    always_ff @(posedge clk_i) begin
      if (advance) begin
        word_q <= memory[address_q];
        data_o <= word_q;
      end
    end

    // Behind a reset there is a word in every cycle.
    always_ff @(posedge clk_i) begin
      read_q  <= rst_ni;
      valid_o <= rst_ni && read_q;
    end
  end

endmodule

`default_nettype wire
