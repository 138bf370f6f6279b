"""ConvolutionInputGeneratorPadded_rtl: windows of a map with zeros around it, in SystemVerilog."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.convolutioninputgenerator import ConvolutionInputGenerator

from msq_finn.ops.streaming.backend import StreamingRTL
from msq_finn.rtl.window_ring import MapWindows

#: Words and bits of a block RAM of 18 kbit.
_BLOCKS = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))


class ConvolutionInputGeneratorPadded(ConvolutionInputGenerator):
    """FINN's window generator together with the padding before it.

    FINN's attributes are those of the map without zeros; ``Padding`` has these above, to the left,
    below and to the right, as FINN's FMPadding does. Windows leave as FINN's do: pixel by pixel, or
    where ``depthwise`` is set, SIMD channels of all pixels, then the next ones.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """FINN's attributes of the op and ``Padding``."""
        return super().get_nodeattr_types() | {"Padding": ("ints", True, [0, 0, 0, 0])}

    def windows(self) -> MapWindows:
        """The windows and the map."""
        top, left, bottom, right = self.get_nodeattr("Padding")
        return MapWindows(
            self._pair("IFMDim"),
            self._pair("ConvKernelDim"),
            self._pair("Stride"),
            (int(top), int(left), int(bottom), int(right)),
            self._pair("Dilation"),
        )

    def _pair(self, name: str) -> tuple[int, int]:
        rows, pixels = self.get_nodeattr(name)
        return int(rows), int(pixels)

    def folds(self) -> int:
        """Words of a pixel."""
        return int(self.get_nodeattr("IFMChannels") // self.get_nodeattr("SIMD"))

    def use_parallel_window_output(self) -> bool:
        """Windows do not leave whole."""
        return False

    def get_normal_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape (1, rows, windows of a row, elements of a window)."""
        windows = self.windows()
        return (1, *windows.out, windows.size * int(self.get_nodeattr("IFMChannels")))

    def get_folded_output_shape(self, ind: int = 0) -> tuple[int, ...]:
        """Shape (1, rows, windows of a row, words of a window, SIMD)."""
        *vectors, elements = self.get_normal_output_shape()
        simd = int(self.get_nodeattr("SIMD"))
        return (*vectors, elements // simd, simd)

    def get_number_output_values(self) -> int:
        """Words of a frame."""
        return math.prod(self.get_folded_output_shape()[:-1])

    def get_exp_cycles(self) -> int:
        """Cycles of a frame: those of the side that has more words."""
        return self.windows().cycles(self.folds())

    def execute_node(self, context: dict[str, Any], graph: Any) -> None:
        """Cut the windows out in Python."""
        windows, simd = self.windows(), self.get_nodeattr("SIMD")
        top, left, bottom, right = windows.pads
        values = context[self.onnx_node.input[0]].reshape(self.get_normal_input_shape())
        values = np.pad(values, ((0, 0), (top, bottom), (left, right), (0, 0)))
        reach = [(k - 1) * d + 1 for k, d in zip(windows.kernel, windows.dilation, strict=True)]
        found = np.lib.stride_tricks.sliding_window_view(values, reach, axis=(1, 2))
        (rows, pixels), (down, across) = windows.stride, windows.dilation
        found = found[:, ::rows, ::pixels, :, ::down, ::across].transpose(0, 1, 2, 4, 5, 3)
        if self.get_nodeattr("depthwise"):
            found = found.reshape(1, *windows.out, windows.size, -1, simd).swapaxes(3, 4)
        context[self.onnx_node.output[0]] = found.reshape(self.get_normal_output_shape())


class ConvolutionInputGeneratorPadded_rtl(StreamingRTL, ConvolutionInputGeneratorPadded):
    """A ring of pixels without zeros; a word goes in and a word comes out in every cycle."""

    module = "stream_window"
    parallelism = "SIMD"

    def parallel_elements(self) -> int:
        """What SIMD divides: the channels."""
        return int(self.get_nodeattr("IFMChannels"))

    def depth(self) -> int:
        """Words of the ring."""
        return self.windows().words(self.folds(), self.get_nodeattr("ram_style"))

    def rtl_parameters(self) -> dict[str, int | str]:
        """See StreamingRTL."""
        self.integer_type(self.get_input_datatype())
        return {
            "Width": self.get_instream_width(),
            **self.windows().parameters(),
            "Folds": self.folds(),
            "Depthwise": self.get_nodeattr("depthwise"),
            "Depth": self.depth(),
            "RamStyle": f'"{self.get_nodeattr("ram_style")}"',
        }

    def bram_estimation(self, fpgapart: str = "") -> int:
        """Block RAMs of 18 kbit, where the ring is of these."""
        if self.get_nodeattr("ram_style") != "block":
            return 0
        width, depth = self.get_instream_width(), self.depth()
        return min(math.ceil(width / b) * math.ceil(depth / w) for w, b in _BLOCKS)
