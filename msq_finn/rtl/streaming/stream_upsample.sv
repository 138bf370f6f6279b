`default_nettype none

/// Repeats every pixel of a row RepeatPixels times, and every such row RepeatRows times.
///
/// A pixel is Folds words. A row lies in a memory that is read through the output register; words
/// that have been read for the last time make room for the next row, so that a word leaves in
/// every cycle in which the consumer takes one, and the producer has sent what it is a copy of.
module stream_upsample #(
  parameter int unsigned Width = 8,
  parameter int unsigned Pixels = 4,        // of a row
  parameter int unsigned Folds = 1,
  parameter int unsigned RepeatPixels = 2,
  parameter int unsigned RepeatRows = 2
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  input  logic [Width-1:0]  in_data_i,
  input  logic              in_valid_i,
  output logic              in_ready_o,

  output logic [Width-1:0]  out_data_o,
  output logic              out_valid_o,
  input  logic              out_ready_i
);

  if (Pixels == 0 || Folds == 0) begin : gen_check_size
    $fatal(1, "Pixels = %0d and Folds = %0d: must be at least 1", Pixels, Folds);
  end
  if (RepeatPixels == 0 || RepeatRows == 0) begin : gen_check_repeats
    $fatal(1, "RepeatPixels = %0d and RepeatRows = %0d: must be at least 1",
           RepeatPixels, RepeatRows);
  end

  localparam int unsigned Words = Pixels * Folds;

  // The way from a word's last reading to its successor's first takes two cycles.
  localparam int unsigned Depth = Words < 4 ? Words + 2 : Words;
  localparam int unsigned AddressBits = $clog2(Depth);
  localparam int unsigned CountBits = $clog2(Words + Depth + 1);
  localparam int unsigned FoldBits = Folds > 1 ? $clog2(Folds) : 1;
  localparam int unsigned PixelRepeatBits = RepeatPixels > 1 ? $clog2(RepeatPixels) : 1;
  localparam int unsigned RowRepeatBits = RepeatRows > 1 ? $clog2(RepeatRows) : 1;

  typedef struct packed {
    logic [AddressBits-1:0] address;  // in the memory
    logic [CountBits-1:0]   place;    // in the row
  } position_t;

  function automatic logic [AddressBits-1:0] next(logic [AddressBits-1:0] address);
    return address == AddressBits'(Depth - 1) ? '0 : address + 1'b1;
  endfunction

  logic [Width-1:0]           memory [Depth];
  logic [AddressBits-1:0]     write_q;
  position_t                  row_q, pixel_q, word_q, behind;
  logic [FoldBits-1:0]        fold_q;
  logic [PixelRepeatBits-1:0] pixel_repeat_q;
  logic [RowRepeatBits-1:0]   row_repeat_q;
  logic [CountBits-1:0]       written_q;  // words from the start of the row on
  logic [CountBits-1:0]       freed_q;    // of them, those that are not needed any more
  logic                       writes, reads, ends_pixel, ends_pixels, ends_row, ends_rows;

  assign in_ready_o = written_q - freed_q < CountBits'(Depth);
  assign writes     = in_valid_i && in_ready_o;
  assign reads      = (!out_valid_o || out_ready_i) && word_q.place < written_q;

  assign ends_pixel  = fold_q == FoldBits'(Folds - 1);
  assign ends_pixels = ends_pixel && pixel_repeat_q == PixelRepeatBits'(RepeatPixels - 1);
  assign ends_row    = ends_pixels && word_q.place == CountBits'(Words - 1);
  assign ends_rows   = ends_row && row_repeat_q == RowRepeatBits'(RepeatRows - 1);

  assign behind.address = next(word_q.address);
  assign behind.place   = word_q.place + 1'b1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_q          <= '0;
      pixel_q        <= '0;
      word_q         <= '0;
      fold_q         <= '0;
      pixel_repeat_q <= '0;
      row_repeat_q   <= '0;
    end else if (reads) begin
      fold_q <= ends_pixel ? '0 : fold_q + 1'b1;
      if (ends_pixel) pixel_repeat_q <= ends_pixels ? '0 : pixel_repeat_q + 1'b1;
      if (ends_row) row_repeat_q <= ends_rows ? '0 : row_repeat_q + 1'b1;

      word_q <= behind;
      if (ends_rows) begin
        row_q   <= '{address: behind.address, place: '0};
        pixel_q <= '{address: behind.address, place: '0};
        word_q  <= '{address: behind.address, place: '0};
      end else if (ends_row) begin
        pixel_q <= row_q;
        word_q  <= row_q;
      end else if (ends_pixels) begin
        pixel_q <= behind;
      end else if (ends_pixel) begin
        word_q <= pixel_q;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      written_q <= '0;
      freed_q   <= '0;
      write_q   <= '0;
    end else begin
      written_q <= written_q + CountBits'(writes) - (reads && ends_rows ? CountBits'(Words) : '0);
      if (writes) write_q <= next(write_q);
      if (reads && ends_rows) begin
        freed_q <= '0;
      end else if (reads && row_repeat_q == RowRepeatBits'(RepeatRows - 1)
                   && pixel_repeat_q == PixelRepeatBits'(RepeatPixels - 1)) begin
        freed_q <= behind.place;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_valid_o <= 1'b0;
    else if (!out_valid_o || out_ready_i) out_valid_o <= reads;
  end

  always_ff @(posedge clk_i) begin
    if (writes) memory[write_q] <= in_data_i;
    if (reads) out_data_o <= memory[word_q.address];
  end

endmodule

`default_nettype wire
