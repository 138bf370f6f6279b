`default_nettype none

/// Puts zeros between the pixels of a map: StrideRows - 1 rows of them between its rows, and
/// StridePixels - 1 pixels between the pixels of a row; none behind the last of either.
///
/// A pixel is Folds words.
module stream_pixel_padding #(
  parameter int unsigned Width = 8,
  parameter int unsigned Rows = 4,
  parameter int unsigned Pixels = 4,        // of a row
  parameter int unsigned Folds = 1,
  parameter int unsigned StrideRows = 2,
  parameter int unsigned StridePixels = 2
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

  if (Rows == 0 || Pixels == 0 || Folds == 0) begin : gen_check_size
    $fatal(1, "Rows = %0d, Pixels = %0d and Folds = %0d: must be at least 1",
           Rows, Pixels, Folds);
  end
  if (StrideRows == 0 || StridePixels == 0) begin : gen_check_strides
    $fatal(1, "StrideRows = %0d and StridePixels = %0d: must be at least 1",
           StrideRows, StridePixels);
  end

  localparam int unsigned FoldBits = Folds > 1 ? $clog2(Folds) : 1;
  localparam int unsigned PixelBits = Pixels > 1 ? $clog2(Pixels) : 1;
  localparam int unsigned RowBits = Rows > 1 ? $clog2(Rows) : 1;
  localparam int unsigned PixelPhaseBits = StridePixels > 1 ? $clog2(StridePixels) : 1;
  localparam int unsigned RowPhaseBits = StrideRows > 1 ? $clog2(StrideRows) : 1;

  logic [FoldBits-1:0]       fold_q;
  logic [PixelBits-1:0]      pixel_q;
  logic [RowBits-1:0]        row_q;
  logic [PixelPhaseBits-1:0] pixel_phase_q;  // 0: a pixel of the map, else a zero behind it
  logic [RowPhaseBits-1:0]   row_phase_q;    // 0: a row of the map, else zeros behind it
  logic                      is_zero, room, step, ends_pixel, ends_pixels, ends_row, ends_rows;

  assign is_zero    = pixel_phase_q != '0 || row_phase_q != '0;
  assign room       = !out_valid_o || out_ready_i;
  assign in_ready_o = room && !is_zero;
  assign step       = room && (is_zero || in_valid_i);

  assign ends_pixel  = fold_q == FoldBits'(Folds - 1);
  assign ends_pixels = pixel_phase_q == PixelPhaseBits'(StridePixels - 1);
  assign ends_row    = ends_pixel && pixel_q == PixelBits'(Pixels - 1);
  assign ends_rows   = row_phase_q == RowPhaseBits'(StrideRows - 1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fold_q        <= '0;
      pixel_q       <= '0;
      row_q         <= '0;
      pixel_phase_q <= '0;
      row_phase_q   <= '0;
    end else if (step) begin
      fold_q <= ends_pixel ? '0 : fold_q + 1'b1;
      if (ends_row) begin
        // The last pixel has no zeros behind it, and the last row has none.
        pixel_q       <= '0;
        pixel_phase_q <= '0;
        if (row_q == RowBits'(Rows - 1)) begin
          row_q       <= '0;
          row_phase_q <= '0;
        end else begin
          if (ends_rows) row_q <= row_q + 1'b1;
          row_phase_q <= ends_rows ? '0 : row_phase_q + 1'b1;
        end
      end else if (ends_pixel) begin
        if (ends_pixels) pixel_q <= pixel_q + 1'b1;
        pixel_phase_q <= ends_pixels ? '0 : pixel_phase_q + 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_valid_o <= 1'b0;
    else if (room) out_valid_o <= step;
  end

  always_ff @(posedge clk_i) begin
    if (step) out_data_o <= is_zero ? '0 : in_data_i;
  end

endmodule

`default_nettype wire
