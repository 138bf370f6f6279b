`default_nettype none

/// Sends the windows of maps: of every window its rows, of these the pixels, of these Folds words;
/// where Depthwise is set, the first words of all pixels of a window, then the second ones, ...
///
/// Zeros stand around a map, which are neither stored nor waited for. Pixels lie in a ring of Depth
/// words, one frame behind the other, and stay until no later window begins before them. Counted
/// from a frame's first word, a window's place in the padding has an address like any other, so
/// that one address moves by a few constants; what it reads there is replaced by zeros.
module stream_window #(
  parameter int unsigned Width = 8,
  parameter int unsigned Rows = 4,
  parameter int unsigned Pixels = 4,          // of a row
  parameter int unsigned Folds = 1,
  parameter int unsigned KernelRows = 3,
  parameter int unsigned KernelPixels = 3,
  parameter int unsigned StrideRows = 1,
  parameter int unsigned StridePixels = 1,
  parameter int unsigned DilationRows = 1,
  parameter int unsigned DilationPixels = 1,
  parameter int unsigned PadTop = 0,
  parameter int unsigned PadLeft = 0,
  parameter int unsigned PadBottom = 0,
  parameter int unsigned PadRight = 0,
  parameter bit Depthwise = 0,
  parameter int unsigned Depth = 16,          // words of the map that a window has, or more
  parameter RamStyle = "auto"                 // "block", "distributed", "ultra", or "auto"
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

  // Pixels that a window reaches over, and of the map with its zeros.
  localparam int SpanRows = (int'(KernelRows) - 1) * int'(DilationRows) + 1;
  localparam int SpanPixels = (int'(KernelPixels) - 1) * int'(DilationPixels) + 1;
  localparam int PaddedRows = int'(PadTop + Rows + PadBottom);
  localparam int PaddedPixels = int'(PadLeft + Pixels + PadRight);
  localparam int LastRow = (PaddedRows - SpanRows) / int'(StrideRows) * int'(StrideRows);
  localparam int LastPixel =
      (PaddedPixels - SpanPixels) / int'(StridePixels) * int'(StridePixels);

  // Words from a pixel, or row, to the next; from a window's first to its last.
  localparam int Pixel = int'(Folds);
  localparam int Row = int'(Pixels) * Pixel;
  localparam int Span = (SpanRows - 1) * Row + SpanPixels * Pixel - 1;
  // From a window to the next one of a row, to the first of the next row, and of the next frame.
  localparam int ToWindow = int'(StridePixels) * Pixel;
  localparam int ToLine = int'(StrideRows) * Row - LastPixel * Pixel;
  localparam int ToFrame = int'(Rows) * Row - LastRow * Row - LastPixel * Pixel;
  localparam int First = int'(PadTop) * Row + int'(PadLeft) * Pixel;  // words before the map

  if (Rows == 0 || Pixels == 0 || Folds == 0) begin : gen_check_size
    $fatal(1, "Rows = %0d, Pixels = %0d and Folds = %0d: must be at least 1",
           Rows, Pixels, Folds);
  end
  if (StrideRows == 0 || StridePixels == 0 || DilationRows == 0 || DilationPixels == 0)
  begin : gen_check_steps
    $fatal(1, "strides %0d, %0d and dilations %0d, %0d: must be at least 1",
           StrideRows, StridePixels, DilationRows, DilationPixels);
  end
  if (KernelRows == 0 || KernelPixels == 0 || SpanRows > PaddedRows || SpanPixels > PaddedPixels)
  begin : gen_check_kernel
    $fatal(1, "KernelRows = %0d and KernelPixels = %0d: must be at least 1, and within the map",
           KernelRows, KernelPixels);
  end
  // Beyond, windows of zeros alone would let go of pixels that the next row still needs.
  if (int'(PadTop) >= SpanRows || int'(PadBottom) >= SpanRows
      || int'(PadLeft) >= SpanPixels || int'(PadRight) >= SpanPixels) begin : gen_check_pads
    $fatal(1, "pads of %0d, %0d, %0d and %0d: must be smaller than the window",
           PadTop, PadLeft, PadBottom, PadRight);
  end
  if (int'(Depth) <= First) begin : gen_check_depth
    $fatal(1, "Depth = %0d: must be more than the %0d words of zeros before the map", Depth, First);
  end

  function automatic int most(int a, int b);
    return a > b ? a : b;
  endfunction

  localparam int unsigned AddressBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam bit InLuts = 88'(RamStyle) == "distributed";
  // Of the two differences below, and their signs.
  localparam int unsigned DifferenceBits =
      $clog2(int'(Depth) + Span + most(ToWindow, most(ToLine, ToFrame)) + 1) + 1;

  typedef logic [AddressBits-1:0] address_t;
  typedef logic signed [DifferenceBits-1:0] difference_t;

  // --- Where in a window, and where in the map with its zeros ------------------------------------

  localparam int unsigned FoldBits = Folds > 1 ? $clog2(Folds) : 1;
  localparam int unsigned AcrossBits = KernelPixels > 1 ? $clog2(KernelPixels) : 1;
  localparam int unsigned DownBits = KernelRows > 1 ? $clog2(KernelRows) : 1;
  localparam int unsigned PixelBits = PaddedPixels > 1 ? $clog2(PaddedPixels) : 1;
  localparam int unsigned RowBits = PaddedRows > 1 ? $clog2(PaddedRows) : 1;

  logic [FoldBits-1:0]   fold_q;    // word of a pixel
  logic [AcrossBits-1:0] across_q;  // pixel of a row of the window
  logic [DownBits-1:0]   down_q;    // row of the window
  logic [PixelBits-1:0]  pixel_q;   // of the map with its zeros
  logic [RowBits-1:0]    row_q;

  logic last_fold, last_across, last_down, ends_across, ends_down, ends_window, ends_line;
  logic ends_frame, moves_across, is_zero, go;

  assign last_fold   = fold_q == FoldBits'(Folds - 1);
  assign last_across = across_q == AcrossBits'(KernelPixels - 1);
  assign last_down   = down_q == DownBits'(KernelRows - 1);

  assign moves_across = Depthwise || last_fold;
  assign ends_across  = moves_across && last_across;
  assign ends_down    = ends_across && last_down;
  assign ends_window  = ends_down && last_fold;
  assign ends_line    = ends_window && pixel_q == PixelBits'(LastPixel + SpanPixels - 1);
  assign ends_frame   = ends_line && row_q == RowBits'(LastRow + SpanRows - 1);

  // What cannot be is not asked, so that maps without zeros have no logic for it.
  localparam bit BeforePixels = PadLeft > 0;
  localparam bit BehindPixels = LastPixel + SpanPixels > int'(PadLeft + Pixels);
  localparam bit BeforeRows = PadTop > 0;
  localparam bit BehindRows = LastRow + SpanRows > int'(PadTop + Rows);

  assign is_zero = (BeforePixels && 32'(pixel_q) < PadLeft)
                   || (BehindPixels && 32'(pixel_q) >= PadLeft + Pixels)
                   || (BeforeRows && 32'(row_q) < PadTop)
                   || (BehindRows && 32'(row_q) >= PadTop + Rows);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fold_q   <= '0;
      across_q <= '0;
      down_q   <= '0;
      pixel_q  <= '0;
      row_q    <= '0;
    end else if (go) begin
      if (!Depthwise || ends_down) fold_q <= last_fold ? '0 : fold_q + 1'b1;
      if (moves_across) begin
        across_q <= last_across ? '0 : across_q + 1'b1;
        pixel_q  <= pixel_q + PixelBits'(!last_across ? int'(DilationPixels)
                    : ends_window ? int'(StridePixels) - SpanPixels + 1 : 1 - SpanPixels);
        if (ends_line) pixel_q <= '0;
      end
      if (ends_across) begin
        down_q <= last_down ? '0 : down_q + 1'b1;
        row_q  <= row_q + RowBits'(!last_down ? int'(DilationRows)
                  : ends_line ? int'(StrideRows) - SpanRows + 1 : 1 - SpanRows);
        if (ends_frame) row_q <= '0;
      end
    end
  end

  // --- Words from here to the next, and from this window to the next -----------------------------

  typedef struct packed {
    difference_t words;
    address_t    around;  // the same in the ring, forwards
    address_t    wraps;   // addresses from here on go past its end
  } step_t;

  function automatic int around(int words);
    return ((words % int'(Depth)) + int'(Depth)) % int'(Depth);
  endfunction

  function automatic step_t by(int words);
    by.words  = difference_t'(words);
    by.around = address_t'(around(words));
    by.wraps  = address_t'(int'(Depth) - around(words));
  endfunction

  // From a pixel's word sent last to its first one.
  localparam int Fold = Depthwise ? 0 : 1 - Pixel;
  // From a window's word sent last to its first one.
  localparam int Back = -(SpanRows - 1) * Row - (SpanPixels - 1) * Pixel + 1 - Pixel;

  localparam step_t NextFold   = by(1);
  localparam step_t NextPixel  = by(int'(DilationPixels) * Pixel + Fold);
  localparam step_t NextRow    = by(int'(DilationRows) * Row - (SpanPixels - 1) * Pixel + Fold);
  localparam step_t NextPass   = by(Back + Pixel);  // where Depthwise
  localparam step_t NextWindow = by(Back + ToWindow);
  localparam step_t NextLine   = by(Back + ToLine);
  localparam step_t NextFrame  = by(Back + ToFrame);

  step_t       step;
  difference_t move;

  always_comb begin
    if (ends_frame) step = NextFrame;
    else if (ends_line) step = NextLine;
    else if (ends_window) step = NextWindow;
    else if (ends_down) step = NextPass;
    else if (ends_across) step = NextRow;
    else if (moves_across) step = NextPixel;
    else step = NextFold;
  end

  // --- Ring --------------------------------------------------------------------------------------

  address_t    write_q, read_q;
  difference_t readable_q;  // words written behind the one to be read; that is not where negative
  difference_t room_q;      // words that may be written, less one; none where negative
  logic        advance, writes;

  assign advance    = !out_valid_o || out_ready_i;
  assign go         = advance && (is_zero || !readable_q[DifferenceBits-1]);
  assign in_ready_o = !room_q[DifferenceBits-1];
  assign writes     = in_valid_i && in_ready_o;

  // A bit below the difference is a carry: one adder for a step and a word.
  difference_t readable, room;
  logic        unused_readable, unused_room;

  assign {readable, unused_readable} =
      {readable_q, 1'b1} + {go ? -step.words : difference_t'(0), writes};
  assign {room, unused_room} = {room_q, 1'b1}
      + {go && ends_window ? move - 1'b1 : difference_t'(-1), !writes};
  assign move = ends_frame ? difference_t'(ToFrame)
                : ends_line ? difference_t'(ToLine) : difference_t'(ToWindow);

  logic     past_end;
  address_t read;

  assign past_end = Depth != 1 << AddressBits && read_q >= step.wraps && step.around != '0;
  assign read     = read_q + step.around - (past_end ? address_t'(Depth) : '0);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q    <= '0;
      read_q     <= address_t'(around(-First));
      readable_q <= difference_t'(First - 1);
      room_q     <= difference_t'(int'(Depth) - First - 1);
    end else begin
      if (writes) write_q <= write_q == address_t'(Depth - 1) ? '0 : write_q + 1'b1;
      if (go) read_q <= read;
      readable_q <= readable;
      room_q     <= room;
    end
  end

  (* ram_style = RamStyle *)
  logic [Width-1:0] memory [Depth];

  always_ff @(posedge clk_i) begin
    if (writes) memory[write_q] <= in_data_i;
  end

  if (InLuts) begin : gen_luts
    always_ff @(posedge clk_i) begin
      if (go) out_data_o <= is_zero ? '0 : memory[read_q];
    end

    always_ff @(posedge clk_i) begin
      if (!rst_ni) out_valid_o <= 1'b0;
      else if (advance) out_valid_o <= go;
    end
  end else begin : gen_block
    logic [Width-1:0] word_q;
    logic             zero_q, read_valid_q;

    always_ff @(posedge clk_i) begin
      if (go && !is_zero) word_q <= memory[read_q];
      if (go) zero_q <= is_zero;
      if (advance) out_data_o <= zero_q ? '0 : word_q;
    end

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        read_valid_q <= 1'b0;
        out_valid_o  <= 1'b0;
      end else if (advance) begin
        read_valid_q <= go;
        out_valid_o  <= read_valid_q;
      end
    end
  end

endmodule

`default_nettype wire
