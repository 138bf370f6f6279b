"""FMPadding_Pixel_rtl: zeros between the pixels of maps in SystemVerilog."""

from __future__ import annotations

from finn.custom_op.fpgadataflow.fmpadding_pixel import FMPadding_Pixel

from msq_finn.ops.streaming.backend import StreamingRTL


class FMPadding_Pixel_rtl(StreamingRTL, FMPadding_Pixel):
    """What a transposed convolution of a stride convolves: its map with zeros between pixels."""

    module = "stream_pixel_padding"
    parallelism = "SIMD"

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        self.integer_type(self.get_input_datatype())
        rows, pixels = self.get_nodeattr("ImgDim")
        stride_rows, stride_pixels = self.get_nodeattr("Stride")
        return {
            "Width": self.get_instream_width(),
            "Rows": rows,
            "Pixels": pixels,
            "Folds": self.get_folded_input_shape()[-2],
            "StrideRows": stride_rows,
            "StridePixels": stride_pixels,
        }
